"""Names for the classes of a model that carries none."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from resnet_desktop.core import paths
from resnet_desktop.core.errors import ModelError

IMAGENET = "imagenet"
"""In place of a file: the 1,000 classes of ImageNet-1k in their usual order."""
MAX_BYTES = 16 * 2**20


@cache
def imagenet() -> tuple[str, ...]:
    """The 1,000 labels of ImageNet-1k (Russakovsky et al. 2014, arXiv:1409.0575): the first of each class's names.

    Two pairs of classes share a label: crane (the bird, the machine) and maillot.
    """
    rows = (paths.assets_folder() / "labels" / "imagenet1k.tsv").read_text("utf-8").splitlines()[1:]
    return tuple(row.split("\t")[2].split(",")[0] for row in rows)


def read_labels(name_or_path: str) -> tuple[str, ...]:
    """Labels out of a file: one on each line, or a JSON list. ``imagenet`` stands for those of ImageNet-1k.

    Raises ModelError ``wrong_labels``.
    """
    path = Path(name_or_path).expanduser()
    if name_or_path.casefold() == IMAGENET and not path.exists():
        return imagenet()
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _wrong(path, "is too large")
        text = path.read_bytes().decode("utf-8-sig").strip()
    except OSError as error:
        raise _wrong(path, f"cannot be read ({error.strerror or error})") from error
    except ValueError as error:  # not UTF-8, or a null character in the path
        raise _wrong(path, "is not text in UTF-8") from error
    try:
        values = json.loads(text) if text.startswith("[") else [line.strip() for line in text.splitlines()]
    except (ValueError, RecursionError) as error:
        raise _wrong(path, "begins as a JSON list and is none") from error
    if not values or not all(isinstance(value, str) and value.strip() for value in values):
        raise _wrong(path, "must have one label on each line, or a JSON list of them")
    return tuple(values)


def _wrong(path: Path, reason: str) -> ModelError:
    return ModelError("wrong_labels", f"The file of labels {path} {reason}.")
