"""The names of before TensorFlow 1.0 that old tutorials use: each works, and is noted once.

Spellings that TensorFlow 1.15 still has (`tf.initialize_all_variables`) stand where they are defined, as do old names
of arguments.
"""

import functools
from collections.abc import Callable

from reflow.graph.export import EXPORTS, export_value
from reflow.platform.deprecation import deprecated_alias

# Old public name to new one, for functions and classes that kept their arguments.
_RENAMED = {
    "batch_cholesky_solve": "cholesky_solve",
    "batch_fft": "fft",
    "batch_ifft": "ifft",
    "batch_matrix_band_part": "matrix_band_part",
    "batch_matrix_determinant": "matrix_determinant",
    "batch_matrix_diag": "matrix_diag",
    "batch_matrix_diag_part": "matrix_diag_part",
    "batch_matrix_inverse": "matrix_inverse",
    "batch_matrix_set_diag": "matrix_set_diag",
    "batch_matrix_solve": "matrix_solve",
    "batch_matrix_solve_ls": "matrix_solve_ls",
    "batch_matrix_transpose": "matrix_transpose",
    "batch_matrix_triangular_solve": "matrix_triangular_solve",
    "batch_self_adjoint_eig": "self_adjoint_eig",
    "batch_self_adjoint_eigvals": "self_adjoint_eigvals",
    "batch_svd": "svd",
    "complex_abs": "abs",
    "image.per_image_whitening": "image.per_image_standardization",
    "inv": "reciprocal",
    "merge_all_summaries": "summary.merge_all",
    "merge_summary": "summary.merge",
    "mul": "multiply",
    "neg": "negative",
    "nn.bidirectional_rnn": "nn.static_bidirectional_rnn",
    "nn.deconv2d": "nn.conv2d_transpose",
    "nn.rnn": "nn.static_rnn",
    "nn.state_saving_rnn": "nn.static_state_saving_rnn",
    "pack": "stack",
    "sub": "subtract",
    "train.SummaryWriter": "summary.FileWriter",
    "unpack": "unstack",
}

# Old public name to new one and the old arguments in their order; "old=new" where an argument was renamed,
# "old=" where it is gone.
_REARRANGED = {
    "audio_summary": ("summary.audio", "tag=name tensor sample_rate max_outputs collections name="),
    "batch_matmul": ("matmul", "x=a y=b adj_x=adjoint_a adj_y=adjoint_b name"),
    "histogram_summary": ("summary.histogram", "tag=name values collections name="),
    "image_summary": ("summary.image", "tag=name tensor max_images=max_outputs collections name="),
    "listdiff": ("setdiff1d", "x y out_idx=index_dtype name"),
    "scalar_summary": ("summary.scalar", "tags=name values=tensor collections name="),
    "select": ("where", "condition t=x e=y name"),
}


def _with_old_arguments(function: Callable, arguments: str) -> Callable:
    """Makes a function take its old arguments, in their old order and under their old names."""
    new_names = {}
    for argument in arguments.split():
        old, renamed, new = argument.partition("=")
        new_names[old] = new if renamed else old

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        unknown = kwargs.keys() - new_names.keys()
        if unknown or len(args) > len(new_names):
            raise TypeError(f"{function.__name__}: expected the arguments {', '.join(new_names)}; got {args}, {kwargs}")
        given = {**dict(zip(new_names, args, strict=False)), **kwargs}
        return function(**{new_names[old]: value for old, value in given.items() if new_names[old]})

    return wrapper


def _publish(old: str, new: str, arguments: str = "") -> None:
    # Reflow may not have the function (yet): then it does not have the old name either.
    if new in EXPORTS:
        target = _with_old_arguments(EXPORTS[new], arguments) if arguments else EXPORTS[new]
        export_value(old, deprecated_alias(f"tf.{old}", f"tf.{new}", target))


for _old, (_new, _arguments) in _REARRANGED.items():
    _publish(_old, _new, _arguments)
for _old, _new in _RENAMED.items():
    _publish(_old, _new)
