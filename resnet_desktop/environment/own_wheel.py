"""This very program as a wheel, so that the trainer in another environment is the one that the app expects.

The wheel holds the package's sources as they run now, and asks for the libraries that the trainer imports; those of
the window are left out. Format: the binary distribution format of Python packages, version 1.0 (PEP 427).
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path

from resnet_desktop import __version__
from resnet_desktop.core.atomic import replacing
from resnet_desktop.environment.requirements import LIBRARIES
from resnet_desktop.jobs.launching import program

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # one time for all, so that the same sources give the same bytes


def build(folder: Path) -> Path:
    """Write the wheel into ``folder``; its path. Raises TrainingError ``no_sources``, StorageError."""
    info = f"{program.NAME}-{__version__}.dist-info"
    files = program.sources()
    files[f"{info}/METADATA"] = _metadata().encode()
    files[f"{info}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: resnet-desktop\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    record = f"{info}/RECORD"
    rows = [f"{name},sha256={_hash(data)},{len(data)}" for name, data in files.items()]
    files[record] = "\n".join([*rows, f"{record},,", ""]).encode()
    path = folder / program.WHEEL
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, data in files.items():
            wheel.writestr(zipfile.ZipInfo(name, _EARLIEST), data, zipfile.ZIP_DEFLATED)
    return path


def _metadata() -> str:
    lines = ["Metadata-Version: 2.1", "Name: resnet-desktop", f"Version: {__version__}"]
    lines += [f"Requires-Dist: {requirement}" for requirement in LIBRARIES]
    return "\n".join([*lines, ""])


def _hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
