"""The list of a folder of results: what its answers depend on, and which parts there are.

It is written anew, atomically, after each part. A part that it does not name is none of the results.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from resnet_desktop.core import atomic
from resnet_desktop.core.errors import ResultsError
from resnet_desktop.core.text.printable import printable

FORMAT, VERSION = "resnet-desktop-results", 1
NAME = "manifest.json"
LARGEST = 1 << 28
"""Bytes of a manifest."""
_HEAD = 100
_PART = re.compile(r"part-\d{5,9}\.parquet")
_DIGITS = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ModelFile:
    """What gave the answers.

    Attributes:
        name: of its file, without suffix.
        file: where it was.
        sha256: of the file.
        known: sha256 of what is known of it: labels, preprocessing, thresholds.
    """

    name: str
    file: str
    sha256: str
    known: str


@dataclass(frozen=True, slots=True)
class Options:
    """What else the answers depend on.

    Attributes:
        top: classes of each photo.
        group_threshold: the probability from which an answer is sure, a fraction of 1.
        range: black and white of photos of more than 8 bits.
        page: of files that have several; None: the one that is meant.
        max_pixels: larger photos are refused.
        provider: the short name of what the model runs on.
        heatmaps: whether the heatmap of each photo's best class is kept; not, in folders that do not say.
    """

    top: int
    group_threshold: float
    range: str
    page: int | None
    max_pixels: int
    provider: str
    heatmaps: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A Parquet file.

    Attributes:
        file: its name.
        rows: how many photos it has.
        failed: how many of them have an error.
        sha256: of the file.
    """

    file: str
    rows: int
    failed: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A folder of results.

    Attributes:
        program: the version of the program that made it.
        model: what gave the answers.
        options: what else they depend on.
        complete: whether the run that wrote it last came to its end.
        parts: in the order in which they were written.
    """

    program: str
    model: ModelFile
    options: Options
    complete: bool = False
    parts: tuple[Part, ...] = ()

    @property
    def rows(self) -> int:
        """Photos of all parts."""
        return sum(part.rows for part in self.parts)

    @property
    def failed(self) -> int:
        """Those with an error."""
        return sum(part.failed for part in self.parts)

    def with_part(self, part: Part) -> Manifest:
        """With one more."""
        return replace(self, parts=(*self.parts, part))


def write(folder: Path, manifest: Manifest) -> None:
    """Write it into a folder. Raises StorageError."""
    values = {"format": FORMAT, "v": VERSION, **asdict(manifest)}
    atomic.write_text(folder / NAME, json.dumps(values, indent=1) + "\n")


def read(folder: Path) -> Manifest:
    """Read that of a folder.

    Raises:
        ResultsError: ``missing_results``, ``bad_results``, ``newer_results``.
    """
    name = printable(folder / NAME)
    values = _object(folder / NAME, name)
    if values.get("format") != FORMAT or not _is_a(values.get("v"), int):
        raise ResultsError("bad_results", f"{name} is not a manifest of this app.")
    if values["v"] > VERSION:
        raise ResultsError("newer_results", f"{name} was written by a newer version of the app.", "Update the app.")
    parts, texts = values.get("parts"), (values.get("program"), values.get("complete"))
    if not isinstance(parts, list) or not isinstance(texts[0], str) or not isinstance(texts[1], bool):
        raise _damaged(name)
    manifest = Manifest(
        texts[0],
        _record(ModelFile, values.get("model"), name),
        _record(Options, values.get("options"), name),
        texts[1],
        tuple(_record(Part, part, name) for part in parts),
    )
    for part in manifest.parts:
        if not _PART.fullmatch(part.file) or not _DIGITS.fullmatch(part.sha256) or not 0 <= part.failed <= part.rows:
            raise _damaged(name)
    if len({part.file for part in manifest.parts}) < len(manifest.parts):
        raise _damaged(name)
    return manifest


def is_results(path: Path) -> bool:
    """Whether this is a folder of results or its manifest, by the first bytes of that. Never raises."""
    if path.name != NAME:
        path = path / NAME
    try:
        with path.open("rb") as file:
            return f'"{FORMAT}"'.encode() in file.read(_HEAD)
    except (OSError, ValueError):
        return False


def _object(path: Path, name: str) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > LARGEST:
            raise _damaged(name)
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        message = f"{printable(path.parent)} is not a folder of results: it has no {NAME}."
        raise ResultsError("missing_results", message) from error
    except OSError as error:
        raise ResultsError("bad_results", f"{name} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(name) from error
    if not isinstance(found, dict):
        raise _damaged(name)
    return found


def _record(kind: Any, found: object, name: str) -> Any:  # noqa: ANN401 - one of the classes above
    """A dataclass out of JSON, each value of its declared type; keys that it does not know are passed over."""
    if not isinstance(found, dict):
        raise _damaged(name)
    hints, values = get_type_hints(kind), {}
    for one in fields(kind):
        value = found.get(one.name, None if one.default is MISSING else one.default)
        if not _is_a(value, hints[one.name]):
            raise _damaged(name)
        values[one.name] = value
    return kind(**values)


def _is_a(value: object, kind: Any) -> bool:  # noqa: ANN401 - a type, or a union of some
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def _damaged(name: str) -> ResultsError:
    return ResultsError("bad_results", f"{name} cannot be used: it is damaged.")
