"""PyTorch's files of weights, read without it: against PyTorch itself, and against files made to do harm."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.torch_file import is_torch_file, read_state_dict
from resnet_desktop.bundle.library.importing import ModelHints, architecture_of, copy_model
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.core.errors import ModelError
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.inference.session import Session
from resnet_desktop.trainer.network.resnet import ResNet

BOTH = pytest.mark.parametrize("archive", [True, False], ids=["archive", "stream"])


def saved(path: Path, found: object, *, archive: bool = True) -> Path:
    torch.save(found, path, _use_new_zipfile_serialization=archive)
    return path


def network(name: str = "resnet20-cifar", classes: int = 3) -> ResNet:
    torch.manual_seed(0)
    made = ResNet(ARCHITECTURES[name], classes, zero_init_residual=False)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.7, 1.4)
    return made.eval()


def refused(path: Path) -> ModelError:
    with pytest.raises(ModelError) as caught:
        read_state_dict(path)
    return caught.value


def attempt(path: Path) -> dict[str, Any] | str:
    """The arrays, or the code of the refusal, which must be one of two."""
    try:
        return read_state_dict(path)
    except ModelError as error:
        if error.code not in ("damaged_model", "unsupported_model"):
            raise
        return error.code


@BOTH
def test_the_values_are_those_that_were_saved(tmp_path: Path, archive: bool) -> None:
    weights = network().state_dict()
    path = saved(tmp_path / "w.pth", weights, archive=archive)
    found = read_state_dict(path)
    assert is_torch_file(path)
    assert list(found) == list(weights)
    for name, values in weights.items():
        np.testing.assert_array_equal(found[name], values.numpy())


@BOTH
@pytest.mark.parametrize("wrapper", ["state_dict", "model", None])
def test_what_training_scripts_wrap_them_in(tmp_path: Path, archive: bool, wrapper: str | None) -> None:
    weights = {f"module.{name}": nn.Parameter(torch.randn(2, 3)) for name in ("a", "b")}
    kept: Any = {wrapper: weights, "epoch": 3, "best": 0.5, "arch": "resnet"} if wrapper else weights
    assert list(read_state_dict(saved(tmp_path / "w.pth", kept, archive=archive))) == ["a", "b"]


@BOTH
def test_types_strides_and_shared_storages(tmp_path: Path, archive: bool) -> None:
    whole = torch.randn(6, 5)
    tensors: dict[str, Tensor] = {
        "turned": whole.t(),
        "part": whole[2:5, 1::2],
        "half": whole.half(),
        "bfloat16": whole.bfloat16(),
        "double": whole.double(),
        "counter": torch.tensor(7),
        "flags": torch.tensor([True, False]),
        "bytes": torch.arange(4, dtype=torch.uint8),
        "empty": torch.empty(0, 3),
    }
    found = read_state_dict(saved(tmp_path / "w.pt", tensors, archive=archive))
    for name, values in tensors.items():
        expected = values.float() if values.is_floating_point() else values
        np.testing.assert_array_equal(found[name], expected.numpy(), err_msg=name)
        assert found[name].dtype == expected.numpy().dtype


@BOTH
def test_a_network_computes_as_in_pytorch(tmp_path: Path, archive: bool) -> None:
    for name in ("resnet20-cifar", "resnet18"):
        made = network(name, classes=4)
        path = saved(tmp_path / f"{name}.pth", made.state_dict(), archive=archive)
        known = ModelHints(("a", "b", "c", "d"), Transforms(resize=40, crop=32))
        bundle = copy_model(path, tmp_path / f"{name}.onnx", known)
        assert (bundle.metadata.arch, bundle.metadata.categories) == (name, ("a", "b", "c", "d"))
        pictures = torch.randn(3, 3, 32, 32)
        with torch.inference_mode():
            expected = made(pictures).numpy()
        np.testing.assert_allclose(
            Session(bundle).run(pictures.numpy())[bundle.output_name], expected, atol=1e-4, rtol=1e-4
        )


def test_every_network_of_the_family_is_recognized(tmp_path: Path) -> None:
    for name, architecture in ARCHITECTURES.items():
        with torch.device("meta"):
            shapes = {k: tuple(v.shape) for k, v in ResNet(architecture, 5).state_dict().items()}
        assert architecture_of(shapes).name == name


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    library = Library(tmp_path / "bundled", tmp_path / "user", ())
    other = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 2)).state_dict()
    with pytest.raises(ModelError) as caught:
        library.install(saved(tmp_path / "other.pth", other))
    assert caught.value.code == "unsupported_model"
    wide = network().state_dict()
    wide["layer2.0.conv1.weight"] = torch.randn(64, 16, 3, 3)
    with pytest.raises(ModelError) as caught:
        library.install(saved(tmp_path / "wide.pth", wide))
    assert caught.value.code == "wrong_shapes"
    assert "layer2.0.conv1.weight" in caught.value.message
    with pytest.raises(ModelError) as caught:
        library.install(saved(tmp_path / "good.pth", network().state_dict()), known=ModelHints(("a", "b")))
    assert caught.value.code == "wrong_labels"
    assert not library.entries(), "nothing was installed"


def test_weights_go_into_the_library(tmp_path: Path) -> None:
    library = Library(tmp_path / "bundled", tmp_path / "user")
    entry = library.install(saved(tmp_path / "mine.pth", network().state_dict()))
    bundle = bundles.read(library.find("mine"))
    assert (entry.name, entry.size) == ("mine", entry.path.stat().st_size)
    assert bundle.metadata.categories == ("class 0", "class 1", "class 2")
    assert bundle.input_shape == (3, 32, 32)
    assert bundles.verify(bundle).ok


class Harm:
    """What a pickle can do to those who load it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@BOTH
def test_code_in_a_file_is_not_run(tmp_path: Path, archive: bool) -> None:
    harm = tmp_path / "harm"
    for kept in ({"w": torch.ones(2), "x": Harm(harm)}, {"x": Harm(harm)}, Harm(harm)):
        error = refused(saved(tmp_path / "w.pth", kept, archive=archive))
        assert error.code == "unsupported_model"
        assert "mkdir" in error.message
    (tmp_path / "w.pth").write_bytes(pickle.dumps(Harm(harm), protocol=2))
    assert refused(tmp_path / "w.pth").code == "unsupported_model"
    assert not harm.exists()


def crafted(path: Path, pickled: bytes, storage: bytes = bytes(16)) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w/data.pkl", pickled)
        archive.writestr("w/data/0", storage)
    return path


def tensor(
    size: bytes = b"K\x04\x85", stride: bytes = b"K\x01\x85", offset: bytes = b"K\x00", end: bytes = b""
) -> bytes:
    """A pickle of ``{"w": a tensor}``: instructions as PyTorch writes them."""
    storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ"
    made = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + offset + size + stride + b"\x89}tR"
    return b"\x80\x02}X\x01\x00\x00\x00w" + made + end + b"s."


def test_a_crafted_file_reads_when_it_is_right(tmp_path: Path) -> None:
    found = read_state_dict(crafted(tmp_path / "w.pth", tensor(), np.arange(4, dtype="<f4").tobytes()))
    np.testing.assert_array_equal(found["w"], [0, 1, 2, 3])


@pytest.mark.parametrize(
    "pickled",
    [
        tensor(size=b"K\x05\x85"),
        tensor(size=b"K\x02\x85", stride=b"K\x04\x85"),
        tensor(offset=b"K\x01"),
        tensor(offset=b"J\xff\xff\xff\xff"),
        tensor(stride=b"J\xff\xff\xff\xff\x85"),
        tensor(size=b"K\x02K\x02\x86"),
        tensor(size=b"]K\x04a"),  # a list could be changed after it was checked
        tensor(end=b"(K\x00K\x63tb"),  # BUILD: change the tensor after it was checked
        tensor(end=b"}X\x06\x00\x00\x00offsetK\x63sb"),
        tensor(end=b"N}X\x06\x00\x00\x00offsetK\x63s\x86b"),
        b"\x80\x02r\xff\xff\xff\x7f.",  # room for two thousand million notes
        b"\x80\x02}(X\x01\x00\x00\x00wK\x01u",
        b"\x80\x02.",
        b"",
        b"\x80\x02" + b"(" * 100 + b".",
        b"\x80\x02ccollections\nOrderedDict\n(K\x01tR.",
        b"\x80\x02K\x01K\x02R.",
    ],
)
def test_a_crafted_file_is_refused(tmp_path: Path, pickled: bytes) -> None:
    path = crafted(tmp_path / "w.pth", pickled)
    found = attempt(path)
    if not isinstance(found, str):
        np.testing.assert_array_equal(found["w"], np.zeros(4), err_msg="what was checked is what is read")


def test_the_same_storage_many_times_is_a_trap(tmp_path: Path) -> None:
    values = torch.zeros(100_000)
    assert refused(saved(tmp_path / "w.pth", {str(i): values[:] for i in range(100)})).code == "damaged_model"


@BOTH
def test_a_damaged_file_is_said_wherever_it_is_damaged(tmp_path: Path, archive: bool) -> None:
    good = saved(tmp_path / "w.pth", OrderedDict(a=torch.randn(50), b=torch.ones(3, 4)), archive=archive).read_bytes()
    path = tmp_path / "bad.pth"
    rng = np.random.default_rng(0)
    for length in rng.integers(2, len(good), 60):
        path.write_bytes(good[:length])
        assert refused(path).code in ("damaged_model", "unsupported_model")
    for position in rng.integers(2, len(good), 300):
        bad = bytearray(good)
        bad[position] ^= int(rng.integers(1, 256))
        path.write_bytes(bad)
        attempt(path)  # some bytes are padding, some of them values


def test_what_is_no_file_of_weights(tmp_path: Path) -> None:
    (tmp_path / "photos.zip").write_bytes(b"PK")
    assert refused(tmp_path / "photos.zip").code == "damaged_model"
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("a.txt", "hello")
    assert refused(tmp_path / "photos.zip").code == "unsupported_model"
    assert refused(saved(tmp_path / "w.pth", [1, 2])).code == "unsupported_model"
    assert refused(saved(tmp_path / "w.pth", {"epoch": 1})).code == "unsupported_model"
    assert refused(tmp_path / "nothing.pth").code == "missing_model"
    assert not is_torch_file(tmp_path / "nothing.pth")
