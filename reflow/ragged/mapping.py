"""tf.ragged.map_flat_values: any op on the innermost values of ragged tensors."""

from reflow.graph.context import control_dependencies
from reflow.graph.export import export
from reflow.ragged.arguments import MISMATCHED_SPLITS_TYPES, check_splits_match
from reflow.ragged.tensor import RaggedTensor, convert_to_tensor_or_ragged_tensor, is_ragged


@export("ragged.map_flat_values")
def map_flat_values(op, *args, **kwargs):
    """What a function makes of the innermost values of ragged tensors, in the same rows.

    Args:
      op: a function of tensors, which keeps the number of the outermost elements.
      *args, **kwargs: its arguments; of each RaggedTensor in them, also in lists, tuples and dicts, it gets the
        `flat_values`.

    Returns:
      A RaggedTensor with the row splits of the arguments; what `op` returns if none of them is ragged.

    Raises:
      ValueError: if the arguments have different numbers of ragged dimensions, or row splits of different types.
      InvalidArgumentError: when it runs, if they have different row splits.
    """
    found: list = []
    flat_args, flat_kwargs = _flattened(args, found), _flattened(kwargs, found)
    if not found:
        return op(*args, **kwargs)
    if len({splits[0].dtype for splits in found}) > 1:
        raise ValueError(f"Input RaggedTensors {MISMATCHED_SPLITS_TYPES}")
    with control_dependencies(check_splits_match(found)):
        return RaggedTensor.from_nested_row_splits(op(*flat_args, **flat_kwargs), found[0], validate=False)


def _flattened(value, found: list):
    """`value` with flat values in the place of ragged tensors; `found` gains their row splits."""
    if is_ragged(value):
        value = convert_to_tensor_or_ragged_tensor(value)
        found.append(value.nested_row_splits)
        return value.flat_values
    if isinstance(value, dict):
        return {key: _flattened(item, found) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [_flattened(item, found) for item in value]
        return items if isinstance(value, list) else tuple(items)
    return value
