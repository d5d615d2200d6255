"""From which probability a label counts as present, of networks that rate each label by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

from resnet_desktop.bundle.format.metadata import Metadata, class_index
from resnet_desktop.core.errors import ModelError


def thresholds_of(metadata: Metadata, wanted: Sequence[str], name: str) -> tuple[float, ...]:
    """The thresholds of all labels, as fractions of 1.

    Args:
        metadata: of the model, with the thresholds that hold so far.
        wanted: ``LABEL=P`` for one label, by its name or index, or ``P`` for all of them; later ones win.
        name: of the model's file, for messages.

    Raises:
        ModelError: ``bad_threshold``: not a probability, or classes that exclude each other.
        ClassNameError: no label is called so, or two are.
    """
    now = metadata.present_from
    if now is None:
        raise ModelError(
            "bad_threshold",
            f"The classes of {name} exclude each other, so that none has a threshold of its own.",
            "Thresholds are for models that can find several labels in one photo.",
        )
    found = list(now)
    for text in wanted:
        label, sign, number = text.rpartition("=")
        value = _fraction(number)
        if value is None or (sign and not label.strip()):
            raise ModelError("bad_threshold", f"{text!r} is no threshold.", "Write LABEL=0.4, or 0.4 for all labels.")
        if sign:
            found[class_index(metadata.categories, label)] = value
        else:
            found = [value] * len(found)
    return tuple(found)


def _fraction(text: str) -> float | None:
    """A number from 0 to 1; None where it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value <= 1 else None
