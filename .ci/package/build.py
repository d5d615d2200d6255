"""The program in a folder, and what is given out: an archive, and on Debian's kin a package. Run by make.py."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(REPO), str(Path(__file__).parent)]

import debian  # noqa: E402 - beside this file
import icu  # noqa: E402
import licences  # noqa: E402
from make import RUNTIMES  # noqa: E402

from resnet_desktop import __version__  # noqa: E402

NAME = "resnet-desktop"
FORBIDDEN = ("libcudart", "libcudnn", "libcublas", "libcufft", "libnvrtc", "libx265", "libgtk", "libtorch")
"""Parts of file names that a licence keeps out, or that nobody needs."""


def main(flavour: str) -> None:
    """Build a flavour into build/package/FLAVOUR."""
    place = REPO / "build" / "package" / flavour
    prepared = place / "prepared"
    shutil.rmtree(prepared, ignore_errors=True)
    prepared.mkdir(parents=True)
    if sys.platform != "linux":
        _icon(prepared)
    _pack(place, prepared, RUNTIMES[flavour])
    folder = place / NAME
    for link in list(folder.rglob("*")):
        if link.is_symlink() and not link.exists():  # to a library that was left out
            link.unlink()
    if sys.platform == "linux":
        _strip(folder / "lib")
        for data in (folder / "lib" / "PySide6" / "Qt" / "lib").glob("libicudata.so.*"):
            icu.trim(data)
    unwanted = [path.name for path in folder.rglob("*") if any(word in path.name.lower() for word in FORBIDDEN)]
    if unwanted:
        raise SystemExit(f"These may not go in: {', '.join(unwanted)}")
    _pages(folder)
    licences.collect(folder, REPO, RUNTIMES[flavour], place / "work")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    print(f"{folder}: {size / 1e6:.0f} MB")
    if sys.platform == "linux":
        print(debian.build(folder, place, REPO, __version__, flavour))
        print(_tar(folder, flavour))


def _pack(place: Path, prepared: Path, runtime: str) -> None:
    values = os.environ | {"RESNET_DESKTOP_PREPARED": str(prepared), "RESNET_DESKTOP_RUNTIME": runtime}
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    command += ["--distpath", str(place), "--workpath", str(place / "work")]
    spec = Path(__file__).with_name("resnet-desktop.spec")
    subprocess.run([*command, str(spec)], check=True, env=values)


def _strip(inside: Path) -> None:
    """Take out what only debuggers read of Python's files and the system's.

    Wheels come stripped, and what their makers have patched does not survive it.
    """
    for path in [*inside.glob("lib*.so*"), *inside.glob("python3*/lib-dynload/*.so")]:
        if path.is_file() and not path.is_symlink():
            subprocess.run(["strip", "--strip-unneeded", str(path)], check=True)


def _pages(folder: Path) -> None:
    """The guide and the other pages, beside the program."""
    target = folder / "docs"
    shutil.copytree(REPO / "docs", target, ignore=shutil.ignore_patterns("*.py", "api", "_build"), dirs_exist_ok=True)
    for name in ("README.md", "CHANGELOG.md", "LICENSE"):
        shutil.copy(REPO / name, folder)


def _icon(prepared: Path) -> None:
    """The icon in the system's own format, drawn from the vector file."""
    from PIL import Image
    from PySide6.QtGui import QGuiApplication, QIcon

    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QGuiApplication([NAME])
    picture = prepared / "icon.png"
    QIcon(str(REPO / "assets" / "icons" / "app.svg")).pixmap(1024, 1024).save(str(picture))
    del application
    suffix = "ico" if sys.platform == "win32" else "icns"
    with Image.open(picture) as image:
        image.save(prepared / f"icon.{suffix}")


def _tar(folder: Path, flavour: str) -> Path:
    """The folder as a tar file; whose files belong to nobody in particular."""

    def nobody(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        return entry

    name = f"{NAME}-{__version__}-{flavour}-linux-{platform.machine()}"
    path = folder.with_name(f"{name}.tar.gz")
    with tarfile.open(path, "w:gz", compresslevel=6) as archive:
        archive.add(folder, name, filter=nobody)
    return path


if __name__ == "__main__":
    main(sys.argv[1])
