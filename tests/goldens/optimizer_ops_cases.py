"""Three steps of every update op, dense and sparse, on references and on handles."""

import numpy as np
from op_recording import Cases

case = Cases()

# op: (slots with their initial values, numbers, attributes, name of the gradient)
DENSE = {
    "GradientDescent": ([], [("alpha", 0.1)], [{}], "delta"),
    "ProximalGradientDescent": ([], [("alpha", 0.1), ("l1", 0.3), ("l2", 0.2)], [{}], "delta"),
    "Momentum": ([("accum", 0.0)], [("lr", 0.1), ("momentum", 0.9)], [{}, {"use_nesterov": True}], "grad"),
    "Adagrad": ([("accum", 0.1)], [("lr", 0.1)], [{}, {"update_slots": False}], "grad"),
    "AdagradV2": ([("accum", 0.1)], [("lr", 0.1), ("epsilon", 1e-3)], [{}, {"update_slots": False}], "grad"),
    "AdagradDA": (
        [("gradient_accumulator", 0.0), ("gradient_squared_accumulator", 0.1)],
        [("lr", 0.1), ("l1", 0.1), ("l2", 0.2), ("global_step", 3)], [{}], "grad",
    ),
    "ProximalAdagrad": ([("accum", 0.1)], [("lr", 0.1), ("l1", 0.3), ("l2", 0.2)], [{}], "grad"),
    "Adadelta": (
        [("accum", 0.0), ("accum_update", 0.0)], [("lr", 1.0), ("rho", 0.95), ("epsilon", 1e-2)], [{}], "grad",
    ),
    "RMSProp": (
        [("ms", 1.0), ("mom", 0.0)], [("lr", 0.1), ("rho", 0.9), ("momentum", 0.5), ("epsilon", 1e-3)], [{}], "grad",
    ),
    "CenteredRMSProp": (
        [("mg", 0.0), ("ms", 1.0), ("mom", 0.0)], [("lr", 0.1), ("rho", 0.9), ("momentum", 0.5), ("epsilon", 1e-3)],
        [{}], "grad",
    ),
    "Adam": (
        [("m", 0.0), ("v", 0.0)],
        [("beta1_power", 0.9), ("beta2_power", 0.999), ("lr", 0.01), ("beta1", 0.9), ("beta2", 0.999),
         ("epsilon", 1e-4)], [{}, {"use_nesterov": True}], "grad",
    ),
    "AdaMax": (
        [("m", 0.0), ("v", 0.0)],
        [("beta1_power", 0.9), ("lr", 0.01), ("beta1", 0.9), ("beta2", 0.999), ("epsilon", 1e-4)], [{}], "grad",
    ),
    "AddSign": ([("m", 0.0)], [("lr", 0.1), ("alpha", 1.0), ("sign_decay", 0.7), ("beta", 0.9)], [{}], "grad"),
    "PowerSign": ([("m", 0.0)], [("lr", 0.1), ("logbase", 1.0), ("sign_decay", 0.7), ("beta", 0.9)], [{}], "grad"),
    "Ftrl": (
        [("accum", 0.1), ("linear", 0.0)], [("lr", 0.1), ("l1", 0.2), ("l2", 0.3), ("lr_power", -0.5)], [{}], "grad",
    ),
    "FtrlV2": (
        [("accum", 0.1), ("linear", 0.0)],
        [("lr", 0.1), ("l1", 0.2), ("l2", 0.3), ("l2_shrinkage", 0.15), ("lr_power", -0.5)], [{}], "grad",
    ),
}  # fmt: skip
# Ops that are there on handles alone.
DENSE_ON_HANDLES = {
    "KerasMomentum": DENSE["Momentum"],
    "AdamWithAmsgrad": (
        [("m", 0.0), ("v", 0.0), ("vhat", 0.0)], DENSE["Adam"][1], [{}], "grad",
    ),
}  # fmt: skip
NOT_SPARSE = {"GradientDescent", "Adam", "AdaMax", "AddSign", "PowerSign", "AdamWithAmsgrad"}
# Other numbers that take other branches.
VARIANTS = {
    "Ftrl": {"lr_power": -0.7}, "FtrlV2": {"lr_power": -0.3}, "ProximalGradientDescent": {"l1": 0.0},
    "ProximalAdagrad": {"l1": 0.0}, "AdagradDA": {"l1": 0.0},
}  # fmt: skip


def _steps(tf, t, op, spec, is_ref, is_sparse, attrs, dtype, changed):
    slots, numbers, _, gradient = spec
    initial = t.normal(4, 3, dtype=dtype)
    initial[1] = 0
    variables = {"var": tf.Variable(initial, use_resource=not is_ref)}
    for slot, value in slots:
        start = np.full((4, 3), value, dtype) + np.abs(t.normal(4, 3, dtype=dtype)) * np.dtype(dtype).type(0.1)
        variables[slot] = tf.Variable(start, use_resource=not is_ref)
    inputs = {name: v._ref() if is_ref else v.handle for name, v in variables.items()}
    for name, value in numbers:
        value = changed.get(name, value)
        inputs[name] = tf.constant(value, tf.int64 if name == "global_step" else dtype)
    if is_sparse and gradient == "delta":
        gradient = "grad"
    function = getattr(tf.raw_ops, "%s%sApply%s" % ("" if is_ref else "Resource", "Sparse" if is_sparse else "", op))
    done = []
    for indices in ([3, 0], [1, 1, 0], [2]):
        rows = len(indices) if is_sparse else 4
        inputs[gradient] = tf.constant(t.normal(rows, 3, dtype=dtype))
        if is_sparse:
            inputs["indices"] = tf.constant(indices, tf.int64 if op == "Adagrad" else tf.int32)
        with tf.control_dependencies(done):
            out = function(use_locking=len(done) > 0, **dict(inputs, **attrs))
        done = [out if hasattr(out, "inputs") else out.op]
        with tf.control_dependencies(done):
            read = [t.out(-v.read_value()) for v in variables.values()]
        done = done + read


def _add(op, spec, is_ref, is_sparse, attrs, dtype="float32", changed=None):
    parts = [op, "ref" if is_ref else "resource", "sparse" if is_sparse else "dense", dtype]
    parts += ["%s=%s" % pair for pair in sorted(dict(attrs, **(changed or {})).items())]

    def steps(tf, t):
        _steps(tf, t, op, spec, is_ref, is_sparse, attrs, dtype, changed or {})

    case.add(",".join(parts), steps)


for _op, _spec in DENSE.items():
    for _sparse in (False,) if _op in NOT_SPARSE else (False, True):
        for _attrs in _spec[2]:
            _add(_op, _spec, True, _sparse, _attrs)
        _add(_op, _spec, False, _sparse, {})
        _add(_op, _spec, True, _sparse, {}, dtype="float64")
        if _op in VARIANTS:
            _add(_op, _spec, True, _sparse, {}, changed=VARIANTS[_op])
for _op, _spec in DENSE_ON_HANDLES.items():
    for _sparse in (False,) if _op in NOT_SPARSE else (False, True):
        for _attrs in _spec[2]:
            _add(_op, _spec, False, _sparse, _attrs)
for _op in ("GradientDescent", "Momentum", "Adam", "Adagrad"):
    _add(_op, DENSE[_op], True, False, {}, dtype="float16")


@case
def shapes_that_differ(tf, t):
    v = tf.Variable(np.zeros(3, "float32"))
    tf.raw_ops.ApplyGradientDescent(var=v._ref(), alpha=0.1, delta=np.zeros(4, "float32"))


@case
def shapes_that_differ_when_run(tf, t):
    v = tf.Variable(np.zeros(3, "float32"))
    t.out(tf.raw_ops.ApplyGradientDescent(var=v._ref(), alpha=0.1, delta=t.feed(np.zeros(4, "float32"), shape=None)))


@case
def rate_that_is_no_scalar(tf, t):
    v = tf.Variable(np.zeros(3, "float32"))
    tf.raw_ops.ApplyGradientDescent(var=v._ref(), alpha=[0.1], delta=np.zeros(3, "float32"))


@case
def row_outside(tf, t):
    v, a = (tf.Variable(np.zeros((3, 2), "float32")) for _ in range(2))
    t.out(tf.raw_ops.SparseApplyAdagrad(var=v._ref(), accum=a._ref(), lr=0.1, grad=np.ones((1, 2), "float32"),
                                        indices=[3]))  # fmt: skip
