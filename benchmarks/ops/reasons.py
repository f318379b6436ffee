"""Why Reflow takes more than 1.2 times as long as the faster TensorFlow: by operation, then row, size or "" (all)."""

CALLS = "calls from Python: 0.6 us and its work for a kernel in C, 1 to 3 us for one of PyTorch's"
KERNEL = "PyTorch's kernel, as in its column"
CHAIN = "several operations on little: " + CALLS
LAPACK = "LAPACK through torch.linalg, as slow in PyTorch alone"
POOL = "a kernel in C for each direction; of gradients out of the cache, oneDNN's in TensorFlow 2.21 is faster"

POOL_CALL = "a kernel in C that is still called by ctypes and a wrapper in Python"
SETUP = "PyTorch's preparations and the changes of layout around it take longer than so small a convolution"
LAYOUT = "PyTorch's kernel, between a pad or changes of layout"

# For small sizes, where nothing else is said.
SMALL = CALLS

REASONS = {
    "batch_matmul": {"large": KERNEL},
    "einsum bij,bkj->bik": {"large": KERNEL},
    "cholesky": {"small, gradient": "eleven operations; those on diagonals and bands are several of PyTorch's each"},
    "matrix_inverse": {"large": LAPACK, "large, gradient": LAPACK},
    "svd": {"": LAPACK},
    "multiply, scalar": {"medium": KERNEL},
    "gradient descent": {"medium": KERNEL},
    "concat, axis 1": {"large": KERNEL},
    "clip_by_value": {"medium": "TensorFlow's graph has two operations: two passes"},
    "cast to int32": {"medium": KERNEL},
    "reduce_sum, all": {"medium": KERNEL},
    "reduce_sum, axis 0": {"medium": KERNEL},
    "reduce_sum, axis 1": {"medium": KERNEL},
    "reduce_mean, all": {"medium": "waking the second thread takes as long as its half of the sum"},
    "moments": {"medium": CHAIN},
    "l2_loss": {"medium": CHAIN},
    "l2_normalize": {"": "five operations, twenty with the gradient: " + CALLS},
    "clip_by_norm": {"": "eight operations: " + CALLS},
    "clip_by_global_norm": {"": "ten operations, most on one number: " + CALLS},
    "sigmoid_cross_entropy": {
        "small": "eight operations, twenty with the gradient: " + CALLS,
        "large": "TensorFlow's graph of some twenty operations, a pass each",
    },
    "conv2d 3x3": {"small": SETUP, "small, gradient": SETUP, "medium": KERNEL, "large": KERNEL},
    "conv2d 3x3, stride 2": {"small": SETUP, "small, gradient": SETUP, "medium": LAYOUT, "large": LAYOUT},
    "conv2d 1x1": {"small": SETUP, "small, gradient": SETUP, "medium": KERNEL, "large": KERNEL},
    "depthwise_conv2d 3x3": {"small": SETUP, "small, gradient": SETUP, "medium": LAYOUT, "large": LAYOUT},
    "max_pool 2x2": {"small": POOL_CALL, "small, gradient": POOL_CALL, "large, gradient": POOL},
    "max_pool 3x3, stride 2": {"small": POOL_CALL, "small, gradient": POOL_CALL, "large, gradient": POOL},
    "unstack; sum of parts": {"medium": CHAIN},
    "pad": {"medium": KERNEL},
    "tile": {"medium": KERNEL},
    "fill": {"medium": KERNEL},
    "zeros": {"": "the shape is read from a tensor: a list of numbers, and two of PyTorch's calls"},
    "gather": {"medium": CALLS},
    "embedding_lookup": {"medium": CALLS},
    "fused_batch_norm": {"": "a dozen of PyTorch's calls, most on a number a channel"},
    "avg_pool 2x2": {"": "PyTorch's kernels and changes of layout"},
    "split, axis 1; sum of parts": {"": "parts of rows are not contiguous: PyTorch's additions, 1 to 2 us each"},
    "random_shuffle": {"": "a call from Python moves the op's stream on before the kernel in C is called"},
}
