"""A folder of results as a list of photos for the window, with the answers that are still true of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resnet_desktop.batch_inference import columns, storage
from resnet_desktop.batch_inference.manifest import Manifest
from resnet_desktop.batch_inference.results_folder import Results
from resnet_desktop.batch_inference.run import model_file
from resnet_desktop.bundle.library import remembered_labels
from resnet_desktop.core.errors import ResultsError
from resnet_desktop.core.progress import Cancelled, CancelledError, never
from resnet_desktop.core.text.printable import printable
from resnet_desktop.inference.classifier import ClassScore
from resnet_desktop.inference.groups import GroupScore
from resnet_desktop.inference.providers import short_name
from resnet_desktop.session.results import Limits, ModelInfo, Result
from resnet_desktop.session.saved import MOST_PHOTOS, Saved, SavedPhoto, file_state

FIT = "crop"
"""What the network sees on a cluster."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What came of it.

    Attributes:
        saved: the photos that are files of this computer, with their answers if these are the model's.
        model: the name of the model whose answers they are.
        other_model: whether it is another one than that of the window.
        other_settings: whether the answers depend on settings that are others now.
        elsewhere: photos that lie in a storage, and detections, which are not in the list.
    """

    saved: Saved
    model: str
    other_model: bool
    other_settings: bool
    elsewhere: int


def as_session(folder: Path, model: ModelInfo, limits: Limits, fit: str, cancelled: Cancelled = never) -> Opened:
    """Read a folder of results.

    Args:
        folder: it, or its manifest.
        model: what the window answers with.
        limits: as they are set.
        fit: what the network sees of a photo in the window.
        cancelled: asked for every photo.

    Raises:
        ResultsError: ``too_many_results``, and those of ``Results``.
        ModelError: the window's model cannot be read any more.
        CancelledError.
    """
    results = Results(folder)
    manifest = results.manifest
    if manifest.rows > MOST_PHOTOS:
        message = f"{printable(folder)} has {manifest.rows:,} photos; the window opens {MOST_PHOTOS:,} at most."
        raise ResultsError("too_many_results", message, "The command “results” reads them all.")
    bundle = remembered_labels.read(model.path)
    now = model_file(bundle)
    same_model = (now.sha256, now.known) == (manifest.model.sha256, manifest.model.known)
    values = bundle.metadata.transforms.range or limits.range
    same_settings = fit == FIT and _same(manifest, limits, values)
    photos: list[SavedPhoto] = []
    elsewhere = 0
    for stored in results.records():
        if cancelled():
            raise CancelledError
        path = columns.path_of(stored)
        if storage.is_address(path) or stored["detection"] is not None:
            elsewhere += 1
        else:
            photos.append(_photo(Path(path), stored, limits.top_k if same_model and same_settings else 0))
    answers = model.answers if same_model and same_settings else ""
    saved = Saved(answers, FIT, 0 if photos else None, tuple(photos))
    return Opened(saved, manifest.model.name, not same_model, same_model and not same_settings, elsewhere)


def _same(manifest: Manifest, limits: Limits, values: str) -> bool:
    """Whether the window would give the same answers; of more classes than it shows, the first are shown."""
    made = manifest.options
    found = (made.group_threshold, made.max_pixels, made.range, made.page)
    return found == (limits.group_threshold, limits.max_pixels, values, None) and made.top >= limits.top_k


def _photo(path: Path, stored: Mapping[str, Any], top: int) -> SavedPhoto:
    """A photo, with its answer unless ``top`` is 0 or its file has changed since."""
    state = (stored["file_size"], stored["modified_ns"])
    if not top or not stored["ok"] or file_state(path) != state:
        return SavedPhoto(path)
    return SavedPhoto(path, result=_result(stored, top, state))


def _result(stored: Mapping[str, Any], top: int, state: tuple[int, int]) -> Result:
    group, present = stored["group"], stored["present"]
    return Result(
        scores=tuple(map(_score, stored["predictions"][:top])),
        unfamiliar=stored["unfamiliar"],
        provider=short_name(stored["provider"]),
        seconds=stored["seconds"],
        full_size=(stored["width"], stored["height"]),
        group=None
        if group is None
        else GroupScore(group["wnid"], printable(group["label"]), group["probability"], tuple(group["classes"])),
        sure=stored["sure"],
        notes=tuple(printable(note["message"]) for note in stored["notes"]),
        file=state,
        note_codes=tuple(printable(note["code"]) for note in stored["notes"]),
        full_provider=printable(stored["provider"]),
        present=None if present is None else tuple(map(_score, present)),
    )


def _score(stored: Mapping[str, Any]) -> ClassScore:
    return ClassScore(stored["index"], printable(stored["label"]), stored["probability"])
