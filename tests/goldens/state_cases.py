"""Variables and what changes them: assignment, scatter updates, counters, gathering from handles."""

import numpy as np
from op_recording import Cases

case = Cases()

KINDS = [False, True]
START = np.arange(12, dtype="float32").reshape(4, 3)


def _variable(tf, value=START, resource=False, **options):
    return tf.Variable(value, use_resource=resource, **options)


def _after(tf, t, operation, variable):
    """Record the variable's value once the operation has run."""
    with tf.control_dependencies([operation]):
        t.out(-variable.read_value())


@case.each(resource=KINDS)
def assign(tf, t, resource):
    v = _variable(tf, resource=resource)
    t.out(tf.convert_to_tensor(v.assign(t.normal(4, 3))))
    t.out(tf.convert_to_tensor(tf.assign(_variable(tf, resource=resource), t.normal(4, 3), name="given")))


@case.each(method=["assign_add", "assign_sub"])
def assign_in_place(tf, t, method):
    for resource in KINDS:
        v = _variable(tf, resource=resource)
        t.out(tf.convert_to_tensor(getattr(v, method)(t.normal(4, 3), name="method")))
        t.out(tf.convert_to_tensor(getattr(tf, method)(_variable(tf, resource=resource), t.normal(4, 3))))


@case.each(dtype=["float16", "float64", "int8", "uint8", "int16", "int32", "int64", "complex64", "complex128"])
def assign_in_place_of_type(tf, t, dtype):
    value = t.integers(-100, 100, 4, dtype=dtype)
    for method in ("assign_add", "assign_sub"):
        t.out(tf.convert_to_tensor(getattr(_variable(tf, value), method)(t.integers(-100, 100, 4, dtype=dtype))))


@case
def assign_another_shape(tf, t):
    v = _variable(tf, [1.0, 2.0], validate_shape=False)
    t.out(tf.assign(v, [1.0, 2.0, 3.0], validate_shape=False))


@case
def assign_shape_that_differs(tf, t):
    tf.assign(_variable(tf), np.zeros((4, 4), "float32"))


@case
def assign_shape_that_differs_when_run(tf, t):
    t.out(tf.assign(_variable(tf), t.feed(np.zeros((4, 4), "float32"), shape=None)))


@case
def assign_add_shape_that_differs_when_run(tf, t):
    t.out(tf.assign_add(_variable(tf), t.feed(np.zeros((4, 4), "float32"), shape=None)))


@case
def resource_assign_shape_that_differs(tf, t):
    _variable(tf, resource=True).assign(np.zeros((4, 4), "float32"))


@case
def resource_assign_add_shape_that_differs_when_run(tf, t):
    t.out(_variable(tf, resource=True).assign_add(t.feed(np.zeros((4, 4), "float32"), shape=None)))


@case
def assign_another_type(tf, t):
    tf.assign(_variable(tf), tf.constant(np.zeros((4, 3))))


@case
def assign_to_a_tensor(tf, t):
    tf.assign_add(tf.raw_ops.Neg(x=START), START)


@case.each(resource=KINDS)
def strings(tf, t, resource):
    t.out(tf.identity(_variable(tf, ["a", "b", "c"], resource=resource)))
    v = _variable(tf, ["a", "b", "c"], resource=resource)
    t.out(tf.convert_to_tensor(v.assign(["d", "e", "f"])))
    w = _variable(tf, ["a", "b", "c"], resource=resource)
    t.out(tf.convert_to_tensor(tf.scatter_update(w, [2, 0], ["x", "y"])))


SCATTER = ["update", "add", "sub", "mul", "div", "min", "max"]


@case.each(name=SCATTER)
def scatter(tf, t, name):
    for resource in KINDS:
        for indices in ([3, 0], [[1, 2], [0, 3]], 2):
            v = _variable(tf, START - 5, resource=resource)
            updates = t.normal(*(np.shape(indices) + (3,))) * 4
            t.out(tf.convert_to_tensor(getattr(tf, "scatter_" + name)(v, indices, updates)))


@case.each(name=SCATTER)
def scatter_repeated_rows(tf, t, name):
    v = _variable(tf, START - 5)
    indices = t.feed(np.array([1, 3, 1, 1, 3], "int64"), shape=[None])
    t.out(getattr(tf, "scatter_" + name)(v, indices, t.normal(5, 3) * 4, use_locking=True, name="s"))


@case.each(name=SCATTER)
def scatter_scalar(tf, t, name):
    t.out(getattr(tf, "scatter_" + name)(_variable(tf, START - 5), [[0, 2], [2, 1]], 3.0))


@case.each(name=SCATTER)
def scatter_integers(tf, t, name):
    v = _variable(tf, np.array([7, -7, 100, -100], "int32"))
    t.out(getattr(tf, "scatter_" + name)(v, [0, 1, 3, 3], [2, 2, -3, 7]))


@case.each(name=["min", "max", "mul", "div", "add"])
def scatter_special_numbers(tf, t, name):
    v = _variable(tf, np.array([np.nan, 1, np.nan, np.inf, 0, -0.0], "float32"))
    updates = np.array([2, np.nan, np.nan, -np.inf, 0, 0.0], "float32")
    t.out(getattr(tf, "scatter_" + name)(v, [0, 1, 2, 3, 4, 5], updates))


@case.each(name=SCATTER)
def scatter_method(tf, t, name):
    for resource in KINDS:
        v = _variable(tf, resource=resource)
        slices = tf.IndexedSlices(tf.constant(t.normal(2, 3)), tf.constant([2, 1]))
        t.out(tf.convert_to_tensor(getattr(v, "scatter_" + name)(slices)))


@case.each(indices=[[0, 4], [-1, 0]])
def scatter_outside(tf, t, indices):
    t.out(tf.scatter_add(_variable(tf), indices, t.normal(2, 3)))


@case
def scatter_shape_that_differs(tf, t):
    tf.scatter_add(_variable(tf), [0, 1], t.normal(2, 4))


@case
def scatter_shape_that_differs_when_run(tf, t):
    t.out(tf.scatter_add(_variable(tf), [0, 1], t.feed(t.normal(2, 4), shape=None)))


@case
def scatter_not_slices(tf, t):
    _variable(tf).scatter_add([1.0])


@case.each(name=["update", "add", "sub"])
def scatter_nd(tf, t, name):
    for resource in KINDS:
        for indices in ([[3], [0], [3]], [[0, 1], [3, 2], [0, 1]], [[[1]], [[2]]]):
            v = _variable(tf, resource=resource)
            shape = np.shape(indices)[:-1] + (4, 3)[np.shape(indices)[-1]:]
            t.out(tf.convert_to_tensor(getattr(tf, "scatter_nd_" + name)(v, indices, t.normal(*shape))))
        method = getattr(_variable(tf, resource=resource), "scatter_nd_" + name)
        t.out(tf.convert_to_tensor(method([[2, 2]], [9.0])))


@case
def scatter_nd_outside(tf, t):
    t.out(tf.scatter_nd_add(_variable(tf), t.feed(np.array([[0, 1], [4, 0]]), shape=None), [1.0, 2.0]))


@case
def scatter_nd_shape_that_differs(tf, t):
    tf.scatter_nd_add(_variable(tf), [[0], [1]], t.normal(2, 4))


@case
def batch_scatter_update(tf, t):
    for resource in KINDS:
        v = _variable(tf, resource=resource)
        t.out(tf.convert_to_tensor(tf.batch_scatter_update(v, [[0], [2], [1], [0]], t.normal(4, 1))))


@case.each(resource=KINDS)
def slice_assign(tf, t, resource):
    v = _variable(tf, resource=resource)
    t.out(tf.convert_to_tensor(v[1:3, ::2].assign(t.normal(2, 2))))


@case.each(resource=KINDS)
def count_up_to(tf, t, resource):
    v = _variable(tf, np.int32(3), resource=resource)
    first = t.out(v.count_up_to(5))
    with tf.control_dependencies([first]):
        t.out(tf.count_up_to(v, 5))


@case.each(resource=KINDS)
def count_to_the_end(tf, t, resource):
    t.out(_variable(tf, np.int64(5), resource=resource).count_up_to(5))


@case.each(resource=KINDS)
def initialized(tf, t, resource):
    t.out(tf.is_variable_initialized(_variable(tf, resource=resource)))


@case
def temporary_variable(tf, t):
    v = tf.raw_ops.TemporaryVariable(shape=[3], dtype=tf.float32, var_name="temporary")
    v = tf.assign(v, [1.0, 2.0, 3.0])
    v = tf.assign_add(v, [1.0, 1.0, 1.0])
    t.out(tf.raw_ops.DestroyTemporaryVariable(ref=v, var_name="temporary"))


@case
def gather_from_handle(tf, t):
    v = _variable(tf, resource=True)
    t.out(v.sparse_read([2, 0, 2]), v.sparse_read([[1], [3]], name="rows"))
    t.out(tf.gather(v, [3, 3]), v.gather_nd([[0, 1], [3, 2]]))
    t.grad(v.sparse_read([2, 0, 2]), [v])


@case
def gather_nd_gradients(tf, t):
    v = _variable(tf, resource=True)
    t.grad([v.gather_nd([[0, 1], [3, 2]]), v.gather_nd([[0], [3]])], [v])


@case
def gather_from_handle_outside(tf, t):
    t.out(_variable(tf, resource=True).sparse_read(t.feed(np.array([0, 4]))))


@case
def shape_of_handle(tf, t):
    v = _variable(tf, resource=True)
    t.out(tf.raw_ops.VariableShape(input=v.handle), tf.raw_ops.VariableShape(input=v.handle, out_type=tf.int64))


@case
def read_of_another_type(tf, t):
    tf.raw_ops.ReadVariableOp(resource=_variable(tf, resource=True).handle, dtype=tf.int32)


@case.each(resource=KINDS)
def gradient_of_a_variable(tf, t, resource):
    v = _variable(tf, resource=resource)
    t.grad(tf.reduce_sum(v * v), [v])


@case
def destroyed(tf, t):
    v = _variable(tf, resource=True)
    with tf.control_dependencies([tf.raw_ops.DestroyResourceOp(resource=v.handle)]):
        t.out(tf.raw_ops.VarIsInitializedOp(resource=v.handle))
