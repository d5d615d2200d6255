"""What lies beside a model's file, as the publishers of models lay it there: how photos are prepared, and class names.

Hugging Face's tools put ``config.json`` and ``preprocessor_config.json`` beside ``model.onnx``, or one folder above it
where that is called ``onnx``; timm's put all of it into ``config.json``. A file of another program that happens to have
such a name is passed over where it does not hold what is looked for.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resnet_desktop.bundle.labels.label_file import read_labels
from resnet_desktop.core.errors import ModelError
from resnet_desktop.imaging.transforms import Interpolation, Transforms

PREPROCESSOR, CONFIG = "preprocessor_config.json", "config.json"
_LARGEST = 8 * 2**20
_FILTERS: Mapping[int, Interpolation] = {0: "nearest", 1: "bicubic", 2: "bilinear", 3: "bicubic"}
"""By Pillow's numbers; Lanczos is nearest to bicubic."""
_UNNAMED = re.compile(r"LABEL_\d+")
"""What Hugging Face calls classes without names."""
_SQUASHED = 384
"""From so many pixels on, Hugging Face's ConvNeXt and ResNet stretch photos rather than cut them."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What was found, each part None where it was not; ``source``: the name of the file with the preprocessing."""

    labels: tuple[str, ...] | None = None
    transforms: Transforms | None = None
    source: str = ""


def look_beside(path: Path) -> Beside:
    """Look into the files beside a model's."""
    folders = [path.parent, *([path.parent.parent] if path.parent.name == "onnx" else [])]
    for folder in folders:
        processor, config = _object(folder / PREPROCESSOR), _object(folder / CONFIG)
        transforms, source = _by_hugging_face(processor), PREPROCESSOR
        if transforms is None:
            transforms, source = _by_timm(config.get("pretrained_cfg")), CONFIG
        labels = _labels(folder / CONFIG) if config else None
        if labels is not None or transforms is not None:
            return Beside(labels, transforms, source if transforms is not None else "")
    return Beside()


def _object(path: Path) -> Mapping[str, Any]:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return {}
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _labels(path: Path) -> tuple[str, ...] | None:
    try:
        labels = read_labels(str(path))
    except ModelError:
        return None
    return None if all(map(_UNNAMED.fullmatch, labels)) else labels


def _by_hugging_face(told: Mapping[str, Any]) -> Transforms | None:
    """By an image processor's configuration; None if it is none, or does what ``Transforms`` cannot."""
    sizes = _sizes(told)
    if sizes is None or told.get("do_resize", True) is not True:
        return None
    factor = _number(told.get("rescale_factor", 1 / 255)) if told.get("do_rescale", True) else 1.0
    normalized = told.get("do_normalize", True)
    mean, std = (_triple(told.get(key)) if normalized else usual for key, usual in _USUAL.items())
    if not factor or mean is None or std is None:
        return None
    shift = 1.0 if told.get("rescale_offset") else 0.0
    scale = 255 * factor
    values = {"mean": [(one + shift) / scale for one in mean], "std": [one / scale for one in std]}
    if told.get("do_flip_channel_order"):
        values = {key: numbers[::-1] for key, numbers in values.items()}
        sizes["channels"] = "bgr"
    number = told.get("resample", 2)
    filters = {"interpolation": _FILTERS.get(number, "bilinear") if isinstance(number, int) else "bilinear"}
    return _checked({**sizes, **values, **filters})


_USUAL = {"image_mean": (0.0, 0.0, 0.0), "image_std": (1.0, 1.0, 1.0)}


def _sizes(told: Mapping[str, Any]) -> dict[str, Any] | None:
    size = _size(told.get("size"))
    crop = _size(told.get("crop_size")) if told.get("do_center_crop") else None
    if size is None:
        return None
    if crop is not None:
        return {"resize": max(min(size), min(crop)), "crop": list(crop)}
    edge = told["size"].get("shortest_edge") if isinstance(told["size"], dict) else None
    share = _number(told.get("crop_pct"))
    if edge is not None and not (share and edge >= _SQUASHED):
        return {"resize": int(edge / share) if share else edge, "crop": edge}
    return {"resize": min(size), "crop": list(size), "fit": "stretch"}


def _size(value: object) -> tuple[int, int] | None:
    """Height and width in pixels."""
    sides: tuple[object, object] = (value, value)
    if isinstance(value, dict):
        edge = value.get("shortest_edge")
        sides = (value.get("height", edge), value.get("width", edge))
    height, width = (side if isinstance(side, int) and not isinstance(side, bool) else 0 for side in sides)
    return (height, width) if height > 0 and width > 0 else None


def _by_timm(told: object) -> Transforms | None:
    """By timm's ``pretrained_cfg``."""
    if not isinstance(told, dict):
        return None
    size, share = told.get("test_input_size") or told.get("input_size"), _number(told.get("crop_pct", 0.875))
    mean, std = _triple(told.get("mean")), _triple(told.get("std"))
    if not isinstance(size, list) or len(size) != 3 or mean is None or std is None or not share:
        return None
    sides = _size({"height": size[1], "width": size[2]})
    if sides is None:
        return None
    sizes: dict[str, Any] = {"resize": max(min(sides), math.floor(min(sides) / share)), "crop": list(sides)}
    if told.get("crop_mode") == "squash":
        sizes["fit"] = "stretch"
    return _checked({**sizes, "mean": list(mean), "std": list(std), "interpolation": told.get("interpolation")})


def _checked(values: Mapping[str, Any]) -> Transforms | None:
    crop = values["crop"]
    if isinstance(crop, list) and crop[0] == crop[1]:
        crop = crop[0]
    try:
        return Transforms.from_json({**values, "crop": crop})
    except ModelError:
        return None


def _number(value: object) -> float | None:
    fine = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0
    return float(value) if fine and isinstance(value, int | float) else None


def _triple(value: object) -> tuple[float, float, float] | None:
    if not isinstance(value, list) or len(value) != 3 or any(not isinstance(one, int | float) for one in value):
        return None
    return float(value[0]), float(value[1]), float(value[2])
