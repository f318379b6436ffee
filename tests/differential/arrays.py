"""Ops that move, join, cut and select elements, whatever their type."""

import numpy as np

from tests.differential.table import Table

table = Table("arrays")


def _one(d):
    return [d.array("T", d.shape())], {}


def _listed(d):
    shape = d.shape()
    return [[d.array("T", shape) for _ in range(d.int(1, 3))]], {}


def _i32(values):
    return np.array(values, "int32")


table.add("Identity StopGradient Shape Size Rank PreventGradient Copy CopyHost DeepCopy", _one)
table.add("ShapeN", _listed)
table.add("Bitcast", _one)

# --- joining and cutting --------------------------------------------------------------------------------------------


def _identities(d):
    arrays = [d.array(d.pick("float32", "int64", "string", "bool", "complex64"), d.shape()) for _ in range(d.int(1, 3))]
    return [arrays], {}


def _pack(d):
    shape = d.shape(most=2)
    return [[d.array("T", shape) for _ in range(d.int(1, 3))]], {"axis": d.axis(len(shape) + 1)}


def _parallel_concat(d):
    shape, count = d.shape(most=2, low=1), d.int(1, 3)
    return [[d.array("T", (1, *shape)) for _ in range(count)]], {"shape": (count, *shape)}


def _unpack(d):
    shape = d.shape(least=1)
    axis = d.axis(len(shape))
    return [d.array("T", shape)], {"axis": axis, "num": shape[axis] if -len(shape) <= axis < len(shape) else 1}


def _concat(d):
    shape = list(d.shape(least=1))
    axis = d.axis(len(shape))
    arrays = []
    for _ in range(d.int(2, 4)):
        if -len(shape) <= axis < len(shape):
            shape[axis] = d.size()
        arrays.append(d.array("T", shape))
    return ([_i32(axis), arrays], {}) if d.op == "Concat" else ([arrays, d.ints("Tidx", axis)], {})


def _concat_offset(d):
    shape = list(d.shape(least=1))
    axis, shapes = d.axis(len(shape)), []
    for _ in range(d.int(2, 4)):
        shape[axis % len(shape)] = d.size()
        shapes.append(_i32(shape))
    return [_i32(axis), shapes], {}


def _split(d):
    shape, count = list(d.shape(least=1)), d.int(1, 3)
    axis = d.axis(len(shape))
    if -len(shape) <= axis < len(shape):
        shape[axis] = count * d.int(0, 2) + (1 if d.rarely() else 0)
    return [_i32(axis), d.array("T", shape)], {"num_split": count}


def _split_v(d):
    shape = list(d.shape(least=1))
    axis = d.axis(len(shape))
    sizes = [d.size() for _ in range(d.int(1, 3))]
    if -len(shape) <= axis < len(shape):
        shape[axis] = sum(sizes)
    if len(sizes) > 1 and d.flag():
        sizes[d.int(0, len(sizes) - 1)] = -1
    return [d.array("T", shape), d.ints("Tlen", sizes), _i32(axis)], {"num_split": len(sizes)}


table.add("IdentityN", _identities)
table.add("Pack", _pack)
table.add("ParallelConcat", _parallel_concat)
table.add("Unpack", _unpack)
table.add("Concat ConcatV2", _concat)
table.add("ConcatOffset", _concat_offset)
table.add("Split", _split)
# Of an axis that is not known, TensorFlow infers shapes as if it were the last one.
table.add("SplitV", _split_v, constants=("split_dim",))

# --- shapes ---------------------------------------------------------------------------------------------------------


def _reshape(d):
    shape = d.shape(most=3, low=1)
    target = list(d.pick(shape, shape[::-1], (int(np.prod(shape)),), (*shape, 1), (1, *shape)))
    if target and d.flag():
        target[d.int(0, len(target) - 1)] = -1
    return [d.array("T", shape), np.array(target, d.dtype("Tshape").np_dtype)], {}


def _expand_dims(d):
    shape = d.shape()
    return [d.array("T", shape), d.ints("Tdim", d.axis(len(shape) + 1))], {}


def _squeeze(d):
    shape = tuple(d.pick(1, 1, 2, 0) for _ in range(d.int(0, 4)))
    axes = [i for i, size in enumerate(shape) if size == 1 and d.flag()]
    return [d.array("T", shape)], {"squeeze_dims": [axis - len(shape) * d.flag() for axis in axes]}


def _broadcast_to(d):
    shape = d.shape()
    return [d.array("T", d.broadcast(shape)), np.array(shape, d.dtype("Tidx").np_dtype)], {}


def _fill(d):
    return [np.array(d.shape(), d.dtype("index_type").np_dtype), d.array("T", ())], {}


def _ensure_shape(d):
    shape = d.shape()
    wanted = tuple(d.pick(size, size, None) for size in shape)
    return [d.array("T", shape)], {"shape": d.pick(wanted, wanted, (2, None))}


def _tile(d):
    shape = d.shape()
    multiples = [d.size(high=3) for _ in shape]
    return [d.array("T", shape), np.array(multiples, d.dtype("Tmultiples").np_dtype)], {}


def _paddings(d, rank, high=2):
    return [[d.int(0, high), d.int(0, high)] for _ in range(rank)]


def _pad(d):
    shape = d.shape()
    amounts = np.array(_paddings(d, len(shape)), d.dtype("Tpaddings").np_dtype).reshape(-1, 2)
    inputs = [d.array("T", shape), amounts]
    return ([*inputs, d.array("T", ())] if d.op == "PadV2" else inputs), {}


def _mirror_pad(d):
    shape = d.shape(low=2)
    amounts = np.array(_paddings(d, len(shape)), d.dtype("Tpaddings").np_dtype).reshape(-1, 2)
    return [d.array("T", shape, "finite"), amounts], {"mode": d.pick(b"REFLECT", b"SYMMETRIC")}


def _mirror_pad_gradient(d):
    shape = d.shape(low=3)
    amounts = np.array(_paddings(d, len(shape), 1), d.dtype("Tpaddings").np_dtype).reshape(-1, 2)
    return [d.array("T", [s + sum(a) for s, a in zip(shape, amounts.tolist(), strict=True)], "finite"), amounts], {
        "mode": d.pick(b"REFLECT", b"SYMMETRIC")
    }


table.add("Reshape", _reshape, faults=False)
table.add("ExpandDims", _expand_dims)
table.add("Squeeze", _squeeze)
table.add("BroadcastTo", _broadcast_to, constants=("shape",), faults=False)
table.add("Fill", _fill)
table.add("EnsureShape", _ensure_shape)
table.add("Tile", _tile, scaled=True, tolerances={"bfloat16": 5e-2})
table.add("Pad PadV2", _pad)
table.add("MirrorPad", _mirror_pad, scaled=True)
table.add("MirrorPadGrad", _mirror_pad_gradient, scaled=True, faults=False)

# --- order ----------------------------------------------------------------------------------------------------------


def _transpose(d):
    shape = d.shape(most=4)
    perm = list(range(len(shape)))
    for _ in range(2):
        if perm:
            perm.append(perm.pop(d.int(0, len(perm) - 1)))
    return [d.array("T", shape), np.array(perm, d.dtype("Tperm").np_dtype)], {}


def _invert_permutation(d):
    values = list(range(d.int(0, 5)))
    return [d.ints("T", values[::-1] if d.flag() else values[1:] + values[:1])], {}


def _reverse(d):
    shape = d.shape()
    return [d.array("T", shape), d.array("bool", (len(shape),))], {}


def _reverse_axes(d):
    shape = d.shape()
    axes = [i - len(shape) * d.flag() for i in range(len(shape)) if d.flag()]
    return [d.array("T", shape), np.array(axes, d.dtype("Tidx").np_dtype)], {}


def _reverse_sequence(d):
    shape = d.shape(least=2)
    lengths = d.array("Tlen", (shape[0],), low=0, high=shape[1])
    return [d.array("T", shape), lengths], {"seq_dim": 1, "batch_dim": 0}


def _roll(d):
    shape = d.shape(least=1)
    count = d.int(1, 2)
    shape_of = () if count == 1 and d.flag() else (count,)
    axes = np.array([d.int(-len(shape), len(shape) - 1) for _ in range(count)], d.dtype("Taxis").np_dtype)
    return [d.array("T", shape), d.array("Tshift", shape_of, low=-5, high=5), axes.reshape(shape_of)], {}


def _format_map(d):
    return [d.array("T", d.shape(), low=-4, high=3)], _formats(d)


def _format_permute(d):
    return [d.array("T", d.pick((4,), (4, 2)), low=0, high=9)], _formats(d)


def _formats(d):
    return {"src_format": d.pick(b"NHWC", b"NCHW"), "dst_format": d.pick(b"NHWC", b"NCHW", b"HWNC")}


def _is_wrong(example):
    """Of negative axes TensorFlow 1.15's shape rule reads the memory before the shape; conjugated vectors end it."""
    x, perm = example.inputs
    return perm.min(initial=0) < 0 or example.op == "ConjugateTranspose" and x.ndim < 2


table.add("Transpose", _transpose, newer=_is_wrong)
table.add("ConjugateTranspose", _transpose, types={"T": ["complex64", "complex128"]}, newer=_is_wrong)
table.add("InvertPermutation", _invert_permutation)
table.add("Reverse", _reverse)
table.add("ReverseV2", _reverse_axes)
table.add("ReverseSequence", _reverse_sequence)
table.add("Roll", _roll)
table.add("DataFormatDimMap", _format_map)
table.add("DataFormatVecPermute", _format_permute)
