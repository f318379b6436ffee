"""tf.ragged.range: rows of evenly spaced numbers."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.ops.ranges import cast_to_widest
from reflow.ragged.tensor import RaggedTensor


@export("ragged.range")
def ragged_range(starts, limits=None, deltas=1, dtype=None, name=None, row_splits_dtype=dtypes.int64):
    """Rows of evenly spaced numbers: row i is `range(starts[i], limits[i], deltas[i])`.

    Args:
      starts: a scalar or vector: the first number of each row; the limits if `limits` is None, rows then begin with 0.
      limits: a scalar or vector: the numbers of a row stay below, or above if its delta is negative.
      deltas: a scalar or vector: the differences, which are not 0.
      dtype: the type of the numbers; the widest of those of the bounds if None.
      name: a name scope.
      row_splits_dtype: int32 or int64.

    Returns:
      A RaggedTensor with one ragged dimension.

    Raises:
      ValueError: if the arguments have more dimensions, or different lengths.
      AssertionError: if `dtype` is None and a bound is neither int32, int64, float32 nor float64.
      InvalidArgumentError: when it runs, if a delta is 0.
    """
    row_splits_dtype = as_dtype(row_splits_dtype)
    if limits is None:
        starts, limits = 0, starts
    dtype = None if dtype is None else as_dtype(dtype)
    with name_scope(name, "RaggedRange", [starts, limits, deltas]) as scope:
        named = {"starts": starts, "limits": limits, "deltas": deltas}
        bounds = [to_tensor(value, dtype, each) for each, value in named.items()]
        if dtype is None:
            bounds = cast_to_widest(bounds)
        splits, values = call("RaggedRange", *bounds, Tsplits=row_splits_dtype, name=scope)
        return RaggedTensor.from_row_splits(values, splits, validate=False)
