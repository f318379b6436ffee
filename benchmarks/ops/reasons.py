"""Why Reflow takes more than 1.2 times as long as the faster TensorFlow: by operation, then row, size or "" (all)."""

CALLS = "calls of PyTorch's kernels, 1 to 5 us each"
KERNEL = "PyTorch's kernel, as in its column"
CHAIN = "several operations on little: " + CALLS
CHECKS = "indices are checked and counted in calls of their own, for TensorFlow's errors; " + CALLS
LAPACK = "torch.linalg, as slow in PyTorch alone; singular matrices are looked for besides"
NAN = "in TensorFlow a NaN counts for nothing, in PyTorch for all: a pass takes them out first"
ZERO = "0 where the incoming gradient is 0, as in TensorFlow: a pass for its size, one to select, in PyTorch's kernels"
MEAN = "PyTorch sums, then divides: two calls"
POOL = "PyTorch's pooling; TensorFlow 2.21 has oneDNN's"
VIEW = "a view: the addition reads it across its rows"

# For small sizes, where nothing else is said.
SMALL = CALLS

REASONS = {
    "batch_matmul": {"large": KERNEL},
    "einsum bij,bkj->bik": {"large": KERNEL},
    "cholesky": {"": LAPACK},
    "matrix_inverse": {"": LAPACK},
    "svd": {"": LAPACK},
    "multiply, scalar": {"medium": KERNEL},
    "maximum": {"small": NAN, "medium": NAN},
    "minimum": {"small": NAN, "medium": NAN},
    "squared_difference": {"medium": "a difference and a square: two passes"},
    "reshape": {"medium": "a call of PyTorch's for each view, 1 us"},
    "sqrt": {"medium": KERNEL, "medium, gradient": ZERO, "large, gradient": ZERO},
    "rsqrt": {"medium": KERNEL, "medium, gradient": ZERO, "large, gradient": ZERO},
    "relu": {"medium": KERNEL},
    "gradient descent": {"medium": KERNEL},
    "log": {"large": KERNEL},
    "concat, axis 1": {"large": KERNEL},
    "tanh": {"": KERNEL},
    "elu": {"large": KERNEL},
    "where x > 0": {"large": "passes over a mask, which PyTorch's kernels do not fuse"},
    "clip_by_value": {"medium": "TensorFlow's graph has two operations: two passes"},
    "cast to int32": {"medium": KERNEL},
    "reduce_sum, all": {"medium": KERNEL},
    "reduce_sum, axis 0": {"medium": KERNEL},
    "reduce_sum, axis 1": {"medium": KERNEL},
    "reduce_mean, all": {"medium": MEAN},
    "reduce_mean, axis 0": {"medium": MEAN},
    "reduce_mean, axis 1": {"medium": MEAN},
    "reduce_max, all": {"": NAN},
    "reduce_max, axis 0": {"": NAN},
    "reduce_max, axis 1": {"": NAN},
    "argmax, axis 0": {"small": NAN},
    "argmax, axis 1": {"small": NAN},
    "top_k, 5": {"": "of equal numbers the first one counts: PyTorch's topk takes any, so ties are looked for"},
    "moments": {"medium": CHAIN},
    "l2_loss": {"medium": CHAIN},
    "l2_normalize": {"medium": CHAIN},
    "clip_by_norm": {"medium": CHAIN},
    "clip_by_global_norm": {"medium": CHAIN},
    "sigmoid_cross_entropy": {"large": "TensorFlow's graph of some twenty operations, a pass each"},
    "conv2d 3x3": {"medium": KERNEL, "large": KERNEL},
    "conv2d 3x3, stride 2": {"medium": KERNEL, "large": KERNEL},
    "conv2d 1x1": {"medium": KERNEL, "large": KERNEL},
    "depthwise_conv2d 3x3": {"medium": KERNEL, "large": KERNEL},
    "max_pool 2x2": {"": POOL},
    "max_pool 3x3, stride 2": {"": POOL},
    "lrn": {"large": "a product with a banded matrix and powers, a pass each"},
    "transpose + y": {"large": VIEW},
    "unstack; sum of parts": {"medium": CHAIN},
    "pad": {"medium": KERNEL},
    "tile": {"medium": KERNEL, "large, gradient": "PyTorch's sum over two axes with one between; as slow there"},
    "fill": {"medium": KERNEL},
    "zeros": {"medium": KERNEL},
    "range": {"": KERNEL},
    "gather": {"small": CHECKS, "medium": CALLS},
    "embedding_lookup": {"small": CHECKS, "medium": CALLS},
    "gather_nd": {"": CHECKS},
    "scatter_nd": {"": CHECKS},
    "segment_sum": {"": CHECKS},
    "unsorted_segment_sum": {"": CHECKS, "large": KERNEL},
    "one_hot": {"": "class numbers are made and compared in calls of their own, 1 to 5 us each"},
    "sparse_softmax_cross_entropy": {"small": CHECKS},
    "dropout": {"medium": "numbers, comparison, cast and products: a pass each, as in TensorFlow's graph"},
    "random_shuffle": {"": "the numbers that TensorFlow draws, by calls from Python for a vector"},
    "rmsprop": {"large": "PyTorch has no fused kernel: passes over the slots"},
}
