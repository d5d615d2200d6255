"""Rows of ``classify`` for programs of camera traps: Camtrap DP observations, MegaDetector's batch results."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import typer

from resnet_desktop import __version__
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.cli.shared import as_json, say
from resnet_desktop.cli.sink import Sink
from resnet_desktop.core.errors import StorageError
from resnet_desktop.core.text.csv_text import line
from resnet_desktop.data.sources.camera_traps.megadetector import BatchResults

COLUMNS = (
    *("observationID", "deploymentID", "mediaID", "eventID", "eventStart", "eventEnd", "observationLevel"),
    *("observationType", "cameraSetupType", "scientificName", "count", "lifeStage", "sex", "behavior", "individualID"),
    *("individualPositionRadius", "individualPositionAngle", "individualSpeed", "bboxX", "bboxY", "bboxWidth"),
    *("bboxHeight", "classificationMethod", "classifiedBy", "classificationTimestamp", "classificationProbability"),
    *("observationTags", "observationComments"),
)
"""Of ``observations.csv`` in Camtrap DP 1.0, in its order."""
_TYPES = {"blank": "blank", "empty": "blank", "human": "human", "person": "human", "vehicle": "vehicle"}
"""The ``observationType`` of classes that are no animals."""
_SCIENTIFIC = re.compile(r"[A-Z][a-zë-]+(?: [a-zë-]+){0,2}")


class Observations:
    """A table of observations, one for each photo of the package: its best class and how probable that is.

    Args:
        sink: where it goes.
        bundle: the model.

    Raises:
        typer.BadParameter: a class is neither called as scientific names are nor blank, human or vehicle.
    """

    def __init__(self, sink: Sink, bundle: Bundle) -> None:
        _refuse_other_names(bundle)
        self._sink = sink
        self._model = bundle.path.stem
        self._namespace = uuid.uuid5(uuid.NAMESPACE_OID, bundle.metadata.weights_sha256 or self._model)
        self._begun = False

    def write(self, row: dict[str, Any]) -> None:
        """Write one observation."""
        medium = row["media"]
        when = medium["timestamp"]
        fields = {
            "observationID": str(uuid.uuid5(self._namespace, medium["mediaID"])),
            "deploymentID": medium["deploymentID"],
            "mediaID": medium["mediaID"],
            "eventStart": when,
            "eventEnd": when,
            "observationLevel": "media",
            **self._said(row),
        }
        text, begun = ("" if self._begun else line(COLUMNS, "\n")), self._begun
        self._begun = True
        try:
            self._sink.write(text + line([fields.get(name, "") for name in COLUMNS], "\n"))
        except StorageError:
            self._begun = begun
            raise

    def finish(self) -> None:
        """Without any row, the header."""
        if not self._begun:
            self._sink.write(line(COLUMNS, "\n"))

    def _said(self, row: dict[str, Any]) -> dict[str, Any]:
        if "predictions" not in row:
            return {"observationType": "unclassified", "observationComments": row["error"]["message"]}
        best = row["predictions"][0]
        kind = _TYPES.get(best["label"].lower(), "animal")
        doubts = ["not sure"] * (not row["sure"]) + ["unlike the model's training photos"] * row["unfamiliar"]
        return {
            "observationType": kind,
            "scientificName": best["label"] if kind == "animal" else "",
            "classificationMethod": "machine",
            "classifiedBy": f"{self._model} (ResNet Desktop {__version__})",
            "classificationTimestamp": datetime.now(UTC).isoformat(timespec="seconds"),
            "classificationProbability": best["probability"],
            "observationComments": "; ".join(doubts),
        }


class BatchResultsJson:
    """The file that was read, with the classes of each detection; all at the end.

    Args:
        sink: where it goes.
        results: what was read.
        bundle: the model.
    """

    def __init__(self, sink: Sink, results: BatchResults, bundle: Bundle) -> None:
        self._sink = sink
        self._document = results.document
        self._model = bundle.path.stem
        self._forget_classes()
        labels = bundle.metadata.categories
        self._document["classification_categories"] = {str(i): label for i, label in enumerate(labels)}

    def write(self, row: dict[str, Any]) -> None:
        """Note the classes of one detection."""
        if "predictions" not in row:
            say(f"{row['path']}: {row['error']['message']}")
            return
        place = row["detection"]
        found = [[str(score["index"]), score["probability"]] for score in row["predictions"]]
        self._document["images"][place["image"]]["detections"][place["detection"]]["classifications"] = found

    def finish(self) -> None:
        """Write all."""
        info = self._document.get("info")
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        added = {"classifier": self._model, "classification_completion_time": now}
        self._document["info"] = {"format_version": "1.4", **(info if isinstance(info, dict) else {}), **added}
        self._sink.write(as_json(self._document, indent=1) + "\n")

    def _forget_classes(self) -> None:
        """Those of another classifier, whose numbers mean something else."""
        self._document.pop("classification_category_descriptions", None)
        old = self._document.pop("classification_categories", None)
        for image in self._document["images"]:
            for detection in image.get("detections") or ():
                detection.pop("classifications", None)
        if old:
            say("The classifications that the file already has are replaced.")


def _refuse_other_names(bundle: Bundle) -> None:
    others = [label for label in bundle.metadata.categories if not _is_name(label)]
    if others:
        message = (
            f"{_listing(others)} of {bundle.path.stem} cannot be a Camtrap DP observation: a class must be called "
            "as its species is in science (Vulpes vulpes), or blank, human or vehicle."
        )
        raise typer.BadParameter(message, param_hint="--format")


def _is_name(label: str) -> bool:
    return label.lower() in _TYPES or _SCIENTIFIC.fullmatch(label) is not None


def _listing(labels: Sequence[str]) -> str:
    shown = ", ".join(f"“{label}”" for label in labels[:3])
    return f"The class {shown}" if len(labels) == 1 else f"{len(labels)} classes ({shown}{' …' * (len(labels) > 3)})"
