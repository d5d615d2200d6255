"""The page on the command line against the program: its commands, options and JSON."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from resnet_desktop.bundle.file.bundle import write
from resnet_desktop.cli import shared
from resnet_desktop.cli.main import app, main
from resnet_desktop.cli.rows import DETECTION_COLUMNS
from resnet_desktop.core.processes.exit_status import EXIT_INTERRUPTED
from resnet_desktop.data.sources.camera_traps.camtrap_media import NEEDED, Medium
from resnet_desktop.data.sources.camera_traps.megadetector import Detection
from resnet_desktop.explain.cam.methods import METHODS
from resnet_desktop.imaging.decode import encode_jpeg
from tests.conftest import make_photo
from tests.unit.bundle.making import metadata, tiny_model
from tests.unit.docs.pages import page, section, terms

OPTION = re.compile(r"--[a-z][a-z0-9-]*")
PAGE = page("command_line")

Run = Callable[..., Any]


def commands() -> Iterator[tuple[str, Any]]:
    """Each command that is shown, with its full name."""

    def walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        if command.hidden:
            return
        below = getattr(command, "commands", {})
        if not below:
            yield name, command
        for child, found in below.items():
            yield from walk(f"{name} {child}", found)

    yield from walk("resnet-desktop", typer.main.get_command(app))


@pytest.mark.parametrize(
    ("name", "command"), list(commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_option_and_no_other(name: str, command: Any) -> None:
    options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    assert set(OPTION.findall(section(PAGE, name))) == options


def test_every_heading_is_a_command() -> None:
    headed = set(re.findall(r"^#+ (resnet-desktop.*)$", PAGE, re.MULTILINE))
    assert headed == {name for name, _ in commands()} | {"resnet-desktop", "resnet-desktop models"}


def test_exit_codes_and_methods() -> None:
    shown = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    assert shown == {0, shared.EXIT_NO_MODEL, shared.EXIT_USAGE, shared.EXIT_SOME_FAILED, EXIT_INTERRUPTED}
    assert set(METHODS) <= terms(section(PAGE, "resnet-desktop explain"))


def examples(name: str) -> list[dict[str, Any]]:
    """The JSON objects that stand below a heading."""
    found: list[dict[str, Any]] = []
    for block in re.findall(r"^```json\n(.*?)^```$", section(PAGE, name), re.MULTILINE | re.DOTALL):
        decoder, place = json.JSONDecoder(), 0
        while place < len(block.rstrip()):
            value, end = decoder.raw_decode(block, place)
            found.append(value)
            place = end + len(block[end:]) - len(block[end:].lstrip())
    return found


def keys(value: Any) -> set[str]:
    """All keys of a JSON value, at any depth."""
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    return set[str]().union(*map(keys, value)) if isinstance(value, list) else set()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    nodes: dict[str, object] = {name: {"label": name, "parents": ["top"]} for name in ("a", "b")}
    nodes["top"] = {"label": "insect", "parents": []}
    hierarchy = {"classes": ["a", "b", None, None, None], "nodes": nodes}
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    return write(path, tiny_model(), metadata(hierarchy=hierarchy)).path


@pytest.fixture
def run(model: Path, tried_once: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """``run(*arguments)``: what a command prints as JSON, with a tiny model."""

    def call(*arguments: object) -> Any:
        given = ["resnet-desktop", *map(str, arguments), "--format", "json", "--model", str(model)]
        monkeypatch.setattr(sys, "argv", given)
        with pytest.raises(SystemExit):
            main()
        return json.loads(capsys.readouterr().out)

    return call


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a.jpg"
    path.write_bytes(encode_jpeg(make_photo(90, 70, 1)))
    return path


def test_rows_of_classify(run: Run, photo: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(photo.read_bytes()[:300])
    good, bad = run("classify", photo, broken, "--heatmaps", tmp_path / "maps", "--group-threshold", "0")
    shown_good, shown_bad = examples("resnet-desktop classify")
    assert list(good) == list(shown_good)
    assert keys(good) | {"code", "message"} == keys(shown_good)
    assert (list(bad), keys(bad)) == (list(shown_bad), keys(shown_bad))


def test_columns_of_the_csv(
    model: Path,
    photo: Path,
    tried_once: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = ["resnet-desktop", "classify", str(photo), "--model", str(model), "--format", "csv", "--top", "1"]
    monkeypatch.setattr(sys, "argv", given)
    with pytest.raises(SystemExit):
        main()
    head = capsys.readouterr().out.splitlines()[0].split(",")
    words = section(PAGE, "resnet-desktop classify").split("CSV has the columns")[1]
    assert re.findall(r"`([a-z_0-9]+)`", words) == head


def test_keys_of_camera_traps() -> None:
    text = page("camera_traps")
    detected = Detection("a.jpg", (0.0, 0.0, 1.0, 1.0), 0, 0, "animal", 0.9).as_dict()
    medium = Medium("a.jpg", "m1", "dep1", "2024-05-02T05:00:00Z").as_dict()
    assert {*detected, *DETECTION_COLUMNS, "detection"} <= terms(section(text, "MegaDetector"))
    assert {*medium, *NEEDED, "media"} <= terms(section(text, "Camtrap DP"))


def test_rows_of_explain(run: Run, photo: Path, tmp_path: Path) -> None:
    (row,) = run("explain", photo, "--against", "0", "--save-map", tmp_path / "m.npz", "--output", tmp_path / "m.png")
    (shown,) = examples("resnet-desktop explain")
    assert set(row) == set(shown)
    with np.load(tmp_path / "m.npz") as stored:
        assert set(stored) <= terms(section(PAGE, "resnet-desktop explain"))
    (checked,) = run("explain", photo, "--check", "--output", tmp_path / "n.png")
    assert keys(checked["checks"]) <= terms(section(PAGE, "resnet-desktop explain")) | keys(shown)


def test_rows_of_layers_and_blocks(run: Run, photo: Path) -> None:
    (shown,) = examples("resnet-desktop blocks")
    for row in run("blocks", photo):
        assert keys(row) == keys(shown)
    (listed,) = examples("resnet-desktop layers")
    for row in run("layers"):
        assert keys(row) == keys(listed)


@pytest.mark.parametrize(
    ("name", "arguments"), [("models info", ()), ("models verify", ()), ("bench", ("--seconds", "0.1", "--batch", "1"))]
)
def test_answers_on_a_model(run: Run, name: str, arguments: tuple[str, ...]) -> None:
    found = run(*name.split(), *arguments)
    found = found[0] if isinstance(found, list) else found
    described = terms(section(PAGE, f"resnet-desktop {name}"))
    assert set(found) <= described
    if name == "models info":
        assert set(found["layers"][0]) <= described
