"""Where a layer was applied: the tensors that went in and came out, and what can be reached from a tensor."""

from typing import Any

from reflow.graph import nest
from reflow.graph.operation import Operation


class Connectivity:
    """The applications of a layer, in order, as nodes with `input_tensors`, `output_tensors` and their shapes.

    Layers note them when they are applied to the inputs of a Keras model; applied to other tensors they note nothing,
    and the properties here say so.
    """

    # The layer's name.
    name: Any

    def __init__(self):
        self._inbound_nodes = []
        self._outbound_nodes = []

    @property
    def inbound_nodes(self):
        """The applications of the layer."""
        return self._inbound_nodes

    @property
    def outbound_nodes(self):
        """The applications of other layers to outputs of this one."""
        return self._outbound_nodes

    def _node_attribute(self, node_index, attribute, words):
        if not self._inbound_nodes:
            raise RuntimeError(f"The layer has never been called and thus has no defined {words}.")
        if len(self._inbound_nodes) <= node_index:
            raise ValueError(f"Asked to get {words} at node {node_index}, but the layer has only "
                             f"{len(self._inbound_nodes)} inbound nodes.")  # fmt: skip
        values = getattr(self._inbound_nodes[node_index], attribute)
        return values[0] if isinstance(values, list) and len(values) == 1 else values

    def get_input_at(self, node_index):
        """The input of one application."""
        return self._node_attribute(node_index, "input_tensors", "input")

    def get_output_at(self, node_index):
        """The output of one application."""
        return self._node_attribute(node_index, "output_tensors", "output")

    def get_input_shape_at(self, node_index):
        """The shape of the input of one application."""
        return self._node_attribute(node_index, "input_shapes", "input shape")

    def get_output_shape_at(self, node_index):
        """The shape of the output of one application."""
        return self._node_attribute(node_index, "output_shapes", "output shape")

    def get_input_mask_at(self, node_index):
        """The mask of the input of one application, or None."""
        return _masks_of(self.get_input_at(node_index))

    def get_output_mask_at(self, node_index):
        """The mask of the output of one application, or None."""
        return _masks_of(self.get_output_at(node_index))

    @property
    def input_mask(self):
        """The mask of the input of the first application; raises AttributeError if none was noted."""
        return _masks_of(self.input)

    @property
    def output_mask(self):
        """The mask of the output of the first application; raises AttributeError if none was noted."""
        return _masks_of(self.output)

    @property
    def input(self):
        """The input of the first application; raises AttributeError if none was noted."""
        if not self._inbound_nodes:
            raise AttributeError(f"Layer {self.name} is not connected, no input to return.")
        return self.get_input_at(0)

    @property
    def output(self):
        """The output of the first application; raises AttributeError if none was noted."""
        if not self._inbound_nodes:
            raise AttributeError(f"Layer {self.name} has no inbound nodes.")
        return self.get_output_at(0)

    @property
    def input_shape(self):
        """The shape of the inputs of all applications; raises AttributeError if there are none, or they differ."""
        return self._common_shape("input")

    @property
    def output_shape(self):
        """The shape of the outputs of all applications; raises AttributeError if there are none, or they differ."""
        return self._common_shape("output")

    def _common_shape(self, side):
        if not self._inbound_nodes:
            raise AttributeError(f"The layer has never been called and thus has no defined {side} shape.")
        shapes = [getattr(node, f"{side}_shapes") for node in self._inbound_nodes]
        if len(set(map(str, shapes))) > 1:
            raise AttributeError(f'The layer "{self.name}" has multiple inbound nodes, with different {side} shapes. '
                                 f'Hence the notion of "{side} shape" is ill-defined for the layer. Use '
                                 f"`get_{side}_shape_at(node_index)` instead.")  # fmt: skip
        return shapes[0]


def _masks_of(tensors):
    """The masks that Keras layers left on tensors, in the same form."""
    if isinstance(tensors, list):
        return [_masks_of(tensor) for tensor in tensors]
    return getattr(tensors, "_keras_mask", None)


def reachable_from(inputs, targets):
    """Those of `targets` (tensors and operations) that depend on one of `inputs` (a tensor or a list of them)."""
    sources = {getattr(x, "op", x) for x in nest.flatten(inputs)}
    known = {}

    def depends(operation):
        """Depth first without recursion: a graph is deeper than Python's stack."""
        stack = [operation]
        while stack:
            top = stack[-1]
            if top not in known:
                known[top] = top in sources
                stack.extend(t.op for t in top._inputs if t.op not in known)
                continue
            stack.pop()
            known[top] = known[top] or any(known[t.op] for t in top._inputs)
        return known[operation]

    return [t for t in targets if depends(t if isinstance(t, Operation) else t.op)]
