"""Pretrained networks that others publish, to be fetched when the user asks for one.

Nothing of them is in the app but where they lie, what their checksums are, and what their publishers say of them.
Accuracies are those that the publishers name, on the 50,000 validation photos of ImageNet-1k; nothing of
that was measured here.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from resnet_desktop.bundle.labels.label_file import imagenet
from resnet_desktop.bundle.library.importing import ModelHints, copy_model
from resnet_desktop.bundle.library.library import Copy, Library, LibraryEntry
from resnet_desktop.bundle.library.packaged import TERMS
from resnet_desktop.core import atomic, paths
from resnet_desktop.core.errors import ModelError
from resnet_desktop.core.net.download import download, whole_checksum
from resnet_desktop.core.progress import Cancelled, Progress, never, unheard
from resnet_desktop.imaging.transforms import Transforms

TORCHVISION = "https://download.pytorch.org/models/"
MODEL_ZOO = (
    "https://huggingface.co/onnxmodelzoo/legacy_models/resolve/main/validated/vision/classification/resnet/model/"
)
WHOLE = 64
"""Digits of a whole sha256."""


@dataclass(frozen=True, slots=True)
class Pretrained:
    """A published network.

    Attributes:
        name: what it is called in the library.
        title: the network, for people.
        publisher: who offers it: torchvision or ONNX Model Zoo.
        file: its name on the server.
        sha256: in hexadecimal digits; where the publisher names the first eight only, those.
        size: in bytes, about.
        top1: the publisher's accuracy, as a fraction.
        top5: the same of the five likeliest; None where it is not named.
        resize: pixels to which the shorter side is reduced before the centre of 224 by 224 is cut.
    """

    name: str
    title: str
    publisher: str
    file: str
    sha256: str
    size: int
    top1: float
    top5: float | None
    resize: int

    @property
    def folder(self) -> str:
        """The address that ``file`` lies under."""
        return TORCHVISION if self.publisher == "torchvision" else MODEL_ZOO

    @property
    def licence(self) -> str:
        """Of the weights, as the publisher names it."""
        return "BSD 3-Clause" if self.publisher == "torchvision" else "Apache License 2.0"


@cache
def pretrained() -> tuple[Pretrained, ...]:
    """All of them, in the order in which they are offered: the one for most people first."""
    with (paths.assets_folder() / "catalogue.tsv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Pretrained(
                name=row["name"],
                title=row["title"],
                publisher=row["publisher"],
                file=row["file"],
                sha256=row["sha256"],
                size=int(row["bytes"]),
                top1=float(row["top1"]) / 100,
                top5=float(row["top5"]) / 100 if row["top5"] else None,
                resize=int(row["resize"]),
            )
            for row in csv.DictReader(file, delimiter="\t")
        )


def find(name: str) -> Pretrained:
    """The published network of that name. Raises ModelError ``unknown_model``; its hint has the names there are."""
    for entry in pretrained():
        if entry.name == name:
            return entry
    names = ", ".join(entry.name for entry in pretrained())
    raise ModelError("unknown_model", f"No pretrained network is called {name!r}.", f"Available: {names}.")


def obtain(
    entry: Pretrained,
    library: Library,
    *,
    mirror: str | None = None,
    sha256: str | None = None,
    copy: Copy = copy_model,
    progress: Progress = unheard,
    cancelled: Cancelled = never,
) -> LibraryEntry:
    """Fetch a published network, check it, and install it with its labels and preprocessing.

    Args:
        entry: which.
        library: where it goes.
        mirror: the address of a folder with the same files, in place of the publisher's.
        sha256: the whole checksum of the file, as the user knows it; None takes what is known here.
        copy: as for ``Library.install``.
        progress: told how many bytes are there, and of how many.
        cancelled: asked between chunks; what has come is used the next time.

    Raises:
        DownloadError: as ``download``; ``wrong_checksum`` also if the publisher's file is another than the first time.
        ModelError: ``model_exists``, or it is not what it should be.
        StorageError: the disk refuses.
        CancelledError: ``cancelled`` said so.
    """
    library.check_name(entry.name)
    url = (mirror.rstrip("/") + "/" if mirror else entry.folder) + entry.file
    file = paths.cache_folder() / "downloads" / entry.file
    wanted = known_checksum(entry) if sha256 is None else whole_checksum(sha256, known_checksum(entry))
    found = download(url, file, sha256=wanted, size=entry.size, progress=progress, cancelled=cancelled)
    try:
        known = ModelHints(imagenet(), Transforms(resize=entry.resize, crop=224), _provenance(entry, url, found))
        installed = library.install(file, entry.name, known, copy=copy)
    finally:
        file.unlink(missing_ok=True)
    atomic.write_text(_pin_file(), json.dumps(_pins() | {entry.file: found}, indent=1) + "\n")
    return installed


def known_checksum(entry: Pretrained) -> str:
    """Digits of the file's checksum: all of them, or the first eight until the file has been fetched once."""
    return _pins().get(entry.file, entry.sha256)


def checksum_words(entry: Pretrained) -> str:
    """What is to be said before a file is fetched whose checksum is not wholly known; else empty."""
    digits = known_checksum(entry)
    if len(digits) == WHOLE:
        return ""
    return (
        f"Its publisher gives only the first {len(digits)} of the {WHOLE} digits of its checksum, which an attacker "
        "could match; after the first download the app checks the whole one."
    )


def _provenance(entry: Pretrained, url: str, sha256: str) -> dict[str, Any]:
    return {
        "source": url,
        "source_sha256": sha256,
        "publisher": entry.publisher,
        "licence": entry.licence,
        "data": ["ImageNet-1k"],
        "notice": TERMS,
        "published": {"acc1": entry.top1, "acc5": entry.top5, "on": "ImageNet-1k validation, 50,000 photos"},
    }


def _pin_file() -> Path:
    return paths.data_folder() / "downloads.json"


def _pins() -> dict[str, str]:
    """The whole checksums of what was fetched before: a publisher's file does not change."""
    try:
        values = json.loads(_pin_file().read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    entries = values.items() if isinstance(values, dict) else ()
    return {
        file: sha256
        for file, sha256 in entries
        if isinstance(sha256, str) and len(sha256) == 64 and sha256.startswith(_digits(file))
    }


def _digits(file: str) -> str:
    return next((entry.sha256 for entry in pretrained() if entry.file == file), "")
