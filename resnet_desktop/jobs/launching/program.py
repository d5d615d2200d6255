"""This very program's own sources, for interpreters that the app does not run in.

Another interpreter finds them in a folder of the cache that holds nothing else: beside the package itself lie, in an
installed app, the libraries of the app's own interpreter, which another must never meet.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

from resnet_desktop import __version__
from resnet_desktop.core import atomic, paths
from resnet_desktop.core.errors import TrainingError

NAME = "resnet_desktop"
WHEEL = f"{NAME}-{__version__}-py3-none-any.whl"
KEPT_SECONDS = 30 * 86400.0
"""How long a copy of another version is kept after its last use: a run that was detached may still read from it."""

_NEEDED = f"{NAME}/trainer/__main__.py"


def sources() -> dict[str, bytes]:
    """The package's files by name, such as ``resnet_desktop/core/paths.py``.

    A packaged program has its modules in another form. Their sources are then looked for where assets and models lie,
    and in this version's wheel there or beside the program.

    Raises:
        TrainingError: ``no_sources``: they are nowhere.
    """
    shipped, beside = paths.assets_folder().parent, Path(sys.executable).parent
    for package in (paths.PACKAGE, shipped / NAME):
        found = _in_folder(package)
        if _NEEDED in found:
            return found
    for folder in (shipped, beside):
        found = _in_wheel(folder / WHEEL)
        if _NEEDED in found:
            return found
    message = "This packaged program does not include the trainer's source code."
    raise TrainingError("no_sources", message, f"Put the file {WHEEL} into {beside} and try again.")


def fingerprint(files: Mapping[str, bytes] | None = None) -> str:
    """sha256 over the sources: whether an installed copy is this program. Raises TrainingError."""
    digest = hashlib.sha256()
    for name, data in (sources() if files is None else files).items():
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()


def folder_of_copy() -> Path:
    """A folder with this program's package alone, made where it is missing. Raises TrainingError, StorageError."""
    files = sources()
    parent = paths.cache_folder() / "program"
    folder = parent / fingerprint(files)[:16]
    try:
        if not _holds(folder, files):
            _write(folder, files)
        os.utime(folder)
        _forget_old(parent, folder)
    except OSError as error:
        raise atomic.storage_error(folder, error) from error
    return folder


def _in_folder(package: Path) -> dict[str, bytes]:
    found = {f"{NAME}/{p.relative_to(package).as_posix()}": p for p in sorted(package.rglob("*"))}
    return {name: path.read_bytes() for name, path in found.items() if _travels(name)}


def _in_wheel(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as wheel:
            names = sorted(n for n in wheel.namelist() if n.startswith(f"{NAME}/") and _travels(n))
            return {name: wheel.read(name) for name in names}
    except (OSError, zipfile.BadZipFile):
        return {}


def _travels(name: str) -> bool:
    """Whether a file is one of the modules, or of the templates that they fill in."""
    return name.endswith((".py", "/py.typed")) or ("/templates/" in name and name.endswith((".html", ".css")))


def _holds(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Whether all is there: what empties caches may take files one by one."""
    with contextlib.suppress(OSError):
        return all((folder / name).stat().st_size == len(data) for name, data in files.items())
    return False


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=folder.parent) as name:
        made = Path(name) / "whole"
        for inside, data in files.items():
            path = made / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            made.rename(folder)
        except OSError:
            if not _holds(folder, files):  # else another process was quicker
                raise


def _forget_old(parent: Path, used: Path) -> None:
    for folder in parent.iterdir():
        with contextlib.suppress(OSError):
            if folder != used and time.time() - folder.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(folder)
