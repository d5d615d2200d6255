"""What the user has said of a model, above all of one without labels: kept by the file's sha256, wherever it lies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from resnet_desktop.bundle.file import bundle as model_file
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.format.metadata import Order, are_thresholds, is_label
from resnet_desktop.bundle.library.importing import ModelHints, as_known, completed, fitting, with_hints
from resnet_desktop.core import atomic, paths
from resnet_desktop.core.errors import ModelError
from resnet_desktop.imaging.transforms import Transforms

_FORMAT = 1


def read(path: Path) -> Bundle:
    """Open a model file as ``bundle.read`` does, with what was remembered of it.

    Thresholds are remembered of any file, the rest of one that carries no labels. What lies beside the file (see
    ``beside``) counts where nobody has said anything.
    ``has_metadata`` stays False: the file itself says nothing. Whether something is known of it, ``recall`` tells.

    Raises:
        ModelError: as ``bundle.read``.
    """
    bundle = model_file.read(path)
    found = _recalled(bundle)
    bundle, known = (bundle, ModelHints()) if found is None else found
    known = completed(known, bundle)
    return _with_thresholds(bundle if known.says_nothing else with_hints(as_known(bundle, known), known))


def remember(bundle: Bundle, known: ModelHints) -> None:
    """Keep labels and preprocessing for this file, in place of what was kept before.

    Raises:
        ModelError: ``wrong_labels``: they do not fit, or the model has its own.
        StorageError: it cannot be written.
    """
    fitting(as_known(bundle, known), known)
    entry: dict[str, Any] = {}
    if known.labels is not None:
        entry["categories"] = list(known.labels)
    if known.transforms is not None:
        entry["transforms"] = known.transforms.to_json()
    for key, value in (("layout", known.layout), ("output_name", known.output_name)):
        if value is not None:
            entry[key] = value
    before = _entry(bundle)
    if "thresholds" in before:
        entry["thresholds"] = before["thresholds"]
    _keep(bundle, entry)


def remember_thresholds(bundle: Bundle, thresholds: tuple[float, ...] | None) -> None:
    """Keep from which probability each label counts as present; None: as the file says. Raises StorageError."""
    entry = {key: value for key, value in _entry(bundle).items() if key != "thresholds"}
    if thresholds is not None:
        entry["thresholds"] = list(thresholds)
    _keep(bundle, entry)


def recall(bundle: Bundle) -> ModelHints | None:
    """What is remembered of a file; None if nothing is, if it does not fit, or if the file has its own labels."""
    found = _recalled(bundle)
    return None if found is None else found[1]


def _recalled(bundle: Bundle) -> tuple[Bundle, ModelHints] | None:
    """What is remembered of a file, and the file read so."""
    if bundle.has_metadata:
        return None
    entry = _entry(bundle)
    if not entry.keys() - {"thresholds"}:
        return None
    labels, transforms, output = entry.get("categories"), entry.get("transforms"), entry.get("output_name")
    try:
        known = ModelHints(
            tuple(labels) if isinstance(labels, list) and all(map(is_label, labels)) else None,
            Transforms.from_json(transforms) if isinstance(transforms, dict) else None,
            layout=next((order for order in get_args(Order) if order == entry.get("layout")), None),
            output_name=output if isinstance(output, str) else None,
        )
        bundle = as_known(bundle, known)
        fitting(bundle, known)
    except ModelError:  # somebody has changed the file of answers
        return None
    return bundle, known


def _with_thresholds(bundle: Bundle) -> Bundle:
    """The same, with the thresholds that were remembered, where they fit."""
    if not bundle.metadata.independent:
        return bundle
    kept: Any = _entry(bundle).get("thresholds")
    if not are_thresholds(kept, bundle.classes):
        return bundle
    return replace(bundle, metadata=replace(bundle.metadata, thresholds=tuple(map(float, kept))))


def _entry(bundle: Bundle) -> dict[str, Any]:
    """All that is kept of a file."""
    entry = _entries().get(bundle.file_sha256)
    return entry if isinstance(entry, dict) else {}


def _keep(bundle: Bundle, entry: Mapping[str, Any]) -> None:
    models = {key: value for key, value in _entries().items() if key != bundle.file_sha256}
    if entry:
        models[bundle.file_sha256] = entry
    atomic.write_text(_file(), json.dumps({"format": _FORMAT, "models": models}) + "\n")


def _file() -> Path:
    return paths.data_folder() / "foreign_models.json"


def _entries() -> Mapping[str, Any]:
    try:
        values = json.loads(_file().read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    entries = values.get("models") if isinstance(values, dict) and values.get("format") == _FORMAT else None
    return entries if isinstance(entries, dict) else {}
