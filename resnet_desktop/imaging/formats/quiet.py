"""libtiff writes a line for every fault of a file to standard error, past Python; Pillow leaves it to that.

What is wrong with a file is said by the error that decoding it ends with.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import sys
from pathlib import Path


@functools.cache
def quiet_libtiff() -> bool:
    """Take away where libtiff writes to, for the whole process; whether that was possible.

    Call it once Pillow's reader is loaded. Where the library is part of Pillow's own module (Windows) it has no door.
    """
    done = False
    for path in _loaded():
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL(path)
            for setter in (library.TIFFSetErrorHandler, library.TIFFSetWarningHandler):
                setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
                setter(None)
            done = True
    return done


def _loaded() -> list[str]:
    """The libtiff that Pillow has loaded, which is its own in a wheel and the system's elsewhere."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            maps = Path("/proc/self/maps").read_text("utf-8", "surrogateescape")
            return sorted({line.split(maxsplit=5)[5] for line in maps.splitlines() if "/libtiff" in line})
    if sys.platform == "darwin":
        import PIL

        return [str(path) for path in (Path(PIL.__file__).parent / ".dylibs").glob("libtiff*")]
    return []
