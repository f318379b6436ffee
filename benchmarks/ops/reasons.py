"""Why Reflow takes more than 1.2 times as long as the faster TensorFlow: by operation, then row, size or "" (all)."""

CALLS = "calls from Python, of PyTorch's kernels or of kernels in C, 1 to 5 us each"
KERNEL = "PyTorch's kernel, as in its column"
CHAIN = "several operations on little: " + CALLS
LAPACK = "LAPACK through torch.linalg, as slow in PyTorch alone"
NAN = "in TensorFlow a NaN counts for nothing, in PyTorch for all: a pass takes them out first"
POOL = "a kernel in C for each direction; of gradients out of the cache, oneDNN's in TensorFlow 2.21 is faster"

# For small sizes, where nothing else is said.
SMALL = CALLS

REASONS = {
    "batch_matmul": {"large": KERNEL},
    "einsum bij,bkj->bik": {"large": KERNEL},
    "cholesky": {"small, gradient": "eleven operations on little: " + CALLS},
    "matrix_inverse": {"large": LAPACK, "large, gradient": LAPACK},
    "svd": {"": LAPACK},
    "multiply, scalar": {"medium": KERNEL},
    "reshape": {"medium": "a call of PyTorch's for each view, 1 us"},
    "rsqrt": {"medium, gradient": "PyTorch's kernel, then one in C: two calls from Python, 1 to 5 us each"},
    "relu": {"medium": KERNEL},
    "gradient descent": {"medium": KERNEL},
    "concat, axis 1": {"large": KERNEL},
    "tanh": {"large, gradient": "PyTorch's kernel for the gradient, as long as the C kernel for tanh itself"},
    "clip_by_value": {"medium": "TensorFlow's graph has two operations: two passes"},
    "cast to int32": {"medium": KERNEL},
    "reduce_sum, all": {"medium": KERNEL},
    "reduce_sum, axis 0": {"medium": KERNEL},
    "reduce_sum, axis 1": {"medium": KERNEL},
    "reduce_mean, all": {"medium": "waking the second thread takes as long as its half of the sum"},
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
    "max_pool 2x2": {"large, gradient": POOL},
    "max_pool 3x3, stride 2": {"large, gradient": POOL},
    "unstack; sum of parts": {"medium": CHAIN},
    "pad": {"medium": KERNEL},
    "tile": {"medium": KERNEL},
    "fill": {"medium": KERNEL},
    "zeros": {"medium": KERNEL},
    "gather": {"medium": CALLS},
    "embedding_lookup": {"medium": CALLS},
    "segment_sum": {"small": "ids are counted before the output is made: " + CALLS},
    "dropout": {"medium": "numbers, comparison, cast and products: a pass each, as in TensorFlow's graph"},
    "random_shuffle": {"": "the numbers that TensorFlow draws, by calls from Python for a vector"},
}
