"""The split of a run, as ``split.json`` in its folder: once it is there it is the split, whatever happens around it."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resnet_desktop.core import atomic
from resnet_desktop.data.pictures.samples import Sample, Scan

NAME = "split.json"
VERSION = 1
ROLES = ("training", "validation", "test")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredSplit:
    """A split as it was stored, with what it was made for: ``scan.made_for`` says for which data and choices."""

    scan: Scan

    def roles(self) -> Mapping[str, tuple[str, str]]:
        """What each picture is for, and its label, by its name."""
        parts = (self.scan.training, self.scan.validation, self.scan.test)
        return {s.name: (role, self.scan.labels[s.label]) for role, p in zip(ROLES, parts, strict=True) for s in p}


def save(folder: Path, scan: Scan) -> Path:
    """Store the split in a run folder; gives the path of the file. Raises StorageError."""
    rows = []
    for role, samples in zip(ROLES, (scan.training, scan.validation, scan.test), strict=True):
        rows += [{"source": s.source, "member": s.member, "label": s.label, "role": role} for s in samples]
    head = {"v": VERSION, "made_for": scan.made_for, "labels": list(scan.labels)}
    # A row a line: people look at this file, and ten thousand rows of six lines are not looked at.
    lines = ",\n  ".join(json.dumps(row) for row in rows)
    text = json.dumps(head)[:-1] + ',\n "pictures": [\n  ' + lines + "\n ]}\n"
    atomic.write_text(folder / NAME, text)
    return folder / NAME


def digest(scan: Scan) -> str:
    """Stands for the classes and for which picture is for what: those who learn from another split differ."""
    parts = ([(s.source, s.member, s.label) for s in part] for part in (scan.training, scan.validation, scan.test))
    text = json.dumps([scan.labels, *parts])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def load(folder: Path) -> StoredSplit | None:
    """The split in a run folder; None where there is none, or none that can be read."""
    path = folder / NAME
    try:
        return StoredSplit(_parsed(json.loads(path.read_text("utf-8"))))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        _logger.warning("%s is not used: %s", path, error)
        return None


def _parsed(values: Any) -> Scan:  # noqa: ANN401 - JSON
    """Raises ValueError, KeyError, TypeError or AttributeError where it is no split."""
    if values["v"] != VERSION:
        raise ValueError(f"it has version {values['v']}")
    labels = tuple(str(label) for label in values["labels"])
    parts: dict[str, list[Sample]] = {role: [] for role in ROLES}
    for row in values["pictures"]:
        source, member, label = row["source"], row["member"], row["label"]
        if not isinstance(source, str) or not isinstance(member, str | None):
            raise ValueError("a photo has no name")
        if not isinstance(label, int) or not 0 <= label < len(labels):
            raise ValueError(f"{label!r} is not a class")
        parts[row["role"]].append(Sample(source, member, label))
    training, validation, test = (tuple(parts[role]) for role in ROLES)
    return Scan(labels, training, validation, test, made_for=str(values["made_for"]))
