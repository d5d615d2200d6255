"""The list's results for other programs: the rows and columns of the command line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Literal

from resnet_desktop.core import output
from resnet_desktop.core.text.csv_text import line
from resnet_desktop.gui.gallery.gallery_model import Item
from resnet_desktop.session import result_rows
from resnet_desktop.session.result_rows import Row
from resnet_desktop.session.results import Failure, Result, file_of

Kind = Literal["wide", "long", "json"]


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be written: which photos, how, and how many classes of each (0: all; None: those that are listed)."""

    items: tuple[Item, ...]
    kind: Kind = "long"
    top: int | None = None

    @property
    def is_listed(self) -> bool:
        """Whether the list has all that is asked for."""
        listed = [len(item.outcome.scores) for item in self.items if isinstance(item.outcome, Result)]
        return self.top is None or 0 < self.top <= min(listed, default=self.top)


def rows_of(items: Iterable[Item], model: str, top: int | None = None, *, variant: str | None = None) -> list[Row]:
    """A row for each photo that has a result or an error, with its first ``top`` classes, or all that are listed."""
    rows = []
    for item in items:
        outcome = item.outcome
        if isinstance(outcome, Result):
            notes = [{"code": c, "message": m} for c, m in _notes(outcome)]
            scores = outcome.scores[:top]
            rows.append(
                result_rows.answered(
                    path_of(item),
                    outcome,
                    provider=outcome.full_provider or outcome.provider,
                    model=model,
                    variant=variant,
                    notes=notes,
                    scores=scores,
                    about=result_rows.part_as_dict(item.source),
                )
            )
        elif isinstance(outcome, Failure):
            error = {"code": outcome.code, "message": outcome.message}
            rows.append(result_rows.failed(path_of(item), error, result_rows.part_as_dict(item.source)))
    return rows


def _notes(outcome: Result) -> Iterator[tuple[str, str]]:
    """Codes and sentences; a result of an earlier session has sentences alone."""
    return zip_longest(outcome.note_codes, outcome.notes, fillvalue="")


def path_of(item: Item) -> str:
    """What stands for a photo in a row, or for the one that it is a part of; of one without a file, its name."""
    file = file_of(item.source)
    return item.name if file is None else str(file)


def as_text(rows: Sequence[Row], kind: Kind) -> str:
    """The file: JSON, or CSV (RFC 4180) of which no cell is run by a spreadsheet."""
    if kind == "json":
        return json.dumps(rows, ensure_ascii=True, allow_nan=False, indent=1) + "\n"
    top = max((len(row.get("predictions", ())) for row in rows), default=0)
    parts = any("bbox" in row for row in rows)
    lines = [line([*result_rows.header(kind, top), *(result_rows.PART if parts else ())])]
    for row in rows:
        place = result_rows.part_cells(row) if parts else []
        lines += [line([*cells, *place]) for cells in result_rows.cells(row, kind, top)]
    return "".join(lines)


def write(path: Path, text: str, photos: Iterable[object] = ()) -> None:
    """Write the table, whole or not at all. Raises StorageError, also if the file is one of the photos."""
    output.refuse_inputs(path, photos)
    output.write_text(path, text)
