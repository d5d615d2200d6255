"""The batch results of MegaDetector: boxes around animals, people and vehicles, one JSON file for many photos.

The format: lila.science/megadetector-output-format.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resnet_desktop.core.errors import DataError
from resnet_desktop.data.sources.table import bad
from resnet_desktop.imaging.files import printable
from resnet_desktop.imaging.region import Region

ANIMAL = "animal"
"""The category whose detections are classified; where a file has none of that name, all are."""
THRESHOLD = 0.2
"""Below this confidence a detection is more often nothing than something, as MegaDetector's authors count."""
_LARGEST = 2**30


@dataclass(frozen=True, slots=True)
class Detection(Region):
    """One detection.

    Attributes:
        image: the place of its photo among those of the file.
        place: its place among the detections of its photo.
        category: what was detected.
        confidence: of the detector, a fraction of 1.
    """

    image: int
    place: int
    category: str
    confidence: float

    def as_dict(self) -> dict[str, Any]:
        """As it stands in JSON."""
        named = {"category": self.category, "confidence": self.confidence, "bbox": list(self.bbox)}
        return {"image": self.image, "detection": self.place, **named}


@dataclass(frozen=True, slots=True)
class BatchResults:
    """A file of results.

    Attributes:
        document: all that it says.
        detections: what is to be classified.
        left_out: how many detections are not: of another category, or below the threshold.
        failed: how many photos the detector could not read.
        videos: how many files are videos.
    """

    document: dict[str, Any]
    detections: tuple[Detection, ...]
    left_out: int
    failed: int
    videos: int


def read_batch_results(path: Path, photos: Path | None = None, threshold: float = THRESHOLD) -> BatchResults:
    """Read a file of results.

    Args:
        path: the file.
        photos: the folder that its paths start from; None: the file's own.
        threshold: the confidence from which a detection is classified, a fraction of 1.

    Raises:
        DataError: ``missing_data``, ``bad_data``.
    """
    document = _document(path)
    categories = document["detection_categories"]
    wanted = {key for key, name in categories.items() if name == ANIMAL} or set(categories)
    found: list[Detection] = []
    left_out = failed = videos = 0
    for place, image in enumerate(document["images"]):
        failed += bool(image.get("failure"))
        videos += "frame_rate" in image
        if image.get("failure") or "frame_rate" in image:
            continue
        for detection in _detections(path, photos or path.parent, place, image, categories):
            key = image["detections"][detection.place]["category"]
            if key in wanted and detection.confidence >= threshold:
                found.append(detection)
            else:
                left_out += 1
    return BatchResults(document, tuple(found), left_out, failed, videos)


def _document(path: Path) -> dict[str, Any]:
    """The whole file. Raises DataError."""
    try:
        if path.stat().st_size > _LARGEST:
            raise bad(path, "is too large")
        found = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise DataError("missing_data", f"{printable(path)} does not exist.") from error
    except OSError as error:
        raise bad(path, f"cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise bad(path, "is not a readable JSON file") from error
    document: dict[str, Any] = found if isinstance(found, dict) else {}
    categories = document.get("detection_categories")
    if not isinstance(categories, dict) or not isinstance(document.get("images"), list):
        hint = "They have “images” and “detection_categories”."
        raise bad(path, "is no file of MegaDetector's batch results", hint)
    if not all(isinstance(name, str) for name in categories.values()):
        raise bad(path, "has a detection category without a name")
    for place, image in enumerate(document["images"], 1):
        if not isinstance(image, dict) or not isinstance(image.get("file"), str):
            raise bad(path, f"names no file for image {place}")
    return document


def _detections(
    path: Path, folder: Path, place: int, image: Mapping[str, Any], categories: Mapping[str, str]
) -> Iterator[Detection]:
    """The detections of one photo. Raises DataError ``bad_data``."""
    listed = image.get("detections") or []
    if not isinstance(listed, list):
        raise bad(path, f"lists no detections for image {place + 1}")
    file = str(folder / image["file"].replace("\\", "/"))
    for number, detection in enumerate(listed):
        key = detection.get("category") if isinstance(detection, dict) else None
        if not isinstance(key, str):
            raise bad(path, f"has a detection without a category in image {place + 1}")
        numbers = [detection.get("conf"), *_box(detection)]
        if len(numbers) != 5 or not all(map(_is_fraction, numbers)):
            raise bad(path, f"has a detection whose confidence or box is no fractions of 1 in image {place + 1}")
        confidence, *box = map(float, numbers)
        yield Detection(file, (box[0], box[1], box[2], box[3]), place, number, categories.get(key, key), confidence)


def _box(detection: Mapping[str, Any]) -> list[Any]:
    box = detection.get("bbox")
    return box if isinstance(box, list) else []


def _is_fraction(value: object) -> bool:
    """A number from 0 to 1, as far as detectors round."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -0.01 <= value <= 1.01
