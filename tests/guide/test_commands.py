"""Every command of the guide is run, page by page, in a folder with what the pages speak of."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest

from resnet_desktop.cli.main import main
from resnet_desktop.core import paths
from resnet_desktop.inference.tuning import timing
from tests.guide.pages import GUIDE, fences, pages
from tests.unit.bundle.making import plain_classifier
from tests.unit.head.making import fill_folder

ANSWERS = {
    "first-answer": ["answers.csv", "cat-heatmap.png"],
    "layers-and-methods": ["coffee.png", "tiger-not-lynx.png", "cat.png"],
    "your-classes": ["runs/ants-and-bees/report.html"],
}
"""What the commands of a page leave."""


def commands(name: str) -> Iterator[list[str]]:
    """The commands of a page, as the shell would part them."""
    for block in fences(GUIDE / f"{name}.md", "sh"):
        for line in block.splitlines():
            yield shlex.split(line)


@pytest.fixture
def folder(tmp_path: Path, tried_once: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``photos``, ``ants-and-bees`` (of stripes), a network and its labels."""
    (tmp_path / "photos").mkdir()
    for name in ("cat", "coffee"):
        shutil.copy(paths.assets_folder() / "samples" / f"{name}.jpg", tmp_path / "photos")
    fill_folder(tmp_path / "ants-and-bees", 8, names=("ants", "bees"))
    (tmp_path / "runs").mkdir()
    onnx.save(plain_classifier(classes=3), tmp_path / "network.onnx")
    (tmp_path / "labels.txt").write_text("ant\nbee\nwasp\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(timing, "SECONDS", 0.01)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, text in pages().items() if "```sh" in text])
def test_the_commands_of_a_page(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    count = 0
    for command in commands(name):
        assert command[0] == "resnet-desktop", command
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as caught:
            main()
        assert not caught.value.code, (command, capsys.readouterr().err)
        count += 1
    assert count
    assert capsys.readouterr().out
    for left in ANSWERS.get(name, ()):
        assert (folder / left).stat().st_size, left


def test_each_link_leads_to_a_page() -> None:
    docs = {name: GUIDE / f"{name}.md" for name in pages()}
    for name, text in pages().items():
        for target in re.findall(r"(?<!!)\[[^\]]+\]\(([^)#]+)\)", text):
            assert target.startswith("http") or (docs[name].parent / target).is_file(), f"{name}: {target}"
    listed = re.findall(r"\(([a-z-]+)\.md\)", pages()["index"])
    assert set(listed) == set(pages()) - {"index"}
