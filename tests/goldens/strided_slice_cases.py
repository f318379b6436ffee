"""StridedSlice: everything that may stand in brackets."""

import numpy as np
from array_inputs import TYPES, array
from op_recording import Cases

case = Cases()


INDICES = {
    "int": np.s_[1],
    "negative": np.s_[-1],
    "range": np.s_[1:3],
    "open": np.s_[1:],
    "until": np.s_[:2],
    "all": np.s_[:],
    "step": np.s_[::2],
    "backwards": np.s_[::-1],
    "backwards_range": np.s_[3:0:-2],
    "ellipsis": np.s_[..., 0],
    "two": np.s_[1, 2],
    "mixed": np.s_[1:3, -1],
    "newaxis": np.s_[:, None],
    "newaxis_end": np.s_[..., None],
    "both": np.s_[None, ..., 1, None],
    "empty": np.s_[2:1],
    "beyond": np.s_[1:100],
    "before": np.s_[-100:2],
    "list": [1, 2],
    "nothing": (),
    "middle": np.s_[1, ..., ::-1],
    "many": np.s_[::2, None, 1:, ::-2],
    "negative_range": np.s_[-3:-1, -2:],
    "step_beyond": np.s_[::7],
    "numpy": np.s_[np.int32(1), np.int64(2)],
}


@case.each(name=sorted(INDICES))
def brackets(tf, t, name):
    value = t.normal(4, 5, 6)
    x, y = t.feed(value), t.feed(value, [None, 5, None])
    z = t.out(x[INDICES[name]])
    t.out(y[INDICES[name]])
    t.grad(z, x, second=True)


@case.each(dtype=TYPES)
def brackets_of_type(tf, t, dtype):
    x = t.feed(array(t, dtype, 3, 4))
    t.out(x[0, 1], x[1:, ::-1], x[..., None], x[2], x[::-2, 1:3])


@case
def tensors_in_brackets(tf, t):
    x = t.feed(t.normal(4, 5))
    i, j = t.feed(np.int32(1)), t.feed(np.int64(2))
    y = t.out(x[i])
    t.out(x[i:], x[:j], x[i:j], x[:, i], x[i:3, ::-1], x[tf.shape(x)[0] - 1], x[-1, :i], x[i + 1 :, 2:4])
    t.grad(y, x)


@case
def tensors_of_two_types_in_brackets(tf, t):
    i, j = t.feed(np.int32(1)), t.feed(np.int64(2))
    t.out(t.feed(t.normal(4, 5))[i, j])


@case
def masks_in_brackets(tf, t):
    x = t.feed(t.normal(4, 5))
    t.out(x[x > 0], x[np.array([True, False, True, True])])


@case
def unknown_rank_in_brackets(tf, t):
    x = t.feed(t.normal(4, 5), None)
    t.out(x[0], x[..., 1], x[1:, None])


@case
def dimension_in_brackets(tf, t):
    x = t.feed(t.normal(4, 5))
    t.out(x[: tf.Dimension(2)], x[tf.Dimension(1)])


@case
def shape_arithmetic(tf, t):
    x = t.feed(t.normal(4, 5, 6), [None, 5, 6])
    s = tf.shape(x)
    t.out(s[1], s[1:], s[:-1], s[::2], s[0], tf.zeros(s[1:]), tf.zeros([s[1], s[2]]), tf.zeros(s[:2]))


@case.each(masks=[{"begin_mask": 1}, {"end_mask": 3}, {"ellipsis_mask": 1}, {"new_axis_mask": 2},
                  {"shrink_axis_mask": 1}, {"shrink_axis_mask": 3}, {"begin_mask": 2, "end_mask": 1}])  # fmt: skip
def strided_slice(tf, t, masks):
    x = t.feed(t.normal(4, 5))
    t.out(tf.strided_slice(x, [1, 2], [3, 4], **masks), tf.strided_slice(x, [1, 2], [3, 4], [1, 2], **masks))


@case
def strided_slice_dynamic(tf, t):
    x = t.feed(t.normal(4, 5))
    begin, end, strides = (t.feed(np.array(v, "int32")) for v in ([1, 0], [4, 5], [2, 3]))
    y = t.out(tf.strided_slice(x, begin, end, strides))
    t.out(tf.strided_slice(x, begin, [3, 3]), tf.strided_slice(x, [0, 0], end, [1, 2], begin_mask=1, end_mask=1))
    t.grad(y, x)


@case.each(bad=["too_many", "out_of_range", "float", "string", "two_ellipses", "zero_step", "none_step_list", "vector"])
def wrong_brackets(tf, t, bad):
    x = t.feed(t.normal(4, 5))
    index = {
        "too_many": np.s_[0, 0, 0],
        "out_of_range": 4,
        "float": 1.0,
        "string": "a",
        "two_ellipses": np.s_[..., 0, ...],
        "zero_step": np.s_[::0],
        "none_step_list": [1.5],
        "vector": np.array([1, 2]),
    }[bad]
    t.out(x[index])


@case
def out_of_range_when_run(tf, t):
    t.out(t.feed(t.normal(4, 5), None)[7])


@case
def tensor_has_no_assign(tf, t):
    t.feed(t.normal(4, 5))[0].assign(1.0)


@case.each(resource=[False, True])
def variables(tf, t, resource):
    v = tf.get_variable("v", initializer=t.normal(4, 5), use_resource=resource)
    changed = v[1:3, ::2].assign(t.normal(2, 3))
    with tf.control_dependencies([changed]):
        again = v[0, ::-1].assign(t.normal(5), name="mine")
    with tf.control_dependencies([again]):
        t.out(tf.identity(v.read_value()))


@case
def updates_of_tensors(tf, t):
    x, v = t.feed(t.normal(4, 5)), t.feed(t.normal(2, 3))
    t.out(tf.raw_ops.TensorStridedSliceUpdate(input=x, begin=[1, 0], end=[3, 5], strides=[1, 2], value=v))


@case
def gradient_op(tf, t):
    dy = t.feed(t.normal(2, 3))
    y = t.out(tf.raw_ops.StridedSliceGrad(shape=[4, 5], begin=[1, 0], end=[3, 5], strides=[1, 2], dy=dy))
    t.grad(y, dy)
