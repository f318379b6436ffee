"""Ops that only old GraphDefs and gradients of gradients hold, by their own names."""

import numpy as np
import op_recording

case = op_recording.Cases()


def _matrices(t, *shape):
    """Well-conditioned positive definite matrices."""
    factors = t.normal(*shape, dtype="float64")
    return np.matmul(factors, np.swapaxes(factors, -1, -2)) + 3 * np.eye(shape[-1])


def _old(tf, op, inputs, outputs=1, **attrs):
    """The outputs of an op that TensorFlow allows only in GraphDefs of long ago. It has no shape rules for them."""
    # Versions of before the ops were taken out; they are checked when a GraphDef is imported.
    graph_def = tf.GraphDef(versions={"producer": 8})
    for i, tensor in enumerate(inputs):
        node = graph_def.node.add(name="input%d" % i, op="Placeholder")
        node.attr["dtype"].type = tensor.dtype.as_datatype_enum
    node = graph_def.node.add(name="old", op=op, input=["input%d" % i for i in range(len(inputs))])
    for key, value in attrs.items():
        node.attr[key].CopyFrom(tf.AttrValue(**value))
    if op != "StatefulStandardNormal":
        node.attr["T"].type = inputs[0].dtype.as_datatype_enum
    mapping = {"input%d:0" % i: tensor for i, tensor in enumerate(inputs)}
    names = ["old:%d" % i for i in range(outputs)]
    return tf.import_graph_def(graph_def, mapping, names, name=op)


@case.each(name=["BatchCholesky", "BatchMatrixInverse", "BatchMatrixDeterminant"])
def of_a_matrix(tf, t, name):
    attrs = {"adjoint": {"b": True}} if name == "BatchMatrixInverse" else {}
    t.out(*_old(tf, name, [t.feed(_matrices(t, 2, 3, 3), None)], **attrs))


@case
def batch_cholesky_grad(tf, t):
    lower = t.feed(np.linalg.cholesky(_matrices(t, 2, 3, 3)), None)
    t.out(*_old(tf, "BatchCholeskyGrad", [lower, t.feed(np.tril(t.normal(2, 3, 3, dtype="float64")), None)]))


@case
def batch_matrix_band_part(tf, t):
    x = t.feed(t.normal(2, 4, 5), None)
    t.out(*_old(tf, "BatchMatrixBandPart", [x, tf.constant(1, tf.int64), tf.constant(-1, tf.int64)]))


@case
def batch_matrix_diagonals(tf, t):
    x, d = t.feed(t.normal(2, 3, 3), None), t.feed(t.normal(2, 3), None)
    t.out(*_old(tf, "BatchMatrixDiag", [d]))
    t.out(*_old(tf, "BatchMatrixDiagPart", [x]))
    t.out(*_old(tf, "BatchMatrixSetDiag", [x, d]))


@case.each(adjoint=[False, True])
def batch_matrix_solve(tf, t, adjoint):
    a, b = t.feed(_matrices(t, 2, 3, 3), None), t.feed(t.normal(2, 3, 2, dtype="float64"), None)
    t.out(*_old(tf, "BatchMatrixSolve", [a, b], adjoint={"b": adjoint}))
    t.out(*_old(tf, "BatchMatrixTriangularSolve", [a, b], lower={"b": True}, adjoint={"b": adjoint}))


@case
def batch_matrix_solve_ls(tf, t):
    a, b = t.feed(t.normal(2, 5, 3, dtype="float64"), None), t.feed(t.normal(2, 5, 2, dtype="float64"), None)
    t.out(*_old(tf, "BatchMatrixSolveLs", [a, b, tf.constant(0.1, tf.float64)], fast={"b": True}))


@case
def batch_eigenvalues(tf, t):
    x = t.feed(_matrices(t, 2, 3, 3), None)
    values, _ = _old(tf, "BatchSelfAdjointEigV2", [x], 2, compute_v={"b": True})
    (both,) = _old(tf, "BatchSelfAdjointEig", [x])
    singular, _, _ = _old(tf, "BatchSvd", [x], 3, compute_uv={"b": True}, full_matrices={"b": False})
    # The signs of eigenvectors are anybody's choice.
    t.out(values, tf.abs(both), singular)


@case.each(name=["InvGrad", "SoftplusGrad", "RsqrtGrad"])
def gradient_op(tf, t, name):
    first, second = ("gradients", "features") if name.startswith("Soft") else ("y", "dy")
    x, z = t.feed(t.normal(3, 4)), t.feed(t.normal(3, 4))
    y = t.out(getattr(tf.raw_ops, name)(**{first: x, second: z}))
    t.grad(y, [x, z])


@case
def max_pool_grad_grad_v2(tf, t):
    x = t.feed(t.normal(1, 4, 4, 2))
    y = tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    t.out(tf.raw_ops.MaxPoolGradGradV2(orig_input=x, orig_output=y, grad=t.feed(t.normal(1, 4, 4, 2)),
                                       ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID"))  # fmt: skip


@case
def stateful_normal_and_skip(tf, t):
    state = tf.get_variable("state", initializer=np.array([1, 2, 3], np.int64), use_resource=True)
    t.values_only()
    with tf.control_dependencies([state.initializer]):
        skip = tf.raw_ops.RngSkip(resource=state.handle, algorithm=np.int64(1), delta=np.int64(5))
    with tf.control_dependencies([skip]):
        shape = tf.constant([7])
        t.out(tf.raw_ops.StatefulStandardNormalV2(resource=state.handle, algorithm=np.int64(1), shape=shape))


@case
def stateful_standard_normal(tf, t):
    state = tf.get_variable("state", initializer=np.array([1, 1, 2, 3], np.int64), use_resource=True)
    t.values_only()
    with tf.control_dependencies([state.initializer]):
        handle = tf.identity(state.handle)
    types = {"dtype": {"type": 1}, "shape_dtype": {"type": 3}}
    t.out(*_old(tf, "StatefulStandardNormal", [handle, tf.constant([7])], **types))


@case
def non_deterministic_ints(tf, t):
    numbers = tf.raw_ops.NonDeterministicInts(shape=[1000])
    # More than any but a broken source would repeat.
    t.out(tf.size(tf.unique(numbers)[0]) > 900)
