"""The C allocator keeps freed memory: a step then asks the system for no pages, which would cost it 20 to 35 %.

Large tensors lie in huge pages: the products and convolutions of a step touch more pages than the processor remembers
addresses of, and looking them up again takes 3 to 8 % of it.

What building a graph, filling variables and compiling have left behind goes back to the system before a new step runs
for the first time: it would stay with the process for good.
"""

import ctypes
import os

_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4
_LARGEST_INT = 2**31 - 1

# Only a C library that was told to keep memory has to be told to release it.
_c_library = None


def keep_freed_memory() -> bool:
    """Let malloc serve large blocks from the heap and not give freed memory back to the system.

    Returns:
      False where the C library has no mallopt (it is glibc's), or REFLOW_KEEP_MEMORY=0 asks not to.
    """
    global _c_library
    if os.environ.get("REFLOW_KEEP_MEMORY") == "0":
        return False
    try:
        library = ctypes.CDLL(None)
        keeps = library.mallopt(_M_MMAP_MAX, 0) and library.mallopt(_M_TRIM_THRESHOLD, _LARGEST_INT)
    except (AttributeError, OSError):
        return False
    _c_library = library if keeps else None
    return bool(keeps)


def use_huge_pages() -> None:
    """Have PyTorch ask for huge pages; it looks into the environment when it first makes a tensor.

    THP_MEM_ALLOC_ENABLE=0 in the environment keeps it from that.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


def release_freed_memory() -> None:
    """Give what is free now back to the system: microseconds where that is little."""
    if _c_library is not None:
        _c_library.malloc_trim(0)
