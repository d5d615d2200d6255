"""The list's results as a table for other programs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from resnet_desktop.core import output
from resnet_desktop.core.csv_text import line
from resnet_desktop.core.printable import printable
from resnet_desktop.gui.inspect.gallery import Item
from resnet_desktop.gui.results import Failure, Result

HEADER = ("path", "ok", "rank", "index", "label", "probability", "unfamiliar", "provider", "error", "message")


def results_csv(items: Iterable[Item]) -> str:
    """CSV text (RFC 4180): a line for each class of a photo, or one with its error; what has neither is left out."""
    lines = [line(HEADER)]
    for item in items:
        path = str(item.source) if isinstance(item.source, Path) else item.name
        outcome = item.outcome
        if isinstance(outcome, Result):
            for rank, score in enumerate(outcome.scores, start=1):
                answer = (rank, score.index, score.label, f"{score.probability:.6f}")
                lines.append(line((path, "true", *answer, str(outcome.unfamiliar).lower(), outcome.provider, "", "")))
        elif isinstance(outcome, Failure):
            lines.append(line((path, "false", "", "", "", "", "", "", outcome.code, printable(outcome.message))))
    return "".join(lines)


def write(path: Path, text: str, photos: Iterable[object] = ()) -> None:
    """Write the table, whole or not at all. Raises StorageError, also if the file is one of the photos."""
    output.refuse_inputs(path, photos)
    output.write_text(path, text)
