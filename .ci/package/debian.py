"""The program as a Debian package: in /opt, on the path, in the menu, and offered for photos and models."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

NAME = "resnet-desktop"
LINUX = Path(__file__).with_name("linux")
DEPENDS = (
    *("libdbus-1-3", "libegl1", "libfontconfig1", "libfreetype6", "libgcc-s1", "libgl1"),
    *("libglib2.0-0t64 | libglib2.0-0", "libstdc++6", "libwayland-client0", "libwayland-cursor0", "libwayland-egl1"),
    *("libx11-6", "libx11-xcb1", "libxcb1", "xkb-data"),
)
"""What every desktop has and this program therefore does not bring; all of it is fetched where a system has none."""
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: ResNet Desktop
Comment: The licences of everything inside lie in /opt/resnet-desktop/licences.

Files: *
Copyright: ResNet Desktop contributors
License: MIT
"""


def depends() -> str:
    """What the package asks for. Python and the libraries beside it were built for the C library of this system."""
    version = (os.confstr("CS_GNU_LIBC_VERSION") or "glibc 2.28").split()[-1]
    return ", ".join((f"libc6 (>= {version})", *DEPENDS))


def build(folder: Path, place: Path, repo: Path, version: str, flavour: str) -> Path:
    """Write the .deb; its path. Needs dpkg-deb."""
    root = place / "debian"
    shutil.rmtree(root, ignore_errors=True)
    # Hard links: the same bytes are not written twice.
    shutil.copytree(folder, root / "opt" / NAME, symlinks=True, copy_function=os.link)
    share = root / "usr" / "share"
    _put(LINUX / f"{NAME}.desktop", share / "applications")
    _put(LINUX / f"{NAME}.xml", share / "mime" / "packages")
    _put(repo / "assets" / "icons" / "app.svg", share / "icons" / "hicolor" / "scalable" / "apps", f"{NAME}.svg")
    page = share / "doc" / NAME / "copyright"
    page.parent.mkdir(parents=True)
    licence = "".join(f" {line.rstrip() or '.'}\n" for line in (repo / "LICENSE").read_text("utf-8").splitlines())
    page.write_text(COPYRIGHT + licence, "utf-8")
    start = root / "usr" / "bin" / NAME
    start.parent.mkdir(parents=True)
    start.symlink_to(f"../../opt/{NAME}/{NAME}")
    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()
    _control(root, version, architecture, flavour)
    path = place / f"{NAME}_{version}_{flavour}_{architecture}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", str(root), str(path)], check=True)
    shutil.rmtree(root)
    return path


def _put(source: Path, folder: Path, name: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / (name or source.name)
    shutil.copyfile(source, target)
    target.chmod(0o644)


def _control(root: Path, version: str, architecture: str, flavour: str) -> None:
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    size = sum(path.stat().st_size for path in files) // 1024
    runtime = " This build can use NVIDIA cards where CUDA and cuDNN are installed.\n" if flavour == "gpu" else ""
    text = (
        f"Package: {NAME}\nVersion: {version}\nArchitecture: {architecture}\nSection: graphics\nPriority: optional\n"
        f"Installed-Size: {size}\nMaintainer: ResNet Desktop contributors <noreply@example.org>\n"
        f"Depends: {depends()}\n"
        "Description: classify photos with a residual network, and see why\n"
        " Photos are classified on this computer, with heatmaps that show what an answer rests on.\n"
        f" A guide teaches the network classes of one's own.\n{runtime}"
    )
    control = root / "DEBIAN"
    control.mkdir()
    (control / "control").write_text(text, "utf-8")
