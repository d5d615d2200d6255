"""What ``classify`` is given: photos by path, and lists of photos as programs for camera traps write them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

import typer

from resnet_desktop.cli.shared import is_text_list, named_paths, say
from resnet_desktop.core.errors import DataError
from resnet_desktop.core.text.printable import printable
from resnet_desktop.data.sources.camera_traps.camtrap_media import Medium, read_media
from resnet_desktop.data.sources.camera_traps.megadetector import THRESHOLD, BatchResults, Detection, read_batch_results
from resnet_desktop.imaging.decode import Source
from resnet_desktop.imaging.files import find_images

CAMTRAP_DP, MEGADETECTOR = "camtrap-dp", "megadetector"
"""The formats whose rows need to know more of a photo than its path."""


class Find(Protocol):
    """The photos that paths stand for, as ``find_images``."""

    def __call__(self, paths: Iterable[str], *, recursive: bool) -> Iterator[Source]:
        """Find them."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is to be classified.

    Attributes:
        paths: as they were given.
        lists: what was read of those that are lists.
        recursive: whether folders in folders count.
        photos: the folder that the paths in text files start from; None: the text file's.
    """

    paths: list[str]
    lists: dict[str, tuple[Medium, ...] | BatchResults]
    recursive: bool
    photos: Path | None = None

    @property
    def results(self) -> BatchResults | None:
        """The results of MegaDetector, where they are the one input."""
        found = self.lists.get(self.paths[0]) if len(self.paths) == 1 else None
        return found if isinstance(found, BatchResults) else None

    @property
    def detections(self) -> bool:
        """Whether any input is a detection."""
        return any(isinstance(found, BatchResults) for found in self.lists.values())

    def sources(self, find: Find = find_images) -> Iterator[Source]:
        """The photos, and the detections in photos, in order; ``find`` finds those of paths."""
        for listed, paths in groupby(self.paths, key=self.lists.__contains__):
            if not listed:
                yield from find(named_paths(list(paths), self.photos), recursive=self.recursive)
                continue
            for path in paths:
                found = self.lists[path]
                yield from found.detections if isinstance(found, BatchResults) else found


def read_inputs(
    paths: list[str], kind: str, *, recursive: bool, photos: Path | None, threshold: float | None
) -> Inputs:
    """Read the lists among the paths.

    Raises:
        typer.BadParameter: a list cannot be read, or the format or an option needs others.
    """
    try:
        lists = {path: _listed(Path(path), photos, threshold) for path in paths if _is_list(path)}
    except DataError as error:
        raise typer.BadParameter(str(error), param_hint="PATH") from error
    inputs = Inputs(paths, lists, recursive, photos)
    if photos is not None and not lists and not any(map(is_text_list, paths)):
        message = "It goes with a list of photos: a text file, or a Camtrap DP or MegaDetector file."
        raise typer.BadParameter(message, param_hint="--photos")
    if threshold is not None and not inputs.detections:
        raise typer.BadParameter("It goes with a MegaDetector file.", param_hint="--detection-threshold")
    if kind == CAMTRAP_DP and not all(isinstance(lists.get(path), tuple) for path in paths):
        raise typer.BadParameter("Camtrap DP observations need the package's media.csv as PATH.", param_hint="--format")
    if kind == MEGADETECTOR and inputs.results is None:
        message = "MegaDetector results need one file of MegaDetector's own as PATH: this program detects nothing."
        raise typer.BadParameter(message, param_hint="--format")
    return inputs


def _is_list(path: str) -> bool:
    return path.lower().endswith((".csv", ".json")) and os.path.isfile(path)  # noqa: PTH113 - Path's raises for long names


def _listed(path: Path, photos: Path | None, threshold: float | None) -> tuple[Medium, ...] | BatchResults:
    if path.suffix.lower() == ".csv":
        return read_media(path, photos)
    found = read_batch_results(path, photos, THRESHOLD if threshold is None else threshold)
    kept = f"{_count(len(found.detections), 'detection')} to classify"
    others = {
        "below the threshold or not of an animal": _count(found.left_out, "detection"),
        "that MegaDetector could not read": _count(found.failed, "photo"),
        "which cannot be classified": _count(found.videos, "video"),
    }
    skipped = [f"{count} {why}" for why, count in others.items() if not count.startswith("0 ")]
    say(f"{printable(path.name)}: {kept}{'; skipped: ' if skipped else ''}{', '.join(skipped)}.")
    return found


def about(source: Source) -> dict[str, object]:
    """What a row says of its photo beside the path."""
    if isinstance(source, Detection):
        return {"detection": source.as_dict()}
    return {"media": source.as_dict()} if isinstance(source, Medium) else {}


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
