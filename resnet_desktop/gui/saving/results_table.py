"""The list's results as a table for other programs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from resnet_desktop.core import output
from resnet_desktop.core.csv_text import line
from resnet_desktop.core.printable import printable
from resnet_desktop.gui.gallery.gallery_model import Item
from resnet_desktop.session.results import Failure, Result

GROUPS = ("group", "group_probability", "sure")
HEADER = (
    "path",
    "ok",
    "rank",
    "index",
    "label",
    "probability",
    "unfamiliar",
    "provider",
    "error",
    "message",
    *GROUPS,
    "present",
)


def results_csv(items: Iterable[Item]) -> str:
    """CSV text (RFC 4180): a line for each class of a photo, or one with its error; what has neither is left out."""
    lines = [line(HEADER)]
    for item in items:
        path = str(item.source) if isinstance(item.source, Path) else item.name
        outcome = item.outcome
        if isinstance(outcome, Result):
            rest = (str(outcome.unfamiliar).lower(), outcome.provider, "", "", *_groups(outcome))
            for rank, score in enumerate(outcome.scores, start=1):
                answer = (rank, score.index, score.label, f"{score.probability:.6f}")
                lines.append(line((path, "true", *answer, *rest, _present(outcome, score.index))))
        elif isinstance(outcome, Failure):
            failed = ("false", "", "", "", "", "", "", outcome.code, printable(outcome.message), "", "", "", "")
            lines.append(line((path, *failed)))
    return "".join(lines)


def _present(result: Result, index: int) -> str:
    """Whether a label counts as present; empty where classes exclude each other."""
    return "" if result.present is None else str(any(one.index == index for one in result.present)).lower()


def _groups(result: Result) -> tuple[str, str, str]:
    """As the command line writes them: empty where the model knows of no groups."""
    group, sure = result.group, str(result.sure).lower()
    return ("", "", sure) if group is None else (group.label, f"{group.probability:.6f}", sure)


def write(path: Path, text: str, photos: Iterable[object] = ()) -> None:
    """Write the table, whole or not at all. Raises StorageError, also if the file is one of the photos."""
    output.refuse_inputs(path, photos)
    output.write_text(path, text)
