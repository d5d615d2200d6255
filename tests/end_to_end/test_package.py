"""The scripts of ``make package``. The package itself is built and tried by ``.ci/package``, which takes minutes."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

from resnet_desktop.imaging.container import IMAGE_SUFFIXES
from tests.conftest import REPO

SCRIPTS = REPO / ".ci" / "package"


def script(name: str) -> ModuleType:
    """One of the scripts, as a module."""
    spec = importlib.util.spec_from_file_location(f"package_{name}", SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_flavour_has_one_build_of_onnx_runtime() -> None:
    make = script("make")
    for flavour, runtime in make.RUNTIMES.items():
        lines = make.requirements(flavour)
        assert [re.split("[>=; ]", line)[0] for line in lines if line.startswith("onnxruntime")] == [runtime]
        assert any(line.startswith("PySide6-Essentials") for line in lines)
        assert any(line.startswith("pyinstaller") for line in lines)
        assert not any(line.startswith(("torch", "pillow-heif")) for line in lines)


def test_every_distribution_inside_brings_its_licence(tmp_path: Path) -> None:
    licences = script("licences")
    made = tmp_path / "rich"
    row = licences._distribution(metadata.distribution("rich"), tmp_path, REPO)
    assert "MIT" in row
    assert [path.name for path in made.iterdir()] == ["LICENSE"]
    licences._distribution(metadata.distribution("PySide6-Essentials"), tmp_path, REPO)
    assert "LESSER" in (tmp_path / "pyside6-essentials" / "LGPL-3.0.txt").read_text()
    assert all(expected in licences._python(tmp_path) for expected in ("python", "PSF"))


@pytest.mark.parametrize(
    ("licence", "text", "message"), [("GPL-3.0-only", True, "does not go"), ("MIT", False, "no licence")]
)
def test_what_may_not_go_in_ends_the_build(tmp_path: Path, licence: str, text: bool, message: str) -> None:
    info = tmp_path / "thing-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: thing\nVersion: 1.0\nLicense-Expression: {licence}\n")
    (info / "RECORD").write_text("thing-1.0.dist-info/LICENSE,,\n" if text else "")
    if text:
        (info / "LICENSE").write_text("The words of it.")
    found = metadata.PathDistribution(info)
    with pytest.raises(SystemExit, match=message):
        script("licences")._distribution(found, tmp_path / "licences", REPO)


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb")
def test_the_debian_package_puts_the_program_on_the_path_and_into_the_menu(tmp_path: Path) -> None:
    folder = tmp_path / "resnet-desktop"
    (folder / "lib").mkdir(parents=True)
    (folder / "lib" / "large").write_bytes(bytes(400_000))
    program = folder / "resnet-desktop"
    program.write_text("#!/bin/sh\necho started\n")
    program.chmod(0o755)
    deb = script("debian").build(folder, tmp_path, REPO, "1.2.3", "cpu")
    fields = subprocess.run(["dpkg-deb", "--field", str(deb)], capture_output=True, text=True, check=True).stdout
    assert "Version: 1.2.3\n" in fields
    assert re.search(r"^Installed-Size: [3-9]\d\d$", fields, re.MULTILINE)
    root = tmp_path / "root"
    subprocess.run(["dpkg-deb", "--extract", str(deb), str(root)], check=True)
    link = root / "usr" / "bin" / "resnet-desktop"
    assert (link.parent / link.readlink()).resolve() == (root / "opt" / "resnet-desktop" / "resnet-desktop").resolve()
    assert subprocess.run([str(link)], capture_output=True, text=True, check=True).stdout == "started\n"
    for place in (
        "applications/resnet-desktop.desktop",
        "mime/packages/resnet-desktop.xml",
        "doc/resnet-desktop/copyright",
    ):
        assert (root / "usr" / "share" / place).is_file(), place
    assert (root / "usr" / "share" / "icons" / "hicolor" / "scalable" / "apps" / "resnet-desktop.svg").is_file()


def test_the_menu_offers_the_program_for_photos_that_it_opens() -> None:
    text = (SCRIPTS / "linux" / "resnet-desktop.desktop").read_text("utf-8")
    (types,) = re.findall(r"^MimeType=(.*);$", text, re.MULTILINE)
    pictures = {kind.removeprefix("image/") for kind in types.split(";") if kind.startswith("image/")}
    assert pictures <= {suffix.removeprefix(".") for suffix in IMAGE_SUFFIXES} | {"heif", "jpeg", "tiff"}
    assert "application/x-onnx" in types
    assert "application/x-onnx" in (SCRIPTS / "linux" / "resnet-desktop.xml").read_text("utf-8")
    if sys.platform == "linux" and shutil.which("desktop-file-validate"):
        subprocess.run(["desktop-file-validate", str(SCRIPTS / "linux" / "resnet-desktop.desktop")], check=True)
