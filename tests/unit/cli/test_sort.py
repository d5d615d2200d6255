"""``resnet-desktop sort``: photos into folders, and back."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.cli.main import main
from resnet_desktop.core import atomic
from resnet_desktop.gui.labels import label_store
from resnet_desktop.imaging.decode import encode_jpeg
from tests.conftest import make_photo
from tests.unit.bundle.making import tiny_bundle

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return tiny_bundle(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of three photos, one of them in a folder below, and one that is none."""
    folder = tmp_path / "in"
    for seed, name in enumerate(("a.jpg", "b.jpg", "below/a.jpg")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_jpeg(make_photo(90, 70, seed)))
    (folder / "torn.jpg").write_bytes(b"\xff\xd8\xff")
    return folder


@pytest.fixture
def run(model: Bundle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """``run(*arguments)``: exit code, standard output and standard error of ``sort``."""

    def call(*arguments: object) -> tuple[int, str, str]:
        given = [*map(str, arguments), "--model", str(model.path), "--provider", "cpu"]
        monkeypatch.setattr(sys, "argv", ["resnet-desktop", "sort", *given])
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    return call


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*.jpg")}


def test_there_and_back(run: Run, photos: Path, model: Bundle) -> None:
    before, out = files(photos), photos / "sorted"
    asked = (photos, "--recursive", "--output", out, "--threshold", "0")
    code, said, _ = run(*asked, "--dry-run", "--format", "json")
    assert (code, out.exists()) == (3, False)
    planned = [row["folder"] for row in json.loads(said) if row["ok"]]
    code, said, err = run(*asked, "--format", "json")
    rows = json.loads(said)
    assert (code, "1 of 4 failed." in err) == (3, True)
    assert [row["folder"] for row in rows if row["ok"]] == planned
    assert {row["label"] for row in rows if row["ok"]} <= set(model.metadata.categories)
    assert {row["error"]["code"] for row in rows if not row["ok"]} == {"truncated_image"}
    assert len(files(out)) == 3
    code, said, _ = run(*asked)
    assert "0 copied; 3 there already." in said
    assert len(files(out)) == 3
    assert run("--undo", out)[:2] == (0, "3 copies removed, 0 photos moved back.\n")
    assert files(photos) == before
    assert not out.exists()


def test_the_unsure_have_a_folder_and_moving_leaves_nothing(run: Run, photos: Path) -> None:
    (photos / "torn.jpg").unlink()
    code, said, _ = run(photos, "--output", photos, "--threshold", "1", "--move")
    assert (code, "2 moved." in said) == (0, True)
    assert files(photos) == {"below/a.jpg", "not sure/a.jpg", "not sure/b.jpg"}
    code, _, err = run(photos / "not sure", "--output", photos, "--move")
    assert (code, err) == (0, "All photos found were put there by an earlier run.\n")
    code, said, _ = run("--undo", photos, "--format", "json")
    assert [row["action"] for row in json.loads(said)] == ["move", "move"]
    assert files(photos) == {"a.jpg", "b.jpg", "below/a.jpg"}


def test_by_the_labels_of_the_window_or_of_a_table(run: Run, photos: Path, tmp_path: Path) -> None:
    assert run(photos, "--output", tmp_path / "out", "--by", "label")[0] == 2
    label_store.remember({str(photos / "a.jpg"): "=Cat/1"})
    code, said, err = run(photos, "--output", tmp_path / "out", "--by", "label")
    assert (code, "1 copied." in said, "2 of 3 have no label" in err) == (0, True, True)
    assert files(tmp_path / "out") == {"=Cat_1/a.jpg"}
    table = tmp_path / "labels.csv"
    atomic.write_text(table, f"path,label\r\n{photos / 'b.jpg'},dog\r\n")
    run(photos, "--output", tmp_path / "more", "--by", "label", "--labels", table)
    assert files(tmp_path / "more") == {"dog/b.jpg"}


@pytest.mark.parametrize(
    "arguments",
    [(), ("x.jpg",), ("--output", "out"), ("--undo", "out", "--move"), ("x.jpg", "--output", "o", "--labels", "l.csv")],
)
def test_wrong_usage(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments)[0] == 2


def test_no_photos_no_record_and_no_place_to_write(run: Run, photos: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run(empty, "--output", tmp_path / "out")[0] == 2
    assert run("--undo", empty)[0] == 1
    assert run(photos, "--output", photos / "a.jpg")[0] == 1
    assert not (tmp_path / "out").exists()
