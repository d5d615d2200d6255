"""Files given another name, never over another file."""

from __future__ import annotations

import errno
import os
from pathlib import Path

_NO_LINKS = frozenset(
    {errno.EXDEV, errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}
)
"""What a file system says that cannot give a file a second name there. Else it means what shows when it is copied."""


def name_anew(path: Path, target: Path) -> None:
    """Give a file another name in the same file system, where nothing has that name. Raises OSError.

    FileExistsError: something has.
    """
    if try_link(path, target):
        path.unlink()
    elif os.name == "nt":
        path.rename(target)  # refuses to write over a file there
    else:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))  # now the name is ours
        path.replace(target)


def try_link(path: Path, target: Path) -> bool:
    """Give a file a second name; False where the file system cannot. Raises OSError as ``name_anew``."""
    try:
        os.link(path, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except (NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LINKS:
            raise
        return False
    return True
