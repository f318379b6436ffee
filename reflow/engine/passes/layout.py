"""Layout: on a CPU, what a program written for GPUs computes with channels first runs with channels last.

The kernels in C want the channels of an image behind one another in memory, and oneDNN rearranges images that have them
otherwise. A convolution with data_format="NCHW" becomes one with "NHWC" between two transpositions. These cost as much
as a small layer, so ops that do not mind the order (`layout_rules.py`) move too, as far as that saves any
(`layout_regions.py`): what is left stands where images come in, where they are flattened, and where they are fetched.
The program's own transpositions to NHWC and back then have nothing left to do, and go.

(The idea of moving transpositions through a graph is that of the layout optimizer in TensorFlow's Grappler.)
"""

import numpy as np
import torch

from reflow.engine.passes.layout_regions import OF_SHAPES, Regions
from reflow.engine.passes.layout_rules import (
    TO_FIRST,
    TO_LAST,
    Order,
    aligned,
    is_small_constant,
    keeps_order,
    moved_dims,
    permutation_of,
    wants_channels_last,
)
from reflow.engine.passes.rewriting import constant_node, constant_of
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.graph import dtypes
from reflow.graph.registry import define_op
from reflow.ops.native import transposition


def _transpose_in_memory(x, perm):
    return x.permute(perm).clone(memory_format=torch.contiguous_format)


# A transposition whose result lies in memory as its dimensions stand; that of Transpose is a view.
define_op("_TransposeInMemory", "x: T -> y: T", "T: type, perm: list(int)", gradient=None,
          shape=lambda op: [moved_dims(op._inputs[0].dims, op.attrs["perm"])], kernel=_transpose_in_memory,
          native=transposition.in_memory(_transpose_in_memory))  # fmt: skip

# For an order of dimensions, the format of what it makes, and what the results are called.
_FORMATS = {TO_LAST: b"NHWC", TO_FIRST: b"NCHW"}


def move_channels_last(plan: Plan) -> Plan:
    """Let nodes with channels first, and those between them, work with channels last where that pays."""
    if any(wants_channels_last(node) for node in plan.nodes):
        regions = Regions(plan)
        if regions.choose():
            _Rewriting(plan, regions).run()
    return plan


class _Rewriting:
    """One walk over a plan, whose nodes move as `regions` says. Images are converted before the first to take them."""

    def __init__(self, plan: Plan, regions: Regions):
        self._plan = plan
        self._regions = regions
        self._nodes: list[Node] = []
        # What all take instead of a value: instead of the result of a transposition that goes, or of a shape.
        self._instead: dict[Value, Value] = {}
        # Images and vectors in another order.
        self._converted: dict[tuple[Value, Order], Value] = {}

    def run(self) -> None:
        """Rewrite the plan."""
        plan, moved = self._plan, self._regions.moved - self._regions.transposes
        for node in plan.nodes:
            self._visit(node, node in moved)
        plan.fetches = [self._as_made(value) for value in plan.fetches]
        for node in moved:
            for value in self._regions.images_made(node):
                value.dims = moved_dims(aligned(value.dims), TO_LAST)
        needed = {v for node in self._nodes for v in node.inputs} | set(plan.fetches)
        plan.nodes = [n for n in self._nodes if n not in self._regions.transposes or n.outputs[0] in needed]
        left = sum(n.type == "_TransposeInMemory" or permutation_of(n) in _FORMATS for n in plan.nodes)
        plan.notes.append(f"layout: {len(moved)} nodes in NHWC, transposes that remain: {left}")

    def _visit(self, node: Node, moves: bool) -> None:
        if node in self._regions.transposes and self._is_needless(node):
            self._instead[node.outputs[0]] = self._as_last(node.inputs[0], node)
        elif node.type in OF_SHAPES:
            self._look_at_shapes(node)
        else:
            node.inputs = self._moved_inputs(node) if moves else [self._as_made(value) for value in node.inputs]
            self._nodes.append(node)

    def _is_needless(self, transpose: Node) -> bool:
        """True if the image has its channels last anyway: it is made so, or another node takes it so."""
        (image, _), regions = transpose.inputs, self._regions
        if permutation_of(transpose) != TO_LAST:
            return False
        takers = [node for node in regions.consumers[image] if regions.takes_last(node, image)]
        return regions.makes_last(image) or not regions.transposes.issuperset(takers)

    def _moved_inputs(self, node: Node) -> list[Value]:
        move = self._regions.move(node)
        assert move is not None
        node.attrs = {**node.attrs, **move.attrs}
        inputs = []
        for i, value in enumerate(node.inputs):
            if i in move.images:
                inputs.append(self._as_last(value, node))
            elif i in move.vectors:
                inputs.append(self._vector(self._as_made(value), TO_LAST, node))
            elif i in move.constants:
                inputs.append(self._constant(value, move.constants[i], node))
            else:
                inputs.append(self._as_made(value))
        return inputs

    def _look_at_shapes(self, node: Node) -> None:
        """A shape is taken of the image that there is; who asks for it gets its numbers in the program's order."""
        images = [i for i, image in enumerate(node.inputs) if self._regions.makes_last(image)]
        node.inputs = [self._as_last(v, node) if i in images else self._as_made(v) for i, v in enumerate(node.inputs)]
        self._nodes.append(node)
        if node.type in ("Shape", "ShapeN"):
            for shape in [node.outputs[i] for i in images]:
                self._instead[shape] = self._vector(shape, TO_FIRST, node)

    # --- values in one order and the other ----------------------------------------------------------------------------

    def _as_made(self, value: Value) -> Value:
        """A value as the program made it."""
        if value in self._instead:
            return self._instead[value]
        if not self._regions.makes_last(value) or value.node in self._regions.transposes:
            return value
        return self._image(value, TO_FIRST, value.node)

    def _as_last(self, value: Value, node: Node) -> Value:
        """A value as an image with its channels last, for `node`."""
        if self._regions.makes_last(value):
            return value.node.inputs[0] if value.node in self._regions.transposes else value
        return self._image(value, TO_LAST, node)

    def _image(self, value: Value, order: Order, like: Node) -> Value:
        """An image, or what broadcasts against one, in another order."""
        if (value, order) not in self._converted:
            source, name = self._instead.get(value, value), f"{value.name}/{_FORMATS[order].decode()}"
            program, moved = aligned(value.dims), moved_dims(aligned(value.dims), TO_LAST)
            before, after = (program, moved) if order == TO_LAST else (moved, program)
            array, output = constant_of(source), (value.dtype, after)
            if array is not None and is_small_constant(source):
                image = array.reshape((1,) * (len(order) - array.ndim) + array.shape)
                node = constant_node(name, image.transpose(order), value.dtype, like)
            elif keeps_order(before, order):
                sizes = [-1 if size is None else size for size in after]
                shape = self._added(constant_node(f"{name}/shape", sizes, dtypes.int32, like), ())
                attrs = {"T": value.dtype, "Tshape": dtypes.int32}
                node = new_node(name, "Reshape", [source, shape], attrs, [output], like=like)
            else:
                node = new_node(name, "_TransposeInMemory", [source], {"T": value.dtype, "perm": list(order)}, [output],
                                like=like)  # fmt: skip
            self._converted[value, order] = self._added(node, self._guard(value, order))
        return self._converted[value, order]

    def _guard(self, value: Value, order: Order) -> tuple:
        """That of all who take a converted image, if it is the same; else that of the image."""
        regions = self._regions
        users = [node for node in regions.consumers.get(value, ())
                 if node.type not in OF_SHAPES and regions.takes_last(node, value) is (order == TO_LAST)]  # fmt: skip
        guards = {node.guard for node in users}
        # A choice wants what its branches make where they are taken.
        alike = len(guards) == 1 and all(node.type != "_Merge" for node in users)
        return guards.pop() if alike and value not in self._plan.fetches else value.node.guard

    def _vector(self, value: Value, order: Order, node: Node) -> Value:
        """A vector of one number a dimension in another order."""
        array = constant_of(value)
        if array is not None:
            return self._constant(value, array[list(order)], node)
        back = TO_FIRST if order == TO_LAST else TO_LAST
        if (value, order) not in self._converted:
            attrs = {"T": value.dtype, "src_format": _FORMATS[back], "dst_format": _FORMATS[order]}
            permuted = new_node(f"{value.name}/{_FORMATS[order].decode()}", "DataFormatVecPermute", [value], attrs,
                                [(value.dtype, value.dims)], like=node)  # fmt: skip
            self._converted[value, order] = self._added(permuted, value.node.guard)
            self._converted[permuted.outputs[0], back] = value
        return self._converted[value, order]

    def _constant(self, value: Value, array: np.ndarray, node: Node) -> Value:
        """A constant in place of one that `node` takes."""
        return self._added(constant_node(f"{value.name}/NHWC", array, value.dtype, node), ())

    def _added(self, node: Node, guard: tuple) -> Value:
        node.control, node.guard = [], () if node.type == "Const" else guard
        self._nodes.append(node)
        return node.outputs[0]
