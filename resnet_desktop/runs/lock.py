"""The lock of a run folder, which the process that trains in it holds."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from resnet_desktop.core import atomic
from resnet_desktop.core.errors import JobError, StorageError, TrainingError

LOCK_SECONDS = 2.0
"""A run that has just ended may still hold its folder, and whoever asks whether one goes on holds it for a moment."""


def lock_folder(folder: Path) -> FileLock:
    """Lock a run folder for this process. The system drops the lock of a process that died.

    Raises:
        TrainingError: another process trains there.
        StorageError: the folder cannot be made or written to.
        JobError: its name is no folder's.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout as error:
        hint = "Wait until it has finished, or choose another folder."
        raise TrainingError("run_locked", f"Another process is training in {folder}.", hint) from error
    except (FileExistsError, NotADirectoryError) as error:
        message = f"The run cannot be written to {folder}: a file with that name exists."
        raise JobError("bad_job", message, "Choose another folder.") from error
    except OSError as error:
        told = atomic.storage_error(folder, error)
        raise StorageError(told.code, told.message, told.hint or "Choose another folder.") from error
    return lock
