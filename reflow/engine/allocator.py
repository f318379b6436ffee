"""The C allocator keeps freed memory: a step then asks the system for no pages, which would cost it 20 to 35 %."""

import ctypes
import os

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_MMAP_MAX = -4
_LARGEST_INT = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let malloc serve large blocks from the heap and not give freed memory back to the system.

    Returns:
      False where the C library has no mallopt (it is glibc's), or REFLOW_KEEP_MEMORY=0 asks not to.
    """
    if os.environ.get("REFLOW_KEEP_MEMORY") == "0":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, _LARGEST_INT))
