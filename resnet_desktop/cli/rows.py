"""Rows of ``classify`` as a table, JSON, JSON lines or CSV, and the heatmaps beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, TextIO

from rich.table import Table

from resnet_desktop.cli.pictures import FreeNames, Painter
from resnet_desktop.cli.shared import as_json, cell, print_table
from resnet_desktop.core.atomic import write_bytes
from resnet_desktop.core.csv_text import line
from resnet_desktop.core.printable import printable
from resnet_desktop.explain.explainer import Explainer
from resnet_desktop.inference.batch import Outcome
from resnet_desktop.inference.classifier import Classifier


class Writer(Protocol):
    """Takes rows as they are done."""

    def write(self, row: dict[str, Any]) -> None:
        """Take one row."""

    def finish(self) -> None:
        """Write what was waiting for the last row."""


def writer_for(kind: str, stream: TextIO, top: int) -> Writer:
    """The writer of a format."""
    if kind == "jsonl":
        return JsonLines(stream)
    if kind == "csv":
        return Csv(stream, top)
    return Json(stream) if kind == "json" else TableRows(stream)


class JsonLines:
    """One object a line, as each is done."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, row: dict[str, Any]) -> None:
        """Write the row at once."""
        self._stream.write(as_json(row) + "\n")
        self._stream.flush()

    def finish(self) -> None:
        """Nothing waits."""


class Json:
    """One list at the end, written row by row so that no number of rows fills the memory."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._first = True

    def write(self, row: dict[str, Any]) -> None:
        """Write the row behind the one before it."""
        self._stream.write(("[\n" if self._first else ",\n") + as_json(row))
        self._first = False

    def finish(self) -> None:
        """Close the list."""
        self._stream.write("[]\n" if self._first else "\n]\n")


class Csv:
    """A header and one line for each input; the columns are the same for every number of classes found."""

    def __init__(self, stream: TextIO, top: int) -> None:
        self._top = top
        ranks = [f"{name}_{i + 1}" for i in range(top) for name in ("label", "probability")]
        self._stream = stream
        groups = ["group", "group_probability", "sure"]
        self._write(["path", "ok", *ranks, "unfamiliar", "error", "message", *groups])

    def write(self, row: dict[str, Any]) -> None:
        """Write the row; bytes of a path that are not UTF-8 are escaped, on a terminal control characters as well."""
        cells: list[Any] = []
        for score in row.get("predictions", ()):
            cells += [score["label"], score["probability"]]
        cells += [""] * (2 * self._top - len(cells))
        error = row.get("error", {})
        path = row["path"].encode("utf-8", "backslashreplace").decode("utf-8")
        if self._stream.isatty():
            path = printable(path)
        unfamiliar, message = row.get("unfamiliar", ""), printable(error.get("message", ""))
        group = row.get("group") or {}
        groups = [group.get("label", ""), group.get("probability", ""), row.get("sure", "")]
        self._write([path, row["ok"], *cells, unfamiliar, error.get("code", ""), message, *groups])

    def finish(self) -> None:
        """Nothing waits."""
        self._stream.flush()

    def _write(self, cells: list[Any]) -> None:
        self._stream.write(line(cells, end="\n"))


class TableRows:
    """A table for people, printed at the end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._table = Table(box=None, pad_edge=False, header_style="bold")
        self._table.add_column("photo", overflow="fold")
        self._table.add_column("what it is", overflow="fold")
        self._table.add_column("sure", justify="right")
        self._table.add_column("classes", overflow="fold", style="dim")

    def write(self, row: dict[str, Any]) -> None:
        """Add the row."""
        name = cell(row["path"])
        if not row["ok"]:
            self._table.add_row(name, cell(row["error"]["message"], style="red"), "", "")
            return
        best, *others = row["predictions"]
        group = row["group"] or {"label": best["label"], "probability": best["probability"], "classes": [best["index"]]}
        others = others if group["classes"] == [best["index"]] else [best, *others]
        rest = ", ".join(f"{p['label']} {p['probability']:.0%}" for p in others if p["probability"] >= 0.005)
        label = group["label"] if row["sure"] else f"not sure; perhaps {group['label']}"
        label = f"{label} (unfamiliar)" if row["unfamiliar"] else label
        self._table.add_row(name, cell(label), f"{group['probability']:.0%}", cell(rest))

    def finish(self) -> None:
        """Print the table."""
        if self._table.row_count:
            print_table(self._table, self._stream)


class Heatmaps:
    """Writes each photo with the heatmap of its best class, as PNG, under the photo's name.

    It comes from the same run where the model ends in pooling and one linear layer. Elsewhere the photo is run again,
    at the recommended layer, with the first method that works there.

    Raises:
        LayerError: the model has no layer with height and width.
    """

    def __init__(self, folder: Path, classifier: Classifier) -> None:
        self._explainer = Explainer(classifier)
        self._method = None
        if self._explainer.features is None:
            self._method = self._explainer.methods(self._explainer.layer(None))[0]
        self._painter = Painter(classifier)
        self._names = FreeNames(folder)

    def write(self, outcome: Outcome) -> str:
        """Write one heatmap; its path. Raises StorageError."""
        prediction, source = outcome.prediction, outcome.source
        assert prediction is not None
        assert not isinstance(source, bytes)
        if self._method is None:
            heatmap = self._explainer.heatmap(prediction, prediction.top.index)
        else:
            subject = self._explainer.subject(source)
            heatmap = self._explainer.explain(subject, prediction.top.index, method=self._method)
        path = self._names.take(Path(source), ".png")
        write_bytes(path, self._painter.png(source, heatmap.cam))
        return str(path)
