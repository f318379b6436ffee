"""Reductions, cumulative ops, segments, sorting and counting."""

import numpy as np

from tests.differential.table import Table

table = Table("reductions")

# Sums in another order: half and bfloat16 lose digits at every step.
_SUMS = {"float16": 2e-2, "bfloat16": 1e-1, "float32": 1e-5}


def _reduction(dtype="T", domain="any", low=None):
    def draw(d):
        # TensorFlow's mean of nothing is 0 in bfloat16 and of complex numbers, and NaN in all other types.
        has_zero = d.op == "Mean" and (d.types["T"].name == "bfloat16" or d.types["T"].is_complex)
        shape = d.shape(low=int(has_zero))
        array = d.array(dtype, shape, domain, low)
        if d.flag():
            axes = np.asarray(d.axis(len(shape)))
        else:
            axes = np.array(sorted({d.int(0, len(shape) - 1) for _ in range(d.int(0, len(shape)))}), int)
            axes = axes - len(shape) * d.flag()
        return [array, d.ints("Tidx", axes)], {"keep_dims": d.flag()}

    return draw


def _arg(d):
    shape = d.shape(least=1)
    return [d.array("T", shape, "finite"), d.ints("Tidx", d.axis(len(shape)))], {}


def _cumulative(domain):
    def draw(d):
        shape = d.shape(least=1)
        axis = d.ints("Tidx", d.axis(len(shape)))
        return [d.array("T", shape, domain), axis], {"exclusive": d.flag(), "reverse": d.flag()}

    return draw


def _broadcast_arguments(d):
    shape = d.shape()
    return [d.ints("T", shape).astype(d.dtype("T").np_dtype) for shape in (shape, d.broadcast(shape))], {}


def _range(d):
    low, high = ("nonzero", "nonzero") if d.dtype("Tidx").is_floating else ("any", "any")
    return [d.array("Tidx", (), each, low=-5, high=9) for each in (low, high, "nonzero")], {}


def _lin_space(d):
    return [d.array("T", (), "finite"), d.array("T", (), "finite"), d.ints("Tidx", d.int(1, 6))], {}


table.add("Sum Mean", _reduction(), scaled=True, tolerances=_SUMS)
# Over axes of size 1 TensorFlow takes the number itself.
table.add("EuclideanNorm", _reduction(domain="positive", low=0), scaled=True, tolerances=_SUMS,
          types={"T": ["float16", "float32", "float64", "int32", "int64", "uint8"]})  # fmt: skip
table.add("Prod", _reduction(domain="finite"), scaled=True, tolerances=_SUMS)
table.add("Max Min", _reduction(domain="ordered"))
table.add("All Any", _reduction("bool"))
table.add("ArgMax ArgMin", _arg)
table.add("Cumsum", _cumulative("any"), scaled=True, tolerances=_SUMS)
table.add("Cumprod", _cumulative("nonzero"), scaled=True, tolerances=_SUMS)
table.add("CumulativeLogsumexp", _cumulative("finite"), tolerances={"float16": 2e-2})
table.add("L2Loss", lambda d: ([d.array("T", d.shape(), "finite")], {}), scaled=True, tolerances=_SUMS)
# Of constants Reflow knows the lengths.
table.add("BroadcastGradientArgs", _broadcast_arguments, static_shapes=False)
table.add("BroadcastArgs", _broadcast_arguments)
table.add("Range", _range, types={"Tidx": ["float32", "float64", "int32", "int64"]})
table.add("LinSpace", _lin_space)

# --- segments -------------------------------------------------------------------------------------------------------


def _segments(d, count, high=3, least=0):
    return sorted(d.int(least, high) for _ in range(count))


def _segment(d):
    shape = d.shape(least=1)
    return [d.array("T", shape, "finite"), d.ints("Tindices", _segments(d, shape[0]))], {}


def _unsorted_segment(d):
    shape = d.shape()
    ids = d.array("Tindices", shape[: d.int(0, len(shape))], low=-1, high=3)
    return [d.array("T", shape, "finite"), ids, d.ints("Tnumsegments", d.int(3, 5))], {}


def _sparse_segment(d):
    # TensorFlow leaves the gradients of the mean of no rows unset.
    shape, count = d.shape(least=1, low=1), d.size(int("Sum" not in d.op))
    inputs = [d.array("T", shape, "finite"), d.array("Tidx", (count,), low=0, high=shape[0] - 1),
              np.array(_segments(d, count), "int32")]  # fmt: skip
    if "WithNumSegments" in d.op:
        inputs.append(d.ints("Tnumsegments", d.int(3, 5)))
    return inputs, {}


def _sparse_segment_gradient(d):
    shape, count = d.shape(least=1, low=1), d.size(1)
    ids = np.array(_segments(d, count, shape[0] - 1), "int32")
    return [d.array("T", shape, "finite"), d.array("Tidx", (count,), low=0, high=3), ids, np.array(4, "int32")], {}


table.add("SegmentSum SegmentMean SegmentProd SegmentMax SegmentMin", _segment, scaled=True, tolerances=_SUMS)
table.add("UnsortedSegmentSum UnsortedSegmentProd UnsortedSegmentMax UnsortedSegmentMin", _unsorted_segment,
          scaled=True, tolerances=_SUMS)  # fmt: skip
table.add("SparseSegmentSum SparseSegmentSumWithNumSegments SparseSegmentMean SparseSegmentMeanWithNumSegments "
          "SparseSegmentSqrtN SparseSegmentSqrtNWithNumSegments", _sparse_segment, scaled=True,
          tolerances=_SUMS)  # fmt: skip
table.add("SparseSegmentMeanGrad SparseSegmentSqrtNGrad", _sparse_segment_gradient, scaled=True, faults=False)

# --- sorting and counting -------------------------------------------------------------------------------------------


def _top_k(d):
    shape = d.shape(least=1)
    k = d.int(0, shape[-1])
    values = d.array("T", shape, "finite")
    return ([values], {"k": k}) if d.op == "TopK" else ([values, np.array(k, "int32")], {})


def _nth(d):
    shape = d.shape(least=1, low=1)
    return [d.array("T", shape, "finite"), np.array(d.int(0, shape[-1] - 1), "int32")], {"reverse": d.flag()}


def _bincount(d):
    shape = d.shape(most=1)
    weights = d.array("T", shape if d.flag() else (0,), "finite")
    return [d.array("int32", shape, low=0, high=5), np.array(d.int(0, 6), "int32"), weights], {}


def _histogram(d):
    bounds = [d.int(-4, 0), d.int(1, 4)]
    values, count = d.array("T", d.shape(), "finite"), np.array(d.int(1, 5), "int32")
    return [values, np.array(bounds, d.dtype("T").np_dtype), count], {}


def _bucketize(d):
    return [d.array("T", d.shape(), "ordered")], {"boundaries": sorted(d.int(-4, 4) / 2 for _ in range(d.int(0, 4)))}


def _in_top_k(d):
    rows, classes = d.size(), d.size(1)
    inputs = [d.array("float32", (rows, classes), "any"), d.array("T", (rows,), low=-1, high=classes)]
    k = d.int(1, 3)
    return (inputs, {"k": k}) if d.op == "InTopK" else ([*inputs, d.ints("T", k)], {})


def _bound(d):
    rows = d.size(1)
    return [np.sort(d.array("T", (rows, d.size(1)), "finite"), axis=-1), d.array("T", (rows, d.size(1)), "finite")], {}


def _unravel(d):
    return [d.array("Tidx", d.shape(most=1), low=0, high=5), d.array("Tidx", (d.int(1, 3),), low=2, high=4)], {}


table.add("TopK", _top_k, producer=6, gradient=False, faults=False)
table.add("TopKV2", _top_k)
table.add("NthElement", _nth)
table.add("Bincount", _bincount, faults=False)
table.add("HistogramFixedWidth", _histogram)
table.add("Bucketize", _bucketize)
table.add("InTopK InTopKV2", _in_top_k)
table.add("LowerBound UpperBound", _bound, faults=False,
          types={"T": ["float32", "float64", "int32", "int64", "int8", "uint8", "int16"]})  # fmt: skip
table.add("UnravelIndex", _unravel)
