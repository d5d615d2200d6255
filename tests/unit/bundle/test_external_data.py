"""Weights in other files: read from beneath the model's folder and from nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from resnet_desktop.bundle.file.bundle import read, serialized, whole_file
from resnet_desktop.core.errors import ModelError

from .making import images, plain_classifier, run, save


def moved_out(model: onnx.ModelProto, location: str, **extra: str) -> bytes:
    """Put the first weight of ``model`` into another file, in name; returns what that file must hold."""
    tensor = model.graph.initializer[0]
    data = bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in ({"location": location} | extra).items():
        tensor.external_data.add(key=key, value=value)
    return data


def refused(path: Path) -> str:
    """The code with which reading ``path`` is refused."""
    with pytest.raises(ModelError) as caught:
        read(path)
    return caught.value.code


def test_weights_beneath_the_folder_are_put_inside(tmp_path: Path) -> None:
    x = images(2, 16)
    expected = run(plain_classifier().SerializeToString(), x)[0]
    model = plain_classifier()
    (tmp_path / "parts").mkdir()
    data = moved_out(model, "parts/weights.bin", offset="64")
    (tmp_path / "parts" / "weights.bin").write_bytes(bytes(64) + data)
    bundle = read(save(tmp_path / "m.onnx", model))
    for whole in (serialized(bundle), whole_file(bundle)):
        np.testing.assert_array_equal(run(whole, x)[0], expected)


@pytest.mark.parametrize(
    "location",
    [
        "../secret.bin",
        "/etc/passwd",
        "parts/../../secret.bin",
        "C:\\secret.bin",
        "..\\secret.bin",
        "\\\\host\\x",
        "",
        "a\0b",
    ],
)
def test_other_folders_are_refused(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    model = plain_classifier()
    data = moved_out(model, location)
    (tmp_path / "secret.bin").write_bytes(data)
    assert refused(save(folder / "m.onnx", model)) == "external_data"


def test_links_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    model = plain_classifier()
    data = moved_out(model, "linked.bin")
    (tmp_path / "secret.bin").write_bytes(data)
    try:
        (folder / "linked.bin").symlink_to(tmp_path / "secret.bin")
    except OSError:
        pytest.skip("links cannot be made here")
    path = save(folder / "m.onnx", model)
    assert refused(path) == "external_data"
    (folder / "linked.bin").unlink()
    (folder / "linked.bin").symlink_to(folder / "linked.bin")
    assert refused(path) == "external_data"


def test_files_that_do_not_hold_the_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    model = plain_classifier()
    data = moved_out(model, "w.bin")
    save(path, model)
    assert refused(path) == "external_data"
    (tmp_path / "w.bin").write_bytes(data[:-1])
    assert refused(path) == "external_data"
    (tmp_path / "w.bin").unlink()
    (tmp_path / "w.bin").mkdir()
    assert refused(path) == "external_data"
    if hasattr(os, "mkfifo"):
        (tmp_path / "w.bin").rmdir()
        os.mkfifo(tmp_path / "w.bin")
        assert refused(path) == "external_data"


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ({"offset": "-4"}, "external_data"),
        ({"offset": "many"}, "external_data"),
        ({"offset": "9" * 18}, "external_data"),
        ({"length": "4"}, "wrong_shapes"),
        ({"length": "9" * 30}, "external_data"),
    ],
)
def test_wrong_places_in_the_file_are_refused(tmp_path: Path, extra: dict[str, str], code: str) -> None:
    model = plain_classifier()
    (tmp_path / "w.bin").write_bytes(moved_out(model, "w.bin", **extra))
    assert refused(save(tmp_path / "m.onnx", model)) == code


def test_a_giant_is_refused_before_it_is_read(tmp_path: Path) -> None:
    model = plain_classifier()
    moved_out(model, "w.bin")
    with (tmp_path / "w.bin").open("wb") as file:
        file.truncate(2**33)
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend([2**31])
    assert refused(save(tmp_path / "m.onnx", model)) == "unsupported_model"


def test_hidden_external_data_is_refused(tmp_path: Path) -> None:
    """Outside the list of weights nothing may lie in another file, wherever it says it lies."""
    model = plain_classifier()
    constant = numpy_helper.from_array(np.zeros(3, np.float32), "c")
    model.graph.node.append(helper.make_node("Constant", [], ["unused"], value=constant))
    tensor = model.graph.node[-1].attribute[0].t
    (tmp_path / "w.bin").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="w.bin")
    assert refused(save(tmp_path / "m.onnx", model)) == "external_data"
