"""The examples on the library are run: those of its page, which the README repeats, and the notebook."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import resnet_desktop as rd
from resnet_desktop.core import paths
from tests.conftest import REPO
from tests.guide.pages import fences
from tests.unit.head.making import fill_folder

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path, tried_once: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the examples speak of."""
    samples = paths.assets_folder() / "samples"
    (tmp_path / "photos").mkdir()
    for name in ("cat", "coffee"):
        shutil.copy(samples / f"{name}.jpg", tmp_path / "photos")
    fill_folder(tmp_path / "ants-and-bees", 8, names=("ants", "bees"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_examples_of_the_page(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known: dict[str, Any] = {}
    for code in fences(REPO / "docs" / "library.md", "python"):
        exec(compile(code, "library.md", "exec"), known)
    said = capsys.readouterr().out
    assert "espresso 92%" in said
    assert "(40,)" in said
    assert (folder / "espresso.png").stat().st_size
    assert (folder / "run" / "model.onnx").is_file()
    assert known["rd"].__version__ == rd.__version__


def test_the_readme_shows_what_the_page_does() -> None:
    tested = "".join(fences(REPO / "docs" / "library.md", "python")).splitlines()
    shown = "".join(fences(REPO / "README.md", "python")).splitlines()
    assert shown
    assert set(shown) <= {*tested, ""}


def test_the_notebook(home: Path, tmp_path: Path) -> None:
    run = (
        "import sys, nbformat\n"
        "from nbclient import NotebookClient\n"
        "book = nbformat.read('library.ipynb', 4)\n"
        "nbformat.validate(book)\n"
        "assert not any(cell.get('outputs') for cell in book.cells), 'commit it without results'\n"
        "NotebookClient(book, timeout=200).execute()\n"
        "nbformat.write(book, sys.argv[1])\n"
    )
    given = {**os.environ, "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")}
    asked = [sys.executable, "-W", "ignore", "-c", run, str(tmp_path / "done.ipynb")]
    subprocess.run(asked, cwd=REPO / "docs", env=given, check=True, timeout=280)
    text = (tmp_path / "done.ipynb").read_text("utf-8")
    assert rd.__version__ in text
    assert "<figure>" in text
    assert "espresso" in text
