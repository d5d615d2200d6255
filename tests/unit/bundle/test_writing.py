"""Writing: whole or not at all, with a checksum that notices every flipped bit; models for sessions."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from resnet_desktop.bundle.file.bundle import read, serialized, verify, weights_sha256, whole_file, write
from resnet_desktop.core.errors import LayerError, ModelError, StorageError
from resnet_desktop.imaging.transforms import Transforms

from .making import LABELS, SIDE, images, metadata, run, tiny_bundle, tiny_model


def test_what_is_written_is_read(tmp_path: Path) -> None:
    given = metadata(temperature=1.5, provenance={"seed": 3})
    written = write(tmp_path / "new" / "tiny.onnx", tiny_model(), given)
    found = read(written.path)
    assert found.metadata == written.metadata
    assert found.metadata.weights_sha256 == weights_sha256(onnx.load(written.path))
    assert (found.metadata.temperature, found.metadata.provenance) == (1.5, {"seed": 3})
    assert found.modified_ns == written.modified_ns
    assert [p.name for p in written.path.parent.iterdir()] == ["tiny.onnx"], "no temporary file stays"


def test_foreign_metadata_stays(tmp_path: Path) -> None:
    model = tiny_model()
    onnx.helper.set_model_props(model, {"author": "someone", "resnet_desktop.format": "77"})
    write(tmp_path / "m.onnx", model, metadata())
    props = {p.key: p.value for p in onnx.load(tmp_path / "m.onnx").metadata_props}
    assert props["author"] == "someone"
    assert props["resnet_desktop.format"] == "1"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"categories": LABELS[:-1]}, "bad_metadata"),
        ({"categories": ("", *LABELS[1:])}, "bad_metadata"),
        ({"transforms": Transforms(resize=48, crop=40)}, "bad_metadata"),
        ({"output": "probabilities"}, "bad_metadata"),
        ({"temperature": 0.0}, "bad_metadata"),
        ({"arch": "resnet18"}, "wrong_shapes"),
    ],
)
def test_what_could_not_be_read_is_not_written(tmp_path: Path, changes: dict[str, object], code: str) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"the old model")
    with pytest.raises(ModelError) as caught:
        write(path, tiny_model(), metadata(**changes))
    assert caught.value.code == code
    assert path.read_bytes() == b"the old model"
    assert list(tmp_path.iterdir()) == [path]


def test_a_refusing_folder_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError):
        write(tmp_path / "file" / "m.onnx", tiny_model(), metadata())


def test_verify_notices_any_flipped_bit_of_a_weight(tmp_path: Path) -> None:
    path = tiny_bundle(tmp_path / "tiny.onnx").path
    data = path.read_bytes()
    assert verify(read(path)).ok
    for tensor in onnx.load(path).graph.initializer:
        place = data.index(tensor.raw_data)
        damaged = bytearray(data)
        damaged[place + len(tensor.raw_data) // 2] ^= 1
        path.write_bytes(damaged)
        result = verify(read(path))
        assert not result.ok, tensor.name
        assert result.expected != result.found


def test_the_checksum_is_the_documented_one(tmp_path: Path) -> None:
    model = onnx.load(tiny_bundle(tmp_path / "tiny.onnx").path)
    digest = hashlib.sha256()
    for tensor in sorted(model.graph.initializer, key=lambda t: t.name):
        dims = ",".join(map(str, tensor.dims))
        digest.update(f"{tensor.name}\0{tensor.data_type}\0{dims}\0".encode() + tensor.raw_data)
    assert weights_sha256(model) == digest.hexdigest()
    model.graph.initializer.reverse()
    assert weights_sha256(model) == digest.hexdigest()


def test_the_checksum_is_of_values_however_they_are_kept() -> None:
    model = tiny_model()
    expected = weights_sha256(model)
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            values = numpy_helper.to_array(tensor).reshape(-1)
            tensor.ClearField("raw_data")
            tensor.float_data.extend(values.tolist())
    assert weights_sha256(model) == expected


def test_a_session_gets_the_file_and_more_outputs(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "tiny.onnx")
    assert serialized(bundle) == whole_file(bundle) == bundle.path.read_bytes()
    x = images(2, SIDE)
    names = ["layer2.0", "layer1.1.residual", "layer1.1.skip", "layer2.0", "logits"]
    model = serialized(bundle, names)
    onnx.load_model_from_string(model)
    logits, block, residual, skip = run(model, x, ["logits", "layer2.0", "layer1.1.residual", "layer1.1.skip"])
    np.testing.assert_allclose(logits, run(serialized(bundle), x)[0], rtol=1e-5, atol=1e-6)
    assert block.shape == (2, 16, 4, 4)
    assert residual.shape == skip.shape == (2, 8, 8, 8)


def test_an_unknown_tensor_is_no_output(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "tiny.onnx")
    for name in ("layer9.0", "input", "conv1.weight", ""):
        with pytest.raises(LayerError) as caught:
            serialized(bundle, [name])
        assert caught.value.code == "unknown_layer"
