"""A model from elsewhere is tried in a process of its own."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from resnet_desktop.bundle.bundle import read
from resnet_desktop.bundle.library import Library
from resnet_desktop.core import paths
from resnet_desktop.core.errors import ModelError
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.inference import admission
from tests.unit.bundle.making import foreign_model, plain_classifier, save


def endless(path: Path) -> Path:
    """A classifier that counts to a number that nobody lives to see."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["goes on"]),
            helper.make_node("Add", ["carried", "one"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("carried", TensorProto.FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("goes on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, []),
        ],
        [numpy_helper.from_array(np.asarray(1, np.float32), "one")],
    )
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w", "b"], ["z"]),
        helper.make_node("Loop", ["turns", "yes", "zero"], ["sum"], body=body),
        helper.make_node("Mul", ["sum", "none"], ["nothing"]),
        helper.make_node("Add", ["z", "nothing"], ["y"]),
    ]
    weights = {
        "w": np.ones((3, 4), np.float32),
        "b": np.zeros(4, np.float32),
        "turns": np.int64(1 << 60),
        "yes": np.bool_(True),
        "zero": np.float32(0),
        "none": np.float32(0),
    }
    return save(path, foreign_model(nodes, {name: np.asarray(value) for name, value in weights.items()}))


def test_what_passes_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = read(save(tmp_path / "theirs.onnx", plain_classifier()))
    admission.admit(bundle)
    monkeypatch.setattr(admission, "_program", lambda: ["no such program"])
    admission.admit(bundle)
    admission.admit(read(save(tmp_path / "moved.onnx", plain_classifier())))
    with pytest.raises(FileNotFoundError):
        admission.admit(read(save(tmp_path / "other.onnx", plain_classifier(classes=5))))
    for text in ("", "[]", json.dumps({"version": "0", "passed": []}), json.dumps({"passed": 5})):
        (paths.cache_folder() / "admitted.json").write_text(text)
        with pytest.raises(FileNotFoundError):
            admission.admit(bundle)


def test_the_models_of_the_app_need_no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "_program", lambda: ["no such program"])
    for entry in Library().entries():
        admission.admit(read(entry.path))


def test_a_crash_harms_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = read(save(tmp_path / "theirs.onnx", plain_classifier()))
    monkeypatch.setattr(admission, "_program", lambda: [sys.executable, "-c", "import os; os.abort()"])
    with pytest.raises(ModelError, match=r"theirs.onnx makes .* crash") as caught:
        admission.admit(bundle)
    assert caught.value.code == "unsupported_model"
    assert not (paths.cache_folder() / "admitted.json").exists()


def test_what_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = read(endless(tmp_path / "endless.onnx"))
    monkeypatch.setattr(admission, "LIMIT_SECONDS", 6.0)
    with pytest.raises(ModelError, match="no answer after 6 seconds"):
        admission.admit(bundle)
    given_up = threading.Event()
    given_up.set()
    with pytest.raises(CancelledError):
        admission.admit(bundle, given_up.is_set)


def test_what_goes_wrong_is_said_in_the_childs_words(tmp_path: Path) -> None:
    bundle = read(save(tmp_path / "theirs.onnx", plain_classifier()))
    assert bundle.file_sha256, "known before the file goes"
    bundle.path.unlink()
    with pytest.raises(ModelError) as caught:
        admission.admit(bundle)
    assert caught.value.code == "missing_model"
    assert "theirs.onnx" in caught.value.message
