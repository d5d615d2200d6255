"""A manifest from elsewhere is checked before it is believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resnet_desktop.batch_inference import manifest
from resnet_desktop.batch_inference.manifest import Manifest, ModelFile, Options, Part
from resnet_desktop.core.errors import ResultsError

WHOLE = Manifest(
    "1.2.3",
    ModelFile("net", "/models/net.onnx", "0" * 64, "1" * 64),
    Options(5, 0.6, "tags", None, 1_000, "cpu"),
    True,
    (Part("part-00000.parquet", 10, 2, "a" * 64), Part("part-00001.parquet", 5, 0, "b" * 64)),
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    manifest.write(tmp_path, WHOLE)
    assert manifest.read(tmp_path) == WHOLE
    assert (WHOLE.rows, WHOLE.failed) == (15, 2)
    assert manifest.is_results(tmp_path)
    assert manifest.is_results(tmp_path / manifest.NAME)
    assert not manifest.is_results(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("keys", "value", "code"),
    [
        (("format",), "something else", "bad_results"),
        (("v",), 2, "newer_results"),
        (("v",), True, "bad_results"),
        (("parts",), None, "bad_results"),
        (("parts", 0, "file"), "../../etc/passwd", "bad_results"),
        (("parts", 0, "file"), "part-00001.parquet", "bad_results"),
        (("parts", 0, "rows"), 1, "bad_results"),
        (("parts", 0, "rows"), True, "bad_results"),
        (("parts", 1, "sha256"), "xyz", "bad_results"),
        (("model", "sha256"), None, "bad_results"),
        (("options",), [], "bad_results"),
        (("options", "group_threshold"), "0.6", "bad_results"),
        (("complete",), 1, "bad_results"),
    ],
)
def test_what_is_damaged_is_refused(tmp_path: Path, keys: tuple[Any, ...], value: object, code: str) -> None:
    manifest.write(tmp_path, WHOLE)
    found: Any = json.loads((tmp_path / manifest.NAME).read_text("utf-8"))
    place = found
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    (tmp_path / manifest.NAME).write_text(json.dumps(found), "utf-8")
    with pytest.raises(ResultsError) as error:
        manifest.read(tmp_path)
    assert error.value.code == code


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_no_json(tmp_path: Path, text: bytes) -> None:
    (tmp_path / manifest.NAME).write_bytes(text)
    with pytest.raises(ResultsError) as error:
        manifest.read(tmp_path)
    assert error.value.code == "bad_results"


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(ResultsError) as error:
        manifest.read(tmp_path)
    assert error.value.code == "missing_results"
