"""Ops that only old graphs have, under names that later ones replaced; drawn as those are."""

import numpy as np

from tests.differential import selection
from tests.differential.table import Table

table = Table("old_names", kept=6)


def _band_part(d):
    shape = d.shape(least=2, low=1)
    return [d.array("T", shape), *(np.array(d.int(-1, size), "int64") for size in shape[-2:])], {}


def _batch_norm(d):
    depth = d.int(1, 3)
    shape = (d.int(1, 2), d.int(1, 2), d.int(1, 3), depth)
    x, mean, variance = (d.array("T", s, e) for s, e in ((shape, "finite"), ((depth,), "finite"), ((depth,), "unit")))
    rest = [(depth,), shape] if d.op.endswith("Grad") else [(depth,), (depth,)]
    return [x, mean, variance, *(d.array("T", s, "symmetric_finite") for s in rest)], {
        "variance_epsilon": d.pick(0.0625, 1.0), "scale_after_normalization": d.flag()}  # fmt: skip


def _quantized(d):
    low = -d.int(0, 4) / 2
    return [d.array("T", d.shape(most=2, low=1), "finite")], {
        "signed_input": d.flag(), "num_bits": d.pick(4, 8), "range_given": d.flag(), "input_min": low,
        "input_max": d.int(1, 8) / 2}  # fmt: skip


# Old graphs let a scalar stand for a vector, and their static shapes are those that later versions infer, or none.
_OLD = {"static_shapes": False, "faults": False}

for _name in ("MatrixDiag", "MatrixDiagPart", "MatrixSetDiag"):
    table.add(f"Batch{_name}", selection.table[_name].draw, producer=13, **_OLD)
table.add("BatchMatrixBandPart", _band_part, producer=13, **_OLD)
_FLOATS = {"T": ["float16", "float32", "float64"]}
table.add("BatchNormWithGlobalNormalization BatchNormWithGlobalNormalizationGrad", _batch_norm, types=_FLOATS,
          producer=8, scaled=True, tolerances={"float16": 2e-2, "float32": 1e-4}, faults=False)  # fmt: skip
table.add("QuantizeAndDequantize", _quantized, types={"T": ["float32", "float64"]}, producer=21, **_OLD)
