"""``resnet-desktop models tune``: what is measured, what is used from then on, and how that is undone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.file.variant import write_graph, write_variant
from resnet_desktop.cli import main
from resnet_desktop.imaging.decode import encode_jpeg
from resnet_desktop.inference.runtime import CPU
from resnet_desktop.inference.tuning import kept, timing, tuner
from resnet_desktop.inference.tuning.offers import Agreement, Offer, Setup, Speed, Tuning
from tests.conftest import make_photo
from tests.unit.bundle.making import tiny_bundle
from tests.unit.docs.pages import page, section, terms

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def model(tmp_path: Path) -> Bundle:
    return tiny_bundle(tmp_path / "tiny.onnx")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a.jpg"
    path.write_bytes(encode_jpeg(make_photo(50, 40, 1)))
    return path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """``run(*arguments)``: exit code, standard output and standard error."""

    def start(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["resnet-desktop", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main.main()
        printed = capsys.readouterr()
        return int(caught.value.code or 0), printed.out, printed.err

    return start


def with_int8(model: Bundle, folder: Path) -> Tuning:
    """As if the tuner had made a variant; its graph is the model's own."""
    write_graph(model, folder / "graph.onnx")
    about = {"kind": "int8", "recipe": "minmax", "images": 24}
    target = kept.file_of(model.file_sha256, "int8", model.path.stem)
    write_variant(model, folder / "graph.onnx", target, about, warns=False)
    installed = Offer("installed", Setup(None, CPU), Speed((10.0,), 1.0))
    agreement = Agreement(24, 0.96, 0.2, 0.01)
    int8 = Offer("int8", Setup("int8", CPU), Speed((20.0,), 2.0), agreement, "minmax", warns=False)
    tuning = Tuning(model.path.stem, model.file_sha256, 2, 24, 24, 1, installed, (int8,))
    kept.save(tuning)
    return tuning


def test_a_model_is_measured_and_the_json_is_as_described(
    run: Run, model: Bundle, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "SECONDS", 0.01)
    monkeypatch.setattr(tuner, "FASTER", 0.0)
    code, out, _ = run("models", "tune", model.path, photo, "--format", "json", "--provider", "cpu")
    assert code == 0
    found: dict[str, Any] = json.loads(out)
    (cores,) = found["offers"]
    assert (cores["name"], cores["variant"], cores["agreement"]) == ("cores", None, None)
    assert [one["name"] for one in found["refused"]] == ["int8"]
    described = terms(section(page("command_line"), "resnet-desktop models tune"))
    assert {*found, *cores, *found["refused"][0], *with_int8(model, photo.parent).offers[0].as_dict()["agreement"]} <= (
        described
    )
    assert {"cores", "int8", "float16", "openvino", "openvino-int8"} <= described


def test_a_variant_is_used_named_in_the_rows_and_undone(run: Run, model: Bundle, photo: Path, tmp_path: Path) -> None:
    with_int8(model, tmp_path)

    def answered_by(command: str, *more: object) -> object:
        code, out, _ = run(command, photo, "--model", model.path, "--format", "json", *more)
        assert code == 0
        (row,) = json.loads(out)
        return row["variant"]

    assert answered_by("classify") is None
    code, out, err = run("models", "tune", model.path, "--use", "int8")
    assert code == 0
    assert "96.0%" in out
    assert "int8 answers otherwise on 4.0% of the photos" in err
    assert "does not warn of unfamiliar photos" in err
    assert "tiny runs as int8 from now on" in err
    assert answered_by("classify") == "int8"
    assert answered_by("explain", "--output", tmp_path / "map.png") == "int8"
    kept.file_of(model.file_sha256, "int8", model.path.stem).unlink()
    code, out, err = run("classify", photo, "--model", model.path)
    assert code == 0
    assert "tiny runs as installed" in err
    assert run("models", "tune", model.path, "--use", "none")[0] == 0
    assert "runs as installed" not in run("classify", photo, "--model", model.path)[2]


def test_what_is_not_on_offer_is_not_used(run: Run, model: Bundle, tmp_path: Path) -> None:
    code, out, err = run("models", "tune", model.path)
    assert (code, out) == (2, "")
    assert "Nothing was measured yet" in err
    with_int8(model, tmp_path)
    code, out, err = run("models", "tune", model.path, "--use", "float16")
    assert (code, out) == (2, "")
    assert "On offer for tiny: int8, none" in " ".join(err.replace("│", " ").split())
    assert bundles.read(model.path).variant is None
