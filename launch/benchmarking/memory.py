"""The allocator that all contestants share."""

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of malloc.h


def keep_freed() -> None:
    """Keeps freed memory in the process. By default glibc gives large blocks back to
    the system, and each step takes them again page by page: PyTorch on a CPU, whose
    tensors come from there, is a tenth slower for it; ours is not. Without effect where
    the C library is another."""
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_MAX, 0)
        libc.mallopt(_TRIM_THRESHOLD, 2**31 - 1)
