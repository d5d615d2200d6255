"""The wheel, installed somewhere else, works without the checkout."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from resnet_desktop.bundle.file.bundle import write
from resnet_desktop.imaging.decode import encode_jpeg
from tests.conftest import REPO, make_photo
from tests.unit.bundle.making import metadata, tiny_model

pytest.importorskip("hatchling", reason="building the wheel needs hatchling")
pytest.importorskip("build", reason="building the wheel needs build")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that pip installed the wheel into, without its dependencies: those are here."""
    folder = tmp_path_factory.mktemp("wheel")
    _call("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(REPO))
    (wheel,) = folder.glob("*.whl")
    target = folder / "site"
    if _has_pip():
        _call("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target), str(wheel))
    else:  # an environment that was made without pip: a wheel is a zip file whose layout is its installation
        _call("-m", "zipfile", "-e", str(wheel), str(target))
    return target


def _has_pip() -> bool:
    return subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0


def _call(*arguments: str) -> None:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_classifies_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    model = write(tmp_path / "tiny.onnx", tiny_model(), metadata(arch=None)).path
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(encode_jpeg(make_photo(80, 60)))
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-m", "resnet_desktop", "classify", str(photo), "--model", str(model)]
    done = subprocess.run(
        [*command, "--format", "json"], capture_output=True, cwd=tmp_path, env=environment, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["ok"]


def test_assets_and_models_travel_with_it(installed: Path, tmp_path: Path) -> None:
    program = (
        "import json, resnet_desktop; from resnet_desktop.core import paths;"
        "places = paths.assets_folder(), paths.bundled_models_folder(), paths.docs_folder();"
        "print(json.dumps([resnet_desktop.__file__, *map(str, places)]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, cwd=tmp_path, env=environment, timeout=60, check=True
    )
    places = [Path(p) for p in json.loads(done.stdout)]
    assert all(place.is_relative_to(installed) for place in places)
    shipped = {p.name for p in (REPO / "models").iterdir()}
    assert {p.name for p in places[2].iterdir()} == shipped
    assert list((places[1] / "samples").glob("*.jpg"))
    for templates in (REPO / "resnet_desktop").rglob("templates"):
        inside = installed / templates.relative_to(REPO)
        assert {p.name for p in inside.iterdir()} == {p.name for p in templates.iterdir()}
    for page in (REPO / "docs" / "guide").glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
            assert "//" in target or (places[3] / "guide" / target).is_file(), f"{page.name}: {target}"
