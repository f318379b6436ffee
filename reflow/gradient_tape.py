"""tf.GradientTape, as it works in a graph: the operations made while it records are those that it differentiates."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from reflow.autodiff import UnconnectedGradients, gradients
from reflow.graph import nest
from reflow.graph.build import call
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.graph import Graph, get_default_graph
from reflow.graph.operation import Operation, Tensor
from reflow.ops.joining import concat, stack
from reflow.ops.shape_ops import reshape, shape

_READS = frozenset({"ReadVariableOp", "ResourceGather", "ResourceGatherNd"})


@export("GradientTape")
class GradientTape:
    """Records the operations that are made in its `with` block from what it watches, for their gradients.

    Args:
      persistent: gradients may be asked for several times.
      watch_accessed_variables: trainable resource variables are watched when they are read.
    """

    def __init__(self, persistent=False, watch_accessed_variables=True):
        self._persistent = persistent
        self._watches_variables = watch_accessed_variables
        self._graph: Graph | None = None
        self._spans: list[list] = []  # of the numbers of operations: first, and behind the last or None
        self._watched: dict[Any, None] = {}
        self._is_recording = self._was_used = False

    def __enter__(self):
        self._start()
        return self

    def __exit__(self, *_):
        if self._is_recording:
            self._stop()

    def _start(self) -> None:
        if self._is_recording:
            raise ValueError("Tape is already recording.")
        self._graph = self._graph or get_default_graph()
        self._spans.append([len(self._graph._operations), None])
        self._is_recording = True

    def _stop(self) -> None:
        if not self._is_recording or self._graph is None:
            raise ValueError("Tape is not recording.")
        self._spans[-1][1] = len(self._graph._operations)
        self._is_recording = False

    def watch(self, tensor) -> None:
        """Watches a tensor or variable, or a nested structure of them."""
        for each in nest.flatten(tensor):
            self._watched[each] = None

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """What is made in this context is not recorded."""
        self._stop()
        try:
            yield
        finally:
            self._start()

    def reset(self) -> None:
        """Forgets what was recorded and watched."""
        self._spans, self._watched = [], {}
        if self._is_recording:
            self._is_recording = False
            self._start()

    def watched_variables(self) -> tuple:
        """The variables that are watched, in the order in which they were read."""
        return tuple(x for x in [*self._watched, *self._read_variables()] if not isinstance(x, Tensor))

    def gradient(self, target, sources, output_gradients=None, unconnected_gradients=UnconnectedGradients.NONE):
        """The gradients of the sum of `target` by `sources`.

        Args:
          target: a tensor, or a nested structure of them.
          sources: tensors or variables, nested.
          output_gradients: for each target the gradient that flows into it; ones if None.
          unconnected_gradients: what a source gets that no target depends on: None, or zeros.

        Returns:
          The gradients, nested as `sources` are.

        Raises:
          RuntimeError: if it is asked for a second time and the tape is not persistent.
        """
        self._check_unused()
        self._was_used = True
        if not self._persistent and self._is_recording:
            self._stop()
        flat, targets = nest.flatten(sources), [to_tensor(t) for t in nest.flatten(target)]
        given = None if output_gradients is None else nest.flatten(output_gradients)
        reached, borders = self._walk(targets)
        known = [self._value(source) in reached for source in flat]
        options = {"grad_ys": given, "stop_gradients": borders, "unconnected_gradients": unconnected_gradients}
        wanted = [source for source, is_known in zip(flat, known, strict=True) if is_known]
        found = iter(gradients(targets, wanted, **options) if wanted else [])
        zeros = UnconnectedGradients(unconnected_gradients) is UnconnectedGradients.ZERO
        results = [next(found) if is_known else call("ZerosLike", self._value(source)) if zeros else None
                   for source, is_known in zip(flat, known, strict=True)]  # fmt: skip
        return nest.pack_sequence_as(sources, results)

    def jacobian(self, target, sources, unconnected_gradients=UnconnectedGradients.NONE, parallel_iterations=None,
                 experimental_use_pfor=True):  # fmt: skip
        """The derivatives of each element of `target`, whose shape is known, by `sources`.

        Args:
          target: a tensor.
          sources: tensors or variables, nested.
          unconnected_gradients: as for `gradient`.
          parallel_iterations, experimental_use_pfor: accepted.

        Returns:
          For each source a tensor of shape target.shape + source.shape, or None, nested as `sources` are.

        Raises:
          ValueError: if the shape of `target` is not fully known.
        """
        rows = [nest.flatten(row) for row in self._rows(target, sources, unconnected_gradients)]
        sizes = target.shape.as_list()
        flat = [None if column[0] is None else reshape(stack(column), concat([sizes, shape(column[0])], 0))
                for column in zip(*rows, strict=True)]  # fmt: skip
        for matrix, source in zip(flat, nest.flatten(sources), strict=True):
            if matrix is not None:
                matrix.set_shape(target.shape.concatenate(source.shape))
        return nest.pack_sequence_as(sources, flat)

    def batch_jacobian(self, target, source, unconnected_gradients=UnconnectedGradients.NONE, parallel_iterations=None,
                       experimental_use_pfor=True):  # fmt: skip
        """The derivatives of each example's elements of `target` by the same example of `source`.

        Args:
          target: a tensor [batch, ...] whose other sizes are known; example i depends on that of `source` alone.
          source: a tensor [batch, ...].
          unconnected_gradients: as for `gradient`.
          parallel_iterations, experimental_use_pfor: accepted.

        Returns:
          A tensor of shape [batch] + target.shape[1:] + source.shape[1:], or None.
        """
        count = target.shape[1:].num_elements()
        if count is None:
            raise ValueError("batch_jacobian needs a target whose sizes but the first are known")
        with self._kept():
            flat = reshape(target, [-1, count])
            rows = [self.gradient(flat[:, j], source, None, unconnected_gradients) for j in range(count)]
        if not rows or rows[0] is None:
            return None
        sizes = concat([shape(target), shape(source)[1:]], 0)
        result = reshape(stack(rows, 1), sizes)
        result.set_shape(target.shape.concatenate(source.shape[1:]))
        return result

    def _rows(self, target, sources, unconnected_gradients) -> list:
        count = target.shape.num_elements()
        if count is None:
            raise ValueError("jacobian needs a target of known shape")
        with self._kept():
            flat = reshape(target, [-1])
            return [self.gradient(flat[j], sources, None, unconnected_gradients) for j in range(count)]

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Counts several gradients as one, and what takes the target apart as recorded."""
        self._check_unused()
        persistent, records = self._persistent, self._is_recording
        self._persistent = True
        if not records:
            self._start()
        try:
            yield
        finally:
            self._persistent = persistent
            if not records:
                self._stop()

    def _check_unused(self) -> None:
        if not self._spans or self._was_used and not self._persistent:
            raise RuntimeError("GradientTape.gradient can only be called once on non-persistent tapes.")

    def _is_recorded(self, operation: Operation) -> bool:
        return any(first <= operation._id and (end is None or operation._id < end) for first, end in self._spans)

    @staticmethod
    def _value(source) -> Tensor:
        """The tensor by which a source stands in the graph: of a resource variable, its handle."""
        if isinstance(source, Tensor):
            return source
        return source.handle if hasattr(source, "handle") else source.value()

    def _read_variables(self) -> list:
        """The trainable variables that recorded operations read."""
        if not self._watches_variables or self._graph is None:
            return []
        by_handle = {v.handle: v for v in self._graph.get_collection("trainable_variables") if hasattr(v, "handle")}
        reads = [op for first, end in self._spans for op in self._graph._operations[first:end] if op.type in _READS]
        return [v for v in dict.fromkeys(by_handle.get(op._inputs[0]) for op in reads)
                if v is not None and v not in self._watched]  # fmt: skip

    def _walk(self, targets: list[Tensor]) -> tuple[set[Tensor], list[Tensor]]:
        """What depends on watched tensors, these included, and the tensors before `targets` that are constants."""
        reached = {self._value(x) for x in [*self._watched, *self._read_variables()]}
        operations: dict[Operation, None] = {}
        open_tensors, borders = list(targets), []
        while open_tensors:
            tensor = open_tensors.pop()
            if not self._is_recorded(tensor.op):
                borders.append(tensor)
            elif tensor.op not in operations:
                operations[tensor.op] = None
                open_tensors.extend(tensor.op._inputs)
        for operation in sorted(operations, key=lambda op: op._id):
            if not reached.isdisjoint(operation._inputs):
                reached.update(operation.outputs)
        return reached, [tensor for tensor in dict.fromkeys(borders) if tensor not in reached]
