"""Pretrained networks and foreign models: fetched, checked, and given labels and preprocessing."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from resnet_desktop.bundle.file.bundle import read, verify
from resnet_desktop.bundle.labels.label_file import imagenet, read_labels
from resnet_desktop.bundle.library import packaged
from resnet_desktop.bundle.library.catalogue import Pretrained, find, obtain, pretrained
from resnet_desktop.bundle.library.importing import ModelHints
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.core import paths
from resnet_desktop.core.errors import DownloadError, ModelError
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.imaging.transforms import Transforms
from tests.serving import Server, serving

from .making import images, plain_classifier, run, save, tiny_bundle

CLASSES = 1000


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "bundled", tmp_path / "user", ())


@pytest.fixture
def network(tmp_path: Path) -> bytes:
    """An ONNX classifier with as many classes as ImageNet, without labels."""
    return bytes(plain_classifier(shape=("N", 3, 224, 224), classes=CLASSES).SerializeToString())


@pytest.fixture
def server(network: bytes) -> Iterator[Server]:
    with serving({"some.onnx": network}) as found:
        yield found


def offered(network: bytes, digits: int = 8) -> Pretrained:
    """An entry whose publisher names so many digits of the checksum."""
    sha256 = hashlib.sha256(network).hexdigest()[:digits]
    return dataclasses.replace(pretrained()[0], name="some", file="some.onnx", sha256=sha256, size=len(network))


def test_the_catalogue_is_whole() -> None:
    entries = pretrained()
    assert len({entry.name for entry in entries}) == len({entry.file for entry in entries}) == len(entries) == 17
    for entry in entries:
        assert find(entry.name) is entry
        assert entry.folder.startswith("https://")
        assert 0.69 < entry.top1 < (entry.top5 or 1.0) < 1.0 or entry.top5 is None
        assert 20e6 < entry.size < 300e6
        assert entry.resize in (232, 256)
        assert len(entry.sha256) in (8, 64)
        assert set(entry.sha256) <= set("0123456789abcdef")
        assert entry.publisher != "torchvision" or entry.sha256 in entry.file
    with pytest.raises(ModelError) as caught:
        find("resnet51")
    assert "resnet50-imagenet" in (caught.value.hint or "")


def test_a_network_is_fetched_checked_and_installed(library: Library, network: bytes, server: Server) -> None:
    told: list[int] = []
    entry = offered(network)
    obtain(entry, library, mirror=server.address, progress=lambda done, _: told.append(done))
    bundle = read(library.find("some"))
    assert bundle.metadata.categories == imagenet()
    assert (bundle.metadata.transforms.resize, bundle.metadata.transforms.crop) == (entry.resize, 224)
    assert bundle.metadata.provenance["source_sha256"] == hashlib.sha256(network).hexdigest()
    assert bundle.metadata.provenance["published"]["acc1"] == entry.top1
    assert "metrics" not in bundle.metadata.provenance, "nothing of it was measured here"
    assert verify(bundle).ok
    assert told[-1] == len(network)
    assert not list((paths.cache_folder() / "downloads").iterdir()), "nothing is left lying"
    with pytest.raises(ModelError) as caught:
        obtain(entry, library, mirror=server.address)
    assert caught.value.code == "model_exists"
    assert len(server.asked) == 1, "that was known before anything is fetched"


def test_the_whole_checksum_is_kept_from_the_first_time(library: Library, network: bytes, server: Server) -> None:
    """A publisher's file that changes behind the same eight digits is not believed."""
    entry = offered(network, digits=0)
    obtain(entry, library, mirror=server.address)
    library.remove("some")
    server.files["some.onnx"] = network + b"\x00"
    with pytest.raises(DownloadError) as caught:
        obtain(entry, library, mirror=server.address)
    assert caught.value.code == "wrong_checksum"
    (paths.data_folder() / "downloads.json").write_text(json.dumps({"some.onnx": 5}))  # whatever lies there
    server.files["some.onnx"] = network
    assert obtain(entry, library, mirror=server.address).name == "some"


def test_what_is_no_model_is_not_installed(library: Library, network: bytes, server: Server) -> None:
    server.files["some.onnx"] = network[:-100]
    with pytest.raises(ModelError):
        obtain(offered(network[:-100]), library, mirror=server.address)
    with pytest.raises(CancelledError):
        obtain(offered(network), library, mirror=server.address, cancelled=lambda: True)
    assert not library.entries()


def test_a_foreign_model_gets_labels_and_preprocessing(library: Library, tmp_path: Path) -> None:
    model = plain_classifier()
    path = save(tmp_path / "theirs.onnx", model)
    wanted = Transforms(resize=20, crop=16, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    library.install(path, known=ModelHints(("ant", "bee", "crane", "crane"), wanted))
    bundle = read(library.find("theirs"))
    assert bundle.has_metadata
    assert bundle.metadata.categories == ("ant", "bee", "crane", "crane")
    assert bundle.metadata.transforms == wanted
    assert bundle.features is not None, "it is explained as before"
    x = images(2, 16)
    np.testing.assert_array_equal(run(bundle.path.read_bytes(), x)[0], run(path.read_bytes(), x)[0])


def test_labels_that_do_not_fit_are_refused(library: Library, tmp_path: Path) -> None:
    theirs = save(tmp_path / "theirs.onnx", plain_classifier())
    ours = tiny_bundle(tmp_path / "ours.onnx").path
    for path, known in (
        (theirs, ModelHints(("one", "two"))),
        (theirs, ModelHints(None, Transforms(resize=256, crop=224))),
        (ours, ModelHints(("a", "b", "c", "d", "e"))),
    ):
        with pytest.raises(ModelError) as caught:
            library.install(path, known=known)
        assert caught.value.code == "wrong_labels"
    assert not library.entries()


def test_labels_come_out_of_files(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    for text in ("ant\nbee\r\n  käfer \n", '\ufeff["ant", "bee", "käfer"]'):
        path.write_text(text, "utf-8", newline="")
        assert read_labels(str(path)) == ("ant", "bee", "käfer")
    names = read_labels("imagenet")
    assert (len(names), names[0], names[281], names[-1]) == (CLASSES, "tench", "tabby", "toilet tissue")
    for bad in (b"", b"ant\n\nbee", b"[1, 2]", b"[", b"\xff\xfe\x00", b"["):
        path.write_bytes(bad)
        with pytest.raises(ModelError) as caught:
            read_labels(str(path))
        assert caught.value.code == "wrong_labels"
    for missing in (str(tmp_path / "nowhere"), str(tmp_path), "\0"):
        with pytest.raises(ModelError):
            read_labels(missing)


def test_the_terms_are_there() -> None:
    assert "non-commercial" in packaged.TERMS
    assert {entry.licence for entry in pretrained()} == {"BSD 3-Clause", "Apache License 2.0"}
