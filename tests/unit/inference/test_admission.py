"""A model from elsewhere is tried in a process of its own."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from resnet_desktop.bundle.file import tensors
from resnet_desktop.bundle.file.bundle import read
from resnet_desktop.bundle.library.importing import ModelHints
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.core import paths
from resnet_desktop.core.errors import ModelError
from resnet_desktop.core.processes import limits, own_process
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
    monkeypatch.setattr(own_process, "command", lambda *_words: ["no such program"])
    admission.admit(bundle)
    admission.admit(read(save(tmp_path / "moved.onnx", plain_classifier())))
    with pytest.raises(FileNotFoundError):
        admission.admit(read(save(tmp_path / "other.onnx", plain_classifier(classes=5))))
    for text in ("", "[]", json.dumps({"version": "0", "passed": []}), json.dumps({"passed": 5})):
        (paths.cache_folder() / "admitted.json").write_text(text)
        with pytest.raises(FileNotFoundError):
            admission.admit(bundle)


def test_the_models_of_the_app_need_no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_process, "command", lambda *_words: ["no such program"])
    for entry in Library().entries():
        admission.admit(read(entry.path))


def test_a_crash_harms_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = read(save(tmp_path / "theirs.onnx", plain_classifier()))
    monkeypatch.setattr(own_process, "command", lambda *_words: [sys.executable, "-c", "import os; os.abort()"])
    with pytest.raises(ModelError, match=r"theirs.onnx crashes") as caught:
        admission.admit(bundle)
    assert caught.value.code == "unsupported_model"
    assert not (paths.cache_folder() / "admitted.json").exists()


def test_what_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = read(endless(tmp_path / "endless.onnx"))
    monkeypatch.setattr(admission, "LIMIT_SECONDS", 6.0)
    with pytest.raises(ModelError, match="did not respond within 6 seconds"):
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


def only_for_photos(path: Path) -> Path:
    """A classifier that counts for ever where a pixel is bright, and answers at once where all are 0."""
    model = onnx.load(endless(path))
    turns = next(node for node in model.graph.node if node.op_type == "Loop")
    turns.input[0] = "turns for this"
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["peak"], keepdims=0),
        helper.make_node("Cast", ["peak"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Mul", ["whole", "turns"], ["turns for this"]),
    ]
    first = [*nodes, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(first)
    return save(path, model)


def greedy(path: Path, gibibytes: int) -> Path:
    """A classifier that asks for so much memory on its way; ONNX Runtime is meant to be refused it."""
    nodes = [
        helper.make_node("Expand", ["x", "shape"], ["wide"]),
        helper.make_node("GlobalAveragePool", ["wide"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w", "b"], ["z"]),
        helper.make_node("Reshape", ["z", "rows"], ["r"]),
        helper.make_node("ReduceMean", ["r"], ["y"], axes=[0], keepdims=0),
    ]
    count = gibibytes * 2**30 // (3 * 16 * 16 * 4)
    weights: dict[str, NDArray[Any]] = {
        "shape": np.asarray([count, 1, 1, 1], np.int64),
        "rows": np.asarray([count, -1, 4], np.int64),
        "w": np.ones((3, 4), np.float32),
        "b": np.zeros(4, np.float32),
    }
    return save(path, foreign_model(nodes, weights, shape=(1, 3, 16, 16)))


def test_it_is_run_on_more_than_zeros(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "LIMIT_SECONDS", 8.0)
    with pytest.raises(ModelError, match="did not respond within 8 seconds"):
        admission.admit(only_for_photos(tmp_path / "photos.onnx"))


def test_the_child_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process does not read a file before the child has: it is asked for by path, and answers for the path."""
    path = save(tmp_path / "theirs.onnx", plain_classifier())

    def never_read(*_: object) -> None:
        raise AssertionError("read in this process")

    monkeypatch.setattr(tensors, "parse", never_read)
    admission.admit(path)
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    for name, code in (("bad.onnx", "not_onnx"), ("gone.onnx", "missing_model"), ("", "not_onnx")):
        with pytest.raises(ModelError) as caught:
            admission.admit(tmp_path / name)
        assert caught.value.code == code


@pytest.mark.skipif(sys.platform != "linux", reason="tries Linux's limit on data")
def test_memory_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError) as caught:
        admission.admit(greedy(tmp_path / "greedy.onnx", 3))
    assert caught.value.code in ("unsupported_model", "provider_failed")
    monkeypatch.setattr(limits.Guard, "exceeded", lambda _: True)
    with pytest.raises(ModelError, match="more memory"):
        admission.admit(save(tmp_path / "theirs.onnx", plain_classifier()))


def test_a_model_is_installed_by_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library, known = Library(), ModelHints(("ant", "bee", "crane", "wasp"), provenance={"publisher": "me"})
    path = save(tmp_path / "theirs.onnx", plain_classifier())
    entry = library.install(path, known=known, copy=admission.copy)
    bundle = read(entry.path)
    assert bundle.metadata.categories == known.labels
    assert bundle.metadata.provenance == known.provenance
    assert [file.name for file in entry.path.parent.iterdir()] == ["theirs.onnx"], "nothing is left lying"
    with pytest.raises(ModelError) as caught:
        library.install(path, "other", ModelHints(("ant",)), copy=admission.copy)
    assert caught.value.code == "wrong_labels"
    (tmp_path / "w.pth").write_bytes(b"PK no archive")
    with pytest.raises(ModelError) as caught:
        library.install(tmp_path / "w.pth", copy=admission.copy)
    assert caught.value.code == "damaged_model"
    assert len(list(entry.path.parent.iterdir())) == 1
    monkeypatch.setattr(own_process, "command", lambda *_words: ["no such program"])
    admission.admit(entry.path)  # it has passed


def test_what_the_process_has_in_memory_is_known() -> None:
    if sys.platform in ("linux", "darwin"):
        assert 2**20 < limits.resident(os.getpid()) < 2**40
    assert limits.resident(2**30) == 0
