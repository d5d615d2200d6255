"""What a model from elsewhere says of itself in its ONNX metadata: names of classes, and preprocessing where certain.

Nothing of the kind is standardized: what is taken has a usual key, can be read as names, and fits the number of
classes. All else is passed over, for a file without names works as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.bundle.labels.label_code import unwrapped
from resnet_desktop.bundle.labels.label_lines import labels_in_lines
from resnet_desktop.bundle.labels.label_nodes import NoLabelsError, read_nodes
from resnet_desktop.bundle.labels.label_values import NAME_KEYS, labels_of, usual
from resnet_desktop.imaging.transforms import PIXEL_VALUES, Transforms

_LONGEST = 4 * 2**20
"""Characters of a value that is looked into."""
_IS_NO_NAME = re.compile(r"[-\d.]+|.*\.(?:txt|json|csv|ya?ml|names|pbtxt)", re.IGNORECASE)
"""Sizes and the names of files, where names of classes were looked for."""
_LARGER_KEYS = ("config", "model_config", "metadata", "meta", "model_info")
"""Values under these may be objects with names in them."""
_NOMINAL = {"nominalrange_0_255": "0..255", "normalized_0_1": "0..1", "normalized_1_1": "-1..1"}
"""Of ``Image.NominalPixelRange``, which with ``Image.BitmapPixelFormat`` ONNX has for models of pictures."""
_BLUE_FIRST = ("bgr8", "bgra8")


@dataclass(frozen=True, slots=True)
class Said:
    """The metadata of a foreign model; whether it names its classes itself, and tells how photos are prepared."""

    metadata: Metadata
    named: bool
    prepared: bool


def said_by_itself(metadata: Metadata, props: Mapping[str, str]) -> Said:
    """The metadata of a foreign model with what its own properties say.

    Args:
        metadata: as it is where nothing is said, with as many categories as classes.
        props: ``metadata_props`` of the file.
    """
    by_key = {usual(key): value for key, value in reversed(list(props.items())) if len(value) <= _LONGEST}
    labels = labels_in_props(by_key, len(metadata.categories))
    transforms = _transforms(by_key, metadata.transforms)
    told = replace(metadata, categories=labels or metadata.categories, transforms=transforms or metadata.transforms)
    return Said(told, labels is not None, transforms is not None)


def labels_in_props(props: Mapping[str, str], classes: int) -> tuple[str, ...] | None:
    """The names of so many classes, from the first usual key that has them; None if no key does."""
    for key in (*NAME_KEYS, *_LARGER_KEYS):
        for text in (props[k] for k in props if k == key or k.endswith(f".{key}")):
            labels = _labels_in(text.strip(), larger=key in _LARGER_KEYS)
            if labels is not None and len(labels) == classes:
                return labels
    return None


def _labels_in(text: str, *, larger: bool) -> tuple[str, ...] | None:
    try:
        if (nodes := unwrapped(text)) is not None:
            return labels_of(read_nodes(nodes))
        if larger or not text:
            return None
        if "\n" in text:
            return labels_in_lines(text, "")
        names = labels_in_lines(text, "") if any(separator in text for separator in ";|,") else ()
        return None if all(map(_IS_NO_NAME.fullmatch, names)) else names
    except NoLabelsError:
        return None


def _transforms(props: Mapping[str, str], usual_ones: Transforms) -> Transforms | None:
    """The preprocessing of Ultralytics' classifiers, which their exporter signs, or by ONNX's keys for pictures.

    Ultralytics' take pixels from 0 to 1, without mean and deviation, and the shorter side resized to the square's.
    """
    if "ultralytics" in props.get("author", "").lower() and props.get("task") == "classify":
        mean, std = PIXEL_VALUES["0..1"]
        return replace(usual_ones, resize=usual_ones.crop, mean=mean, std=std)
    values = _NOMINAL.get(props.get("image.nominal_pixel_range", "").strip().lower())
    if values is None:
        return None
    blue_first = props.get("image.bitmap_pixel_format", "").strip().lower() in _BLUE_FIRST
    mean, std = PIXEL_VALUES[values]
    return replace(usual_ones, mean=mean, std=std, channels="bgr" if blue_first else "rgb")
