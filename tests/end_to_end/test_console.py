"""The installed command, started in a process of its own, as a user starts it."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.builders.resnet import build_resnet
from resnet_desktop.bundle.file.bundle import write
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.imaging.decode import encode_jpeg
from resnet_desktop.imaging.transforms import Transforms
from tests.conftest import make_photo
from tests.unit.bundle.making import random_arrays

LABELS = ("ant", "bee", "crane", "crane", "dog")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small ResNet with random weights."""
    arch = ARCHITECTURES["resnet18"]
    arrays = random_arrays(arch, len(LABELS))
    path = tmp_path_factory.mktemp("model") / "small.onnx"
    metadata = Metadata(arch=arch.name, categories=LABELS, transforms=Transforms(resize=72, crop=64))
    return write(path, build_resnet(arch, arrays, height=64, width=64), metadata).path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three photos, one file that is none, and a folder below with one more photo."""
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    for place, name in enumerate(("1.jpg", "2.jpg", "10.jpg", "below/deep.jpg")):
        (folder / name).write_bytes(encode_jpeg(make_photo(90, 70, place)))
    (folder / "broken.jpg").write_bytes((folder / "1.jpg").read_bytes()[:400])
    return folder


def run(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the console script that pip installed, or the module where the package is not installed."""
    script = shutil.which("resnet-desktop", path=str(Path(sys.executable).parent))
    command = [script] if script else [sys.executable, "-m", "resnet_desktop"]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(
        [*command, *arguments], input=stdin, capture_output=True, env=environment, timeout=120, check=False
    )


def rows(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    """The JSON list on standard output."""
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found


def test_a_folder_with_one_broken_file(model: Path, photos: Path) -> None:
    done = run("classify", photos, "--model", model, "--format", "json", "--top", "2")
    assert done.returncode == 3, done.stderr
    found = rows(done)
    assert [Path(r["path"]).name for r in found] == ["1.jpg", "2.jpg", "10.jpg", "broken.jpg"]
    assert [r["ok"] for r in found] == [True, True, True, False]
    first = found[0]
    assert set(first) == {
        *(
            "path",
            "ok",
            "predictions",
            "group",
            "sure",
            "present",
            "unfamiliar",
            "notes",
            "model",
            "variant",
            "provider",
            "seconds",
        )
    }
    assert len(first["predictions"]) == 2
    assert first["model"] == "small"
    assert {"index", "label", "probability"} == set(first["predictions"][0])
    assert set(found[3]) == {"path", "ok", "error"}
    assert found[3]["error"]["code"] == "truncated_image"
    assert b"1 of 4" in done.stderr


def test_all_well_ends_with_zero_and_a_quiet_standard_error(model: Path, photos: Path) -> None:
    done = run("classify", photos / "1.jpg", "--model", model, "--provider", "cpu")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"1.jpg" in done.stdout


def test_json_lines_and_csv_say_the_same(model: Path, photos: Path, tmp_path: Path) -> None:
    lines = run("classify", photos, "--recursive", "--model", model, "--format", "jsonl")
    assert lines.returncode == 3
    objects = [json.loads(line) for line in lines.stdout.splitlines()]
    assert len(objects) == 5
    target = tmp_path / "out.csv"
    table = run("classify", photos, "--recursive", "--model", model, "--format", "csv", "--output", target)
    assert table.stdout == b""
    records = list(csv.DictReader(io.StringIO(target.read_text("utf-8"))))
    assert [r["label_1"] for r in records if r["ok"] == "True"] == [
        o["predictions"][0]["label"] for o in objects if o["ok"]
    ]
    assert [r["error"] for r in records if r["ok"] == "False"] == ["truncated_image"]


def test_paths_from_standard_input(model: Path, photos: Path) -> None:
    names = f"{photos / '1.jpg'}\n\n{photos / 'missing.jpg'}\n".encode()
    done = run("classify", "-", "--model", model, "--format", "json", stdin=names)
    assert done.returncode == 3
    assert [r["ok"] for r in rows(done)] == [True, False]
    assert rows(done)[1]["error"]["code"] == "missing_file"


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes only on Linux")
@pytest.mark.parametrize("way", ["argument", "stdin"])
def test_names_that_are_not_utf8(model: Path, photos: Path, way: str) -> None:
    name = os.fsencode(photos) + b"/caf\xe9.jpg"
    shutil.copy(photos / "1.jpg", os.fsdecode(name))
    arguments = [os.fsdecode(name)] if way == "argument" else ["-"]
    done = run("classify", *arguments, "--model", model, "--format", "json", stdin=name + b"\n")
    assert done.returncode == 0, done.stderr
    assert os.fsencode(rows(done)[0]["path"]) == name
    table = run("classify", *arguments, "--model", model, stdin=name + b"\n")
    assert table.returncode == 0, table.stderr


def test_heatmaps_are_written_beside_their_photos_names(model: Path, photos: Path, tmp_path: Path) -> None:
    target = tmp_path / "maps"
    done = run("classify", photos, photos / "1.jpg", "--model", model, "--format", "json", "--heatmaps", target)
    assert done.returncode == 3
    assert sorted(p.name for p in target.iterdir()) == ["1-2.png", "1.png", "10.png", "2.png"]
    assert all(Path(r["heatmap"]).read_bytes().startswith(b"\x89PNG") for r in rows(done) if r["ok"])


def test_a_reader_that_goes_away_is_met_with_silence(model: Path, photos: Path) -> None:
    command = [sys.executable, "-m", "resnet_desktop", "classify", *[str(photos / "1.jpg")] * 50]
    command += ["--model", str(model), "--format", "jsonl"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"{")
        process.stdout.close()
        assert process.stderr.read() == b""
        process.wait(timeout=120)  # its code is nobody's business: who read the output has gone


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["classify"], 2, b"Missing argument"),
        (["classify", "x.jpg", "--top", "-1"], 2, b"--top"),
        (["classify", "x.jpg", "--format", "xml"], 2, b"xml"),
        (["classify", "x.jpg", "--model", "no-such-model"], 1, b"no-such-model"),
        (["classify", "x.jpg", "--provider", "abacus"], 1, b"abacus"),
        (["models", "info", "no-such-model"], 1, b"no-such-model"),
    ],
)
def test_wrong_use_is_said_in_a_sentence(model: Path, arguments: list[str], code: int, words: bytes) -> None:
    needs_model = arguments[0] == "classify" and "--model" not in arguments
    done = run(*arguments, *(["--model", str(model)] if needs_model else []))
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert b"Traceback" not in done.stderr
    assert done.stdout == b""


def test_an_empty_folder_is_wrong_use(model: Path, tmp_path: Path) -> None:
    done = run("classify", tmp_path, "--model", model)
    assert done.returncode == 2
    assert b"No photos" in done.stderr


def test_layers_and_models(model: Path) -> None:
    layers = json.loads(run("layers", "--model", model, "--format", "json").stdout)
    assert [layer["name"] for layer in layers if layer["recommended"]] == ["layer3.1"]
    assert set(layers[0]) == {"name", "kind", "shape", "residual", "recommended", "note"}
    info = json.loads(run("models", "info", model, "--format", "json").stdout)
    assert info["parameters"] == 11_176_512 + 512 * len(LABELS) + len(LABELS)
    assert info["parameters"] == sum(row["parameters"] for row in info["layers"])
    assert b"total" in run("models", "info", model).stdout
    assert run("models", "verify", model).returncode == 0
    damaged = bytearray(model.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    other = model.with_name("damaged.onnx")
    other.write_bytes(damaged)
    assert run("models", "verify", other).returncode == 1


def test_install_and_remove(model: Path) -> None:
    assert run("models", "install", model, "--name", "mine").returncode == 0
    assert "mine" in [m["name"] for m in json.loads(run("models", "list", "--format", "json").stdout)]
    assert run("models", "install", model, "--name", "mine").returncode == 1
    assert run("models", "remove", "mine").returncode == 0
    assert run("models", "remove", "mine").returncode == 1


def test_doctor_tries_everything(model: Path) -> None:
    done = run("doctor", "--model", model, "--format", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["qt"]["ok"], found["qt"]
    assert [p["name"] for p in found["providers"] if p["usable"]][-1] == "CPUExecutionProvider"
    assert all(p["reason"] for p in found["providers"])
    assert found["model"]["ok"]
    assert all(folder["ok"] for folder in found["folders"])
    assert run("doctor", "--model", "no-such-model").returncode == 1


def test_help_and_version() -> None:
    assert b"classify" in run("--help").stdout
    assert run("--version").stdout.startswith(b"ResNet Desktop ")
