"""Rows of ``classify`` as a table, JSON, JSON lines or CSV, and the heatmaps beside them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from rich.table import Table

from resnet_desktop.cli.pictures import FreeNames, Painter
from resnet_desktop.cli.shared import as_json, cell, print_table
from resnet_desktop.cli.sink import Sink
from resnet_desktop.core import output
from resnet_desktop.core.errors import AnswerError, ImageError, StorageError
from resnet_desktop.core.text.csv_text import line
from resnet_desktop.core.text.printable import printable
from resnet_desktop.explain.cam.best_class import BestClassHeatmaps
from resnet_desktop.inference.batch import Outcome
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.session import result_rows
from resnet_desktop.session.result_rows import Layout

DETECTION_COLUMNS = ("category", "confidence", "left", "top", "width", "height")


class Writer(Protocol):
    """Takes rows as they are done."""

    def write(self, row: dict[str, Any]) -> None:
        """Take one row."""

    def finish(self) -> None:
        """Write what was waiting for the last row."""


def writer_for(kind: str, sink: Sink, top: int, *, layout: Layout = "wide", detections: bool = False) -> Writer:
    """The writer of a format; ``layout``: of a table; ``detections``: whether rows may be of those."""
    if kind == "jsonl":
        return JsonLines(sink)
    if kind == "csv":
        return Csv(sink, top, layout=layout, detections=detections)
    return Json(sink) if kind == "json" else TableRows(sink)


@contextmanager
def finishing(writer: Writer) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Takes rows; what waits is written however the block ends, unless it breaks off before the first row."""
    rows, well = 0, False

    def write(row: dict[str, Any]) -> None:
        nonlocal rows
        rows += 1  # before: Ctrl+C is heard when the row is written, and before the call returns
        try:
            writer.write(row)
        except StorageError:
            rows -= 1
            raise

    try:
        yield write
        well = True
    finally:
        if well or rows:
            writer.finish()


class JsonLines:
    """One object a line, as each is done."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def write(self, row: dict[str, Any]) -> None:
        """Write the row at once."""
        self._sink.write(as_json(row) + "\n")

    def finish(self) -> None:
        """Nothing waits."""


class Json:
    """One list, written row by row so that no number of rows fills the memory, and closed whatever happens."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._rows = 0

    def write(self, row: dict[str, Any]) -> None:
        """Write the row behind the one before it."""
        text = (",\n" if self._rows else "[\n") + as_json(row)
        self._rows += 1
        try:
            self._sink.write(text)
        except StorageError:
            self._rows -= 1
            raise

    def finish(self) -> None:
        """Close the list; where there is no room for that, in the place of the last row."""
        while True:
            try:
                self._sink.write("\n]\n" if self._rows else "[]\n")
            except StorageError:
                if not self._sink.drop_last():
                    raise
                self._rows -= 1
            else:
                return


class Csv:
    """A header, and one line for each input or for each of its classes; the columns are the same for all."""

    def __init__(self, sink: Sink, top: int, *, layout: Layout = "wide", detections: bool = False) -> None:
        self._top, self._layout = top, layout
        self._detections = detections
        self._sink = sink
        self._begun = False

    def write(self, row: dict[str, Any]) -> None:
        """Write the row; on a terminal, control characters of a path are escaped."""
        found = _detected(row) if self._detections else ()
        lines = []
        for path, *rest in result_rows.cells(row, self._layout, self._top):
            lines.append(_csv_line([printable(path) if self._sink.terminal else path, *rest, *found]))
        self._write("".join(lines))

    def finish(self) -> None:
        """Without any row, the header."""
        if not self._begun:
            self._sink.write(self._header())

    def _write(self, lines: str) -> None:
        text, begun = ("" if self._begun else self._header()) + lines, self._begun
        self._begun = True
        try:
            self._sink.write(text)
        except StorageError:
            self._begun = begun
            raise

    def _header(self) -> str:
        more = DETECTION_COLUMNS if self._detections else ()
        return _csv_line([*result_rows.header(self._layout, self._top), *more])


def _detected(row: dict[str, Any]) -> list[Any]:
    found = row.get("detection")
    return [""] * len(DETECTION_COLUMNS) if found is None else [found["category"], found["confidence"], *found["bbox"]]


class TableRows:
    """A table for people, printed at the end."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._table = Table(box=None, pad_edge=False, header_style="bold")
        self._table.add_column("photo", overflow="fold")
        self._table.add_column("class", overflow="fold")
        self._table.add_column("sure", justify="right")
        self._table.add_column("classes", overflow="fold", style="dim")
        self._notes: list[str] = []

    def write(self, row: dict[str, Any]) -> None:
        """Add the row."""
        place = f" #{row['detection']['detection'] + 1}" if "detection" in row else ""
        name, message = cell(row["path"] + place), cell(row.get("error", {}).get("message", ""), style="red")
        if "predictions" not in row:
            self._table.add_row(name, message, "", "")
            return
        self._notes += [f"{printable(row['path'])}: {note['message']}" for note in row.get("notes", ())]
        if row["present"] is not None:
            self._add_present(row)
            return
        best, *others = row["predictions"]
        group = row["group"] or {"label": best["label"], "probability": best["probability"], "classes": [best["index"]]}
        others = others if group["classes"] == [best["index"]] else [best, *others]
        rest = ", ".join(f"{p['label']} {p['probability']:.0%}" for p in others if p["probability"] >= 0.005)
        label = group["label"] if row["sure"] else f"not sure; perhaps {group['label']}"
        label = f"{label} (unfamiliar)" if row["unfamiliar"] else label
        self._table.add_row(name, cell(label), f"{group['probability']:.0%}", cell(rest) if row["ok"] else message)

    def _add_present(self, row: dict[str, Any]) -> None:
        """A row of labels that can be present together, and what else was probable."""
        present, message = row["present"], cell(row.get("error", {}).get("message", ""), style="red")
        labels = ", ".join(f"{one['label']} {one['probability']:.0%}" for one in present) or "none of its labels"
        label = f"{labels} (unfamiliar)" if row["unfamiliar"] else labels
        others = [one for one in row["predictions"] if one not in present and one["probability"] >= 0.005]
        rest = ", ".join(f"{one['label']} {one['probability']:.0%}" for one in others)
        self._table.add_row(cell(row["path"]), cell(label), "", cell(rest) if row["ok"] else message)

    def finish(self) -> None:
        """Print the table."""
        if self._table.row_count:
            print_rows(self._table, self._sink)
        if self._notes:
            self._sink.write("\n" + "".join(f"{note}\n" for note in self._notes))


def print_rows(table: Table, sink: Sink) -> None:
    """A table where rows go: in colour on a terminal."""
    if sink.terminal:
        print_table(table)
        return
    text = io.StringIO()
    print_table(table, text)
    sink.write(text.getvalue())


def _csv_line(cells: Iterable[Any]) -> str:
    return line(list(cells), end="\n")


class Heatmaps:
    """Writes each photo with the heatmap of its best class, as PNG, under the photo's name.

    Args:
        folder: where they go.
        classifier: the model.
        kept: files that must not be written over.

    Raises:
        LayerError: the model has no layer with height and width.
    """

    def __init__(self, folder: Path, classifier: Classifier, kept: Iterable[Path]) -> None:
        self._heatmaps = BestClassHeatmaps(classifier)
        self._painter = Painter(classifier)
        self._names = FreeNames(folder, kept)

    def add(self, row: dict[str, Any], outcome: Outcome) -> None:
        """Write the heatmap of one photo and name it in its row, which fails where it cannot be written."""
        try:
            row["heatmap"] = self._write(outcome)
        except (AnswerError, ImageError, StorageError) as error:
            row |= {"ok": False, "error": error.as_dict()}

    def _write(self, outcome: Outcome) -> str:
        prediction, source = outcome.prediction, outcome.source
        assert prediction is not None
        assert not isinstance(source, bytes)
        picture = self._painter.png(source, self._heatmaps(source, prediction).cam)
        path = self._names.take(Path(source), ".png")
        output.write_bytes(path, picture)
        return str(path)
