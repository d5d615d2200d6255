"""Where variants of a model and what was measured of them lie: by the sha256 of its file, beside the library."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from resnet_desktop.bundle.file.variant import folder_of
from resnet_desktop.core import atomic
from resnet_desktop.inference.tuning.offers import Agreement, Offer, Refusal, Setup, Speed, Tuning

_FORMAT = 1


def file_of(sha256: str, variant: str, model: str) -> Path:
    """The file of a variant; it is called as the model is."""
    return folder_of(sha256) / variant / f"{model}.onnx"


def save(tuning: Tuning) -> None:
    """Keep what was measured, for the next look. Raises StorageError."""
    told = {"format": _FORMAT, "tuning": asdict(tuning)}
    atomic.write_text(folder_of(tuning.sha256) / "tuning.json", json.dumps(told) + "\n")


def load(sha256: str) -> Tuning | None:
    """What was measured for a model file; None if nothing was, or it cannot be read."""
    try:
        told = json.loads((folder_of(sha256) / "tuning.json").read_text("utf-8"))
        if told["format"] != _FORMAT:
            return None
        return _parsed(told["tuning"])
    except (OSError, ValueError, RecursionError, KeyError, TypeError):  # somebody has changed it: it is measured again
        return None


def _parsed(told: Any) -> Tuning:  # noqa: ANN401 - JSON
    offers = tuple(map(_parsed_offer, told["offers"]))
    refused = tuple(Refusal(str(one["name"]), str(one["why"])) for one in told["refused"])
    counts = [int(told[key]) for key in ("cores", "learnt", "judged", "unreadable")]
    cores, learnt, judged, unreadable = counts
    installed = _parsed_offer(told["installed"])
    return Tuning(
        str(told["model"]), str(told["sha256"]), cores, learnt, judged, unreadable, installed, offers, refused
    )


def _parsed_offer(told: Any) -> Offer:  # noqa: ANN401 - JSON
    setup, way, speed = told["setup"], told["setup"]["way"], told["speed"]
    found = Setup.from_dict({**setup, **way})
    if found is None:
        raise ValueError("no setup")
    rounds = tuple(float(value) for value in speed["images_per_second"])
    if not rounds:
        raise ValueError("no rounds")
    agreement = None if told["agreement"] is None else Agreement(**told["agreement"])
    return Offer(
        str(told["name"]),
        found,
        Speed(rounds, float(speed["times_as_fast"])),
        agreement,
        told["recipe"],
        told["warns"],
    )
