"""Which of ATen's operations have kernels for CUDA, and for which types: what a build without CUDA cannot tell.

The first comes from the list of operations that PyTorch is generated from, which its wheel carries.
"""

import functools
import re
from pathlib import Path

import torch
import torchgen

# Kernels of a dispatch key that serve tensors of every device.
_EVERYWHERE = ("CUDA", "CompositeExplicit", "CompositeImplicit")
# CUDA has them for floating and complex numbers alone; the CPU for integers, too.
_OF_FLOATS = frozenset({
    "addbmm", "addmm", "addmv", "addr", "avg_pool2d", "avg_pool2d_backward", "avg_pool3d", "avg_pool3d_backward",
    "baddbmm", "bmm", "convolution", "convolution_backward", "dot", "max_pool2d_with_indices",
    "max_pool2d_with_indices_backward",
    "max_pool3d_with_indices", "max_pool3d_with_indices_backward", "mm", "mv", "native_batch_norm", "vdot",
})  # fmt: skip
# The others here are for quantized and for packed weights of a CPU.
_OTHER_NAMESPACES = frozenset({"aten", "prims"})


def check(func, inputs: list[torch.Tensor]) -> None:
    """Raise what PyTorch raises if an operation has no kernel for CUDA.

    Args:
      func: an overload of an operation.
      inputs: its tensors.
    """
    if func.namespace not in _OTHER_NAMESPACES or not _has_kernel(func):
        raise NotImplementedError(f"Could not run '{func.name()}' with arguments from the 'CUDA' backend.")
    name = func._schema.name.partition("::")[2].rstrip("_")
    if name in _OF_FLOATS and not all(t.is_floating_point() or t.is_complex() for t in inputs[:2]):
        raise RuntimeError(f'"{name}_cuda" not implemented for {inputs[0].dtype}')
    if torch.Tag.core not in func.tags and "mkldnn" in name:
        raise RuntimeError(f"{name} is of oneDNN, on CPUs alone")


@functools.cache
def _has_kernel(func) -> bool:
    name = func.name().partition("::")[2]
    keys = _dispatch_keys().get(name)
    # What is not listed was generated out of another overload.
    return keys is None or not keys or any(key.startswith(_EVERYWHERE) for key in keys)


@functools.cache
def _dispatch_keys() -> dict[str, list[str]]:
    """For each operation ("add.Tensor"), the dispatch keys that have kernels; none for what is made of others."""
    path = Path(torchgen.__file__).parent / "packaged" / "ATen" / "native" / "native_functions.yaml"
    found, delegates = {}, {}
    for entry in re.split(r"^- func: ", path.read_text(), flags=re.MULTILINE)[1:]:
        name = entry[:entry.index("(")]
        section = re.search(r"^  dispatch:\n((?:    .*\n|\s*#.*\n)*)", entry, re.MULTILINE)
        rows = re.findall(r"^    ([\w, ]+):", section[1], re.MULTILINE) if section else []
        found[name] = [key.strip() for row in rows for key in row.split(",")]
        if "  ufunc_inner_loop:" in entry:  # Both kernels are generated of one line.
            found[name] += ["CPU", "CUDA"]
        delegate = re.search(r"^  structured_delegate: (\S+)", entry, re.MULTILINE)
        if delegate:
            delegates[name] = delegate[1]
    return {name: found[delegates.get(name, name)] for name in found}
