"""How the process gets memory for tensors on the CPU.

The C library of Linux gives large blocks back to the system as soon as they are free, and asks for them again in the
next step: each page of gradients and activations is then made anew, and filled with zeros, by the kernel. A ResNet-50
in batches of 32 at 128 pixels lost a tenth of its time to that.
"""

from __future__ import annotations

import ctypes
import sys

# Numbers of mallopt(3) in glibc's malloc.h, and the largest threshold that it takes on 64 bits.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_LARGEST_THRESHOLD = 32 * 2**20
_KEPT = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let this process keep up to 2 GiB of what it frees, for the next step; whether the C library does so.

    Blocks above 32 MiB still go back at once. Only glibc is known to need it and to offer it.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library, such as musl
        return False
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    wanted = ((_TRIM_THRESHOLD, _KEPT), (_TOP_PAD, 2 * _LARGEST_THRESHOLD), (_MMAP_THRESHOLD, _LARGEST_THRESHOLD))
    done = [mallopt(number, value) == 1 for number, value in wanted]
    return all(done)
