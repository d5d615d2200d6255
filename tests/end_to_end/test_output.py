"""What is left of the command's output when it is interrupted, when the disk is full, and when one item fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

import pytest

from resnet_desktop.bundle.file.bundle import write
from resnet_desktop.imaging.decode import encode_jpeg, encode_png
from tests.conftest import make_photo
from tests.unit.bundle.making import TINY, metadata, tiny_model

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals, limits and pipes of POSIX")
COMMAND = [sys.executable, "-m", "resnet_desktop"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny network."""
    return write(tmp_path_factory.mktemp("model") / "tiny.onnx", tiny_model(TINY), metadata()).path


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Six photos in a folder."""
    (tmp_path / "photos").mkdir()
    paths = [tmp_path / "photos" / f"{i}.jpg" for i in range(6)]
    for i, path in enumerate(paths):
        path.write_bytes(encode_jpeg(make_photo(60, 50, i)))
    return paths


def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own."""
    options = {"capture_output": True, "timeout": 120, "check": False} | options
    done: Any = subprocess.run([*COMMAND, *map(str, arguments)], **options)
    return cast("subprocess.CompletedProcess[bytes]", done)


def interrupted(model: Path, photos: list[Path], begun: Path | None, *more: object) -> tuple[int, bytes, bytes]:
    """``classify -``, which gets its photos and then waits for more, and a SIGINT once there is output."""
    command = [*COMMAND, "classify", "-", "--model", str(model), "--batch", "1", "--format", "json", *map(str, more)]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b"".join(os.fsencode(path) + b"\n" for path in photos))
        process.stdin.flush()
        first = b""
        if begun is None:
            first = process.stdout.read(20)
        else:
            deadline = time.monotonic() + 60
            while not any(path.stat().st_size for path in begun.glob(".*.part")):
                assert time.monotonic() < deadline
                time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.stdout.read(), process.stderr.read()
        process.wait(60)
    return process.returncode, first + out, err


def test_ctrl_c_leaves_a_list_on_standard_output(model: Path, photos: list[Path]) -> None:
    code, out, err = interrupted(model, photos, None)
    assert code == 130
    assert b"Traceback" not in err
    rows = json.loads(out)
    assert rows
    assert [row["path"] for row in rows] == [str(path) for path in photos[: len(rows)]]


def test_ctrl_c_leaves_what_was_done_in_the_file(model: Path, photos: list[Path], tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    code, out, err = interrupted(model, photos, tmp_path / "results", "--output", tmp_path / "results" / "all.json")
    assert (code, out) == (130, b"")
    assert b"Traceback" not in err
    assert json.loads((tmp_path / "results" / "all.json").read_text())[0]["path"] == str(photos[0])
    assert len(list((tmp_path / "results").iterdir())) == 1


@pytest.mark.parametrize("way", ["--output", "stdout"])
@pytest.mark.parametrize("limit", [700, 1024, 1500])
def test_a_full_disk_leaves_a_list_of_what_was_done(
    model: Path, photos: list[Path], tmp_path: Path, way: str, limit: int
) -> None:
    """A limit on the size of files stands for the disk; it bites in the same place, in the middle of a write."""
    target = tmp_path / "all.json"
    program = f"import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); "
    program += "import onnxruntime; from resnet_desktop.cli.main import main; main()"
    # The settings know the model already, and no bytecode is written: nothing else meets the limit.
    run("classify", photos[0], "--model", model)
    arguments = ["classify", *photos, "--model", model, "--format", "json", "--batch", "1"]
    arguments += ["--output", target] if way == "--output" else []
    with target.open("wb") as file:
        done = subprocess.run(
            [sys.executable, "-B", "-c", program, *map(str, arguments)],
            stdout=file if way == "stdout" else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=120,
            check=False,
        )
    assert done.returncode == 1, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"large" in done.stderr
    assert target.stat().st_size <= limit
    rows = json.loads(target.read_text())
    assert 0 < len(rows) < len(photos)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize(
    "arguments",
    [
        ["classify", "PHOTO", "--format", "json"],
        ["classify", "PHOTO"],
        ["layers", "--format", "json"],
        ["models", "list"],
    ],
)
def test_a_full_standard_output_is_said_in_a_sentence(model: Path, photos: list[Path], arguments: list[str]) -> None:
    given = [str(photos[0]) if a == "PHOTO" else a for a in arguments]
    if arguments[0] != "models":
        given += ["--model", str(model)]
    with Path("/dev/full").open("wb") as full:
        done = run(*given, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1, done.stderr
    assert b"The disk is full: Standard output" in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_an_input_is_refused_as_output(model: Path, photos: list[Path], tmp_path: Path) -> None:
    before = photos[3].read_bytes()
    (tmp_path / "soft").symlink_to(photos[3])
    (tmp_path / "hard").hardlink_to(photos[3])
    (tmp_path / "list.txt").write_bytes(b"".join(os.fsencode(path) + b"\n" for path in photos))
    for target in (photos[3], tmp_path / "soft", tmp_path / "hard", model):
        done = run("classify", photos[0].parent, "--model", model, "--output", target)
        assert (done.returncode, b"is also an input" in done.stderr) == (2, True), done.stderr
    with (tmp_path / "list.txt").open("rb") as file:
        done = run("classify", "-", "--model", model, "--output", tmp_path / "list.txt", stdin=file)
    assert done.returncode == 2
    assert (tmp_path / "list.txt").stat().st_size
    assert photos[3].read_bytes() == before


def test_a_heatmap_goes_into_a_pipe_with_the_rows_elsewhere(model: Path, photos: list[Path]) -> None:
    done = run("explain", photos[0], "--model", model, "--output", "/dev/stdout", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"\x89PNG")
    assert json.loads(done.stderr)[0]["output"] == "/dev/stdout"


def test_heatmaps_never_replace_a_photo_that_comes_later(model: Path, photos: list[Path]) -> None:
    later = photos[0].with_suffix(".png")
    later.write_bytes(encode_png(make_photo(50, 50, 9)))
    before = later.read_bytes()
    done = run("classify", photos[0], later, "--model", model, "--heatmaps", later.parent, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert later.read_bytes() == before
    assert [Path(row["heatmap"]).name for row in json.loads(done.stdout)] == ["0-2.png", "0-3.png"]


def test_a_heatmap_that_cannot_be_written_is_a_row(model: Path, photos: list[Path], tmp_path: Path) -> None:
    (tmp_path / "maps" / "2.png").mkdir(parents=True)
    long = photos[0].with_name("x" * 251 + ".jpg")
    long.write_bytes(photos[0].read_bytes())
    arguments = [photos[0].parent, "--model", model, "--format", "json"]
    done = run("classify", *arguments, "--heatmaps", tmp_path / "maps")
    assert (done.returncode, b"1 of 7 failed" in done.stderr) == (3, True), done.stderr
    rows = {Path(row["path"]).name: row for row in json.loads(done.stdout)}
    bad = rows["2.jpg"]
    assert (bad["ok"], bad["error"]["code"]) == (False, "write_failed")
    assert bad["predictions"]
    assert all(row["ok"] for name, row in rows.items() if name != "2.jpg")
    (tmp_path / "explained" / "2-heatmap.png").mkdir(parents=True)
    done = run("explain", *arguments, "--output", tmp_path / "explained")
    assert done.returncode == 3, done.stderr
    assert [row["error"]["code"] for row in json.loads(done.stdout) if "error" in row] == ["write_failed"]


def test_missing_folders_are_refused_or_said(model: Path, photos: list[Path], tmp_path: Path) -> None:
    nowhere = tmp_path / "no" / "such"
    for command in ("classify", "explain"):
        done = run(command, photos[0], "--model", model, "--output", nowhere / "out.png")
        assert (done.returncode, b"does not exist" in done.stderr) == (1, True), done.stderr
    assert run("classify", photos[0], "--model", model, "--heatmaps", nowhere).returncode == 1
    assert not nowhere.parent.exists()
    done = run("classify", photos[0], "--model", model, "--heatmaps", nowhere.parent)
    assert (done.returncode, b"Created the folder" in done.stderr) == (0, True), done.stderr
