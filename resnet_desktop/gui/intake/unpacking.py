"""The photos in a zip file as files of their own, so that all that is done with photos can be done with them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from resnet_desktop.core import atomic, paths
from resnet_desktop.core.errors import DataError
from resnet_desktop.core.progress import Cancelled

KEPT_DAYS = 60
"""Unpacked photos that were not opened again for so long are taken away."""


def unpacked(path: Path, cancelled: Cancelled) -> Iterator[Path]:
    """Unpack the photos of a zip file one after the other into the cache, each where it is not there yet.

    No name of the zip file decides where something is written: each photo lies in a folder that is named by its number.

    Raises:
        DataError: it is no zip file; or, when all others are unpacked, the first photo that cannot be.
        StorageError: there is no room for it.
    """
    from resnet_desktop.data.pictures.samples import Sample, SampleReader  # the window is up before these are loaded
    from resnet_desktop.data.sources.zip_source import zip_tree
    from resnet_desktop.imaging.files import natural_key

    root = _root(path)
    _tidy(root.parent)
    tree = zip_tree(path, "")
    reader, problems = SampleReader(), []
    try:
        for number, inside in enumerate(sorted(tree.pictures, key=natural_key)):
            if cancelled():
                return
            file = root / str(number) / _safe(inside.rsplit("/", 1)[-1])
            place = tree.places[inside]
            try:
                if not file.exists():
                    data = reader.read(Sample(place.source, place.member, 0))
                    assert isinstance(data, bytes)
                    atomic.write_bytes(file, data)
            except DataError as error:
                problems.append(error)
            else:
                yield file
    finally:
        reader.close()
    if problems:
        raise problems[0]


def _root(path: Path) -> Path:
    """A folder for this state of this file."""
    status = path.stat()
    state = f"{path.absolute()}\0{status.st_size}\0{status.st_mtime_ns}"
    return paths.cache_folder() / "unpacked" / hashlib.sha256(os.fsencode(state)).hexdigest()[:24]


def _tidy(folder: Path) -> None:
    if folder.is_dir():
        for old in folder.iterdir():
            if time.time() - old.stat().st_mtime > KEPT_DAYS * 86_400:
                shutil.rmtree(old, ignore_errors=True)


def _safe(name: str) -> str:
    """A name that every system can give a file."""
    return re.sub(r'[\x00-\x1f<>:"/\\|?*]', "_", name).strip(" .")[-120:] or "photo"
