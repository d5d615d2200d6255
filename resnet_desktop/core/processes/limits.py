"""Limits on the memory of a child process: set by itself on POSIX, by a job object on Windows, and watched besides.

On Linux the limit is on data (``RLIMIT_DATA``): private memory that can be written to, whether it is used or not. The
address space, which ``RLIMIT_AS`` limits, is mostly reserved and never used, the more the more cores there are. macOS
takes such limits and does not keep to them; there, and as a second line elsewhere, the parent looks at what the child
has in memory and ends it.
"""

from __future__ import annotations

import contextlib
import ctypes
import subprocess
import sys
from pathlib import Path
from typing import Any

_JOB_LIMITS = 9
_LIMIT_PROCESS_MEMORY = 0x100
_KILL_ON_CLOSE = 0x2000
_MACOS_RESIDENT_AT = 64
"""Bytes before ``ri_resident_size`` in macOS's ``rusage_info_v0``: an id of 16 and six numbers of 8."""


def limit_own_memory(data: int, file: int) -> None:
    """Have this process get no more than ``data`` bytes of memory, write no larger file, and leave no core dump.

    Nothing is done on Windows, where whoever starts the process does it.
    """
    if sys.platform == "win32":
        return
    import resource

    wanted = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, file)]
    if sys.platform == "linux":
        wanted.append((resource.RLIMIT_DATA, data))
    for what, most in wanted:
        _, hard = resource.getrlimit(what)
        low = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(OSError, ValueError):  # a system that has no such limit
            resource.setrlimit(what, (low, hard))


class Guard:
    """Watches the memory of a child.

    Args:
        process: the child, just started.
        most: bytes that it may have.
    """

    def __init__(self, process: subprocess.Popen[bytes], most: int) -> None:
        self._process, self._most = process, most
        self._job: Any = None
        if sys.platform == "win32":
            self._job = _limited_job(process, most)

    def exceeded(self) -> bool:
        """Whether the child has more than it may; False where that is not known."""
        return resident(self._process.pid) > self._most

    def close(self) -> None:
        """Let go of the job object; what is still in it ends."""
        if sys.platform == "win32" and self._job:
            ctypes.windll.kernel32.CloseHandle(self._job)
            self._job = None


def resident(pid: int) -> int:
    """Bytes of memory that a process has, as far as the system tells; else 0."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, ValueError, IndexError):
            pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
            import resource

            return pages * resource.getpagesize()
    if sys.platform == "darwin":
        with contextlib.suppress(OSError, AttributeError):
            usage = ctypes.create_string_buffer(512)
            if ctypes.CDLL("libproc.dylib").proc_pid_rusage(pid, 0, usage) == 0:
                return int.from_bytes(usage[_MACOS_RESIDENT_AT : _MACOS_RESIDENT_AT + 8], "little")
    return 0


if sys.platform == "win32":

    class _BasicLimits(ctypes.Structure):
        _fields_ = (
            ("process_time", ctypes.c_int64),
            ("job_time", ctypes.c_int64),
            ("flags", ctypes.c_uint32),
            ("least_working_set", ctypes.c_size_t),
            ("most_working_set", ctypes.c_size_t),
            ("processes", ctypes.c_uint32),
            ("affinity", ctypes.c_size_t),
            ("priority", ctypes.c_uint32),
            ("scheduling", ctypes.c_uint32),
        )

    class _Limits(ctypes.Structure):
        _fields_ = (
            ("basic", _BasicLimits),
            ("counters", ctypes.c_uint64 * 6),
            ("process_memory", ctypes.c_size_t),
            ("job_memory", ctypes.c_size_t),
            ("peak_process", ctypes.c_size_t),
            ("peak_job", ctypes.c_size_t),
        )

    def _limited_job(process: subprocess.Popen[bytes], most: int) -> Any:  # noqa: ANN401 - a handle
        """A job object that the process is in; None if the system refuses one."""
        kernel = ctypes.windll.kernel32
        kernel.CreateJobObjectW.restype = ctypes.c_void_p
        job = ctypes.c_void_p(kernel.CreateJobObjectW(None, None))
        limits = _Limits()
        limits.basic.flags = _LIMIT_PROCESS_MEMORY | _KILL_ON_CLOSE
        limits.process_memory = most
        handle = ctypes.c_void_p(int(process._handle))
        kernel.SetInformationJobObject(job, _JOB_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits))
        kernel.AssignProcessToJobObject(job, handle)
        return job if job.value else None
