"""Each op on a simulated GPU against what TensorFlow did with recorded examples."""

import functools

import pytest

from tests.differential import goldens
from tests.differential.compare import difference, reflow_outcome
from tests.differential.families import TABLES
from tests.simulated_gpu.machine import simulated_gpus

read = functools.cache(goldens.read)
_OPS = [(family, op) for family, table in TABLES.items() for op in table]
# Those of the common networks, by default with a few examples each.
_SAMPLE = frozenset({
    "AddV2", "Mul", "RealDiv", "MatMul", "BatchMatMulV2", "BiasAdd", "BiasAddGrad", "Relu", "Tanh", "Softmax",
    "SparseSoftmaxCrossEntropyWithLogits", "SoftmaxCrossEntropyWithLogits", "Conv2D", "Conv2DBackpropFilter",
    "Conv2DBackpropInput", "MaxPool", "MaxPoolGrad", "AvgPool", "LRN", "LRNGrad", "FusedBatchNormV3", "GatherV2",
    "UnsortedSegmentSum", "Sum", "Mean", "ConcatV2", "StridedSlice", "Transpose", "Tile", "OneHot", "ApplyAdam",
    "ApplyMomentum", "ScatterAdd", "ArgMax", "Select",
})  # fmt: skip
_EACH = 4


def _differences(family, op, count=None):
    """What differs in the examples of an op that TensorFlow computes, with numbers."""
    found = []
    for request, expected in read(family)[op][:count]:
        # Errors are the CPU's: a kernel of a GPU cannot raise.
        if "error" not in expected:
            difference_ = difference(TABLES[family][op], expected, reflow_outcome(request, "/device:GPU:0"))
            found += [difference_] if difference_ else []
    return found


@pytest.mark.parametrize(("family", "op"), [pair for pair in _OPS if pair[1] in _SAMPLE])
def test_common_ops(family, op):
    with simulated_gpus(1):
        assert _differences(family, op, _EACH) == []


@pytest.mark.slow
@pytest.mark.parametrize(("family", "op"), _OPS)
def test_all_ops(family, op):
    with simulated_gpus(1):
        assert _differences(family, op) == []
