"""What a program says of the features of examples: FixedLenFeature and kin, and what the parsing ops make of them."""

import re
from collections import namedtuple
from dataclasses import dataclass, field

from reflow.graph import dtypes
from reflow.graph.convert import constant_tensor, to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.shapes import TensorShape
from reflow.platform import logging


@export("io.VarLenFeature", "VarLenFeature")
class VarLenFeature(namedtuple("VarLenFeature", ["dtype"])):
    """A feature with any number of values, to be parsed to a SparseTensor.

    Args:
      dtype: float32, int64 or string.
    """

    __slots__ = ()


@export("io.SparseFeature", "SparseFeature")
class SparseFeature(namedtuple("SparseFeature", ["index_key", "value_key", "dtype", "size", "already_sorted"])):
    """A sparse tensor whose coordinates and values stand in features of their own.

    Args:
      index_key: the name of the int64 feature of the coordinates, or a list of names, one a dimension.
      value_key: the name of the feature of the values.
      dtype: the type of the values: float32, int64 or string.
      size: the size of the dimension, or a list of sizes.
      already_sorted: whether the coordinates are in row-major order.
    """

    __slots__ = ()

    def __new__(cls, index_key, value_key, dtype, size, already_sorted=False):
        return super().__new__(cls, index_key, value_key, dtype, size, already_sorted)


@export("io.FixedLenFeature", "FixedLenFeature")
class FixedLenFeature(namedtuple("FixedLenFeature", ["shape", "dtype", "default_value"])):
    """A feature with as many values in each example, to be parsed to a dense tensor.

    Args:
      shape: the shape in one example.
      dtype: float32, int64 or string.
      default_value: the value for examples without the feature; None if they are to fail.
    """

    __slots__ = ()

    def __new__(cls, shape, dtype, default_value=None):
        return super().__new__(cls, shape, dtype, default_value)


@export("io.FixedLenSequenceFeature", "FixedLenSequenceFeature")
class FixedLenSequenceFeature(
    namedtuple("FixedLenSequenceFeature", ["shape", "dtype", "allow_missing", "default_value"])
):
    """A feature with rows of one shape, any number of them, to be parsed to a dense tensor that is padded.

    Args:
      shape: the shape of one row.
      dtype: float32, int64 or string.
      allow_missing: whether an example may lack the feature.
      default_value: the scalar to pad with; 0 or "" if None.
    """

    __slots__ = ()

    def __new__(cls, shape, dtype, allow_missing=False, default_value=None):
        return super().__new__(cls, shape, dtype, allow_missing, default_value)


@dataclass
class RawFeatures:
    """Features as the parsing ops want them: keys, types, shapes and defaults of sparse and of dense ones."""

    sparse_keys: list = field(default_factory=list)
    sparse_types: list = field(default_factory=list)
    dense_keys: list = field(default_factory=list)
    dense_types: list = field(default_factory=list)
    dense_shapes: list = field(default_factory=list)
    dense_defaults: dict = field(default_factory=dict)

    def add_sparse(self, key, dtype) -> None:
        """Add a sparse feature, which may be there already.

        Raises:
          ValueError: if it is there with another type.
        """
        if key not in self.sparse_keys:
            self.sparse_keys.append(key)
            self.sparse_types.append(dtype)
            return
        known = self.sparse_types[self.sparse_keys.index(key)]
        if known != dtype:
            raise ValueError(f"Conflicting type {known} vs {dtype} for feature {key}.")

    def check_keys(self, what: str = "Dense and sparse") -> None:
        """Raise ValueError if a key is both sparse and dense."""
        common = set(self.dense_keys) & set(self.sparse_keys)
        if common:
            raise ValueError(f"{what} keys must not intersect; intersection: {common}")


def raw_features(features, kinds) -> RawFeatures:
    """The features of a dict, sorted by name.

    Args:
      features: a dict of names to features, or None.
      kinds: the classes allowed.

    Raises:
      ValueError: for other classes, and for features that lack a type, a shape or a key.
    """
    raw = RawFeatures()
    for key in sorted(features or ()):
        feature = features[key]
        kind = type(feature)
        if kind not in _ADD:
            raise ValueError(f"Invalid feature {key}:{feature}.")
        if kind not in kinds:
            raise ValueError(f"Unsupported {kind.__name__} {feature}.")
        _ADD[kind](raw, key, feature)
    return raw


def _check_type(key, feature):
    if not feature.dtype:
        raise ValueError(f"Missing type for feature {key}.")


def _add_any_length(raw, key, feature):
    _check_type(key, feature)
    raw.sparse_keys.append(key)
    raw.sparse_types.append(as_dtype(feature.dtype))


def _add_sparse(raw, key, feature):
    if not feature.index_key:
        raise ValueError(f"Missing index_key for SparseFeature {feature}.")
    if not feature.value_key:
        raise ValueError(f"Missing value_key for SparseFeature {feature}.")
    _check_type(key, feature)
    index_keys = [feature.index_key] if isinstance(feature.index_key, str) else feature.index_key
    if len(index_keys) > 1:
        logging.warning("SparseFeature is a complicated feature config and should only be used after careful "
                        "consideration of VarLenFeature.")  # fmt: skip
    for index_key in sorted(index_keys):
        raw.add_sparse(index_key, dtypes.int64)
    raw.add_sparse(feature.value_key, as_dtype(feature.dtype))


def _add_fixed(raw, key, feature):
    _add_dense(raw, key, feature)
    shape = TensorShape(feature.shape)
    if shape.ndims and shape.dims[0].value is None:
        raise ValueError(f"First dimension of shape for feature {key} unknown. Consider using FixedLenSequenceFeature.")
    if not shape.is_fully_defined():
        raise ValueError(f"All dimensions of shape for feature {key} need to be known but received {feature.shape}.")
    if feature.default_value is not None:
        raw.dense_defaults[key] = feature.default_value


def _add_sequence(raw, key, feature):
    _add_dense(raw, key, feature)
    if feature.allow_missing:
        raw.dense_defaults[key] = None
    if feature.default_value is not None:
        raw.dense_defaults[key] = feature.default_value


def _add_dense(raw, key, feature):
    _check_type(key, feature)
    if feature.shape is None:
        raise ValueError(f"Missing shape for feature {key}.")
    raw.dense_keys.append(key)
    raw.dense_shapes.append(TensorShape(feature.shape))
    raw.dense_types.append(as_dtype(feature.dtype))


_ADD = {VarLenFeature: _add_any_length, SparseFeature: _add_sparse, FixedLenFeature: _add_fixed,
        FixedLenSequenceFeature: _add_sequence}  # fmt: skip


def node_name(key: str) -> str:
    """A feature's name with what node names must not have replaced."""
    return re.sub(r"[^A-Za-z0-9_.\-/]", "_", key)


def default_tensors(raw: RawFeatures, with_rows: bool = True, reshaped: bool = True) -> list[Tensor]:
    """The tensors of the dense features' defaults, as the parsing ops want them.

    Args:
      raw: the features.
      with_rows: whether an unknown size in front stands for rows of any length.
      reshaped: whether to give defaults the features' shapes.
    """
    return [
        _padding(key, dtype, raw.dense_defaults.get(key))
        if with_rows and shape.ndims and shape.dims[0].value is None
        else _default(key, dtype, raw.dense_defaults.get(key), shape if reshaped else None)
        for key, dtype, shape in zip(raw.dense_keys, raw.dense_types, raw.dense_shapes, strict=True)
    ]


def _padding(key, dtype, value):
    from reflow.ops.shape_ops import reshape

    if value is None:
        return to_tensor("" if dtype is dtypes.string else 0, dtype)
    return reshape(to_tensor(value, dtype, f"padding_{node_name(key)}"), [])


def _default(key, dtype, value, shape):
    from reflow.ops.shape_ops import reshape

    if value is None:
        return constant_tensor([], dtype, "Const")
    if isinstance(value, Tensor):
        return value
    tensor = to_tensor(value, dtype, f"key_{node_name(key)}")
    return tensor if shape is None else reshape(tensor, shape)
