"""Ops that change variables: assignments, scatters, the updates of optimizers; on references and on handles."""

import numpy as np

from reflow.graph.registry import OPS
from tests.differential.selection import distinct_scatter_nd, nd_indices, scatter_nd, strided_update
from tests.differential.table import Table

table = Table("state", kept=8)

_OPTIONS = {"faults": False, "gradient": False}


def _value_type(d):
    return "T" if "T" in d.types else "dtype"


def _assign(d):
    kind, shape = _value_type(d), d.shape()
    return [d.array(kind, shape, "finite"), d.array(kind, shape, "finite")], {}


def _read(d):
    return [d.array(_value_type(d) if d.types.keys() & {"T", "dtype"} else "float32", d.shape())], {}


def _count(d):
    limit = d.int(0, 3)
    return [d.ints("T", d.int(0, 3))], {"limit": limit}


def _scatter(d):
    # Which of two updates of one row counts is not determined.
    kind, shape = _value_type(d), d.shape(least=1, low=1)
    rows = np.unique(d.array("Tindices", (d.size(),), low=0, high=shape[0] - 1))
    whole = d.op.startswith("Scatter") and d.flag()
    domain = "nonzero" if d.op.endswith("Div") else "finite"
    updates = d.array(kind, () if whole else (*rows.shape, *shape[1:]), domain, low=1, high=5)
    return [d.array(kind, shape, "finite"), rows, updates], {}


def _scatter_nd(d):
    # Which of two updates of one place counts is not determined, and TensorFlow rounds each of several sums to 16 bits,
    # Reflow the last one.
    if d.op.endswith("Update") or d.dtype("T").name in ("float16", "bfloat16"):
        return distinct_scatter_nd(d)
    return scatter_nd(d)


def _gather(d):
    shape = d.shape(least=1, low=1)
    return [d.array("dtype", shape), d.array("Tindices", d.shape(most=2), low=0, high=shape[0] - 1)], {}


def _gather_nd(d):
    shape = d.shape(least=1, low=1)
    return [d.array("dtype", shape), nd_indices(d, "Tindices", shape, d.shape(least=1, most=2))], {}


_NUMBERS = {"lr", "l1", "l2", "l2_shrinkage", "alpha", "beta", "beta1", "beta2", "beta1_power", "beta2_power",
            "epsilon", "logbase", "lr_power", "momentum", "rho", "sign_decay"}  # fmt: skip


def _update(d):
    """The variable and its slots are alike; the gradient is like them, or some of their rows; the rest are numbers."""
    op, shape = OPS[d.op], d.shape(least=int("Sparse" in d.op), low=1)
    rows = np.unique(d.array("Tindices", (d.int(1, 3),), low=0, high=shape[0] - 1)) if "Sparse" in d.op else None
    inputs = []
    for arg in op.inputs:
        if arg.name == "indices":
            inputs.append(rows)
        elif arg.name == "global_step":
            inputs.append(np.array(d.int(1, 5), "int64"))
        elif arg.name == "lr_power":
            inputs.append(np.array(d.pick(-0.5, -0.25)).astype(d.dtype("T").np_dtype))
        elif arg.name in _NUMBERS:
            inputs.append(np.array(d.int(1, 7) / 8).astype(d.dtype("T").np_dtype))
        elif arg.name in ("grad", "delta"):
            inputs.append(d.array("T", shape if rows is None else (*rows.shape, *shape[1:]), "symmetric_finite"))
        else:
            inputs.append(d.array("T", shape, "positive" if arg.name != "var" else "nonzero"))
    flags = {name: d.flag() for name in ("use_nesterov", "update_slots") if name in op.attrs}
    return inputs, flags


_FLOATS = {"T": ["float16", "bfloat16", "float32", "float64"]}
_UPDATES = [name for name, op in OPS.items() if "Apply" in name and {"delta", "grad"} & {a.name for a in op.inputs}]

table.add("Assign AssignAdd AssignSub AssignVariableOp AssignAddVariableOp AssignSubVariableOp", _assign, **_OPTIONS)
table.add("ReadVariableOp VariableShape VarIsInitializedOp IsVariableInitialized", _read, **_OPTIONS)
table.add("CountUpTo ResourceCountUpTo", _count, **_OPTIONS)
for _prefix in ("", "Resource"):
    table.add(" ".join(f"{_prefix}Scatter{name}" for name in ("Update", "Add", "Sub", "Mul", "Div", "Min", "Max")),
              _scatter, **_OPTIONS)  # fmt: skip
    table.add(" ".join(f"{_prefix}ScatterNd{name}" for name in ("Update", "Add", "Sub")), _scatter_nd, **_OPTIONS)
    table.add(f"{_prefix}StridedSliceAssign", strided_update, **_OPTIONS)
# TensorFlow crashes at quantized ones.
_PLAIN = {"dtype": ["float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16",
                    "bool", "string", "complex64", "complex128"]}  # fmt: skip
table.add("ResourceGather", _gather, types=_PLAIN, **_OPTIONS)
table.add("ResourceGatherNd", _gather_nd, types=_PLAIN, **_OPTIONS)
table.add(" ".join(_UPDATES), _update, types=_FLOATS, scaled=True,
          tolerances={"float16": 2e-2, "bfloat16": 1e-1}, **_OPTIONS)  # fmt: skip
