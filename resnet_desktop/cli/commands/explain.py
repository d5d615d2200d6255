"""``resnet-desktop explain``: heatmaps of photos, at any layer, for any class, by any method."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from resnet_desktop.cli.shared import (
    EXIT_SOME_FAILED,
    EXIT_USAGE,
    FormatOption,
    ModelOption,
    PageOption,
    ProviderOption,
    RangeOption,
    TargetOption,
    cell,
    made_folder,
    named_paths,
    open_classifier,
    refused_input,
    say,
)
from resnet_desktop.core.errors import AnswerError, ImageError, StorageError
from resnet_desktop.core.output import is_standard_output, refuse_nowhere, write_bytes
from resnet_desktop.core.progress import Progress, unheard
from resnet_desktop.core.text.printable import printable

if TYPE_CHECKING:
    from rich.table import Table

    from resnet_desktop.bundle.file.bundle import Bundle
    from resnet_desktop.bundle.taxonomy.tree import Group
    from resnet_desktop.cli.pictures import Painter
    from resnet_desktop.cli.sink import Sink
    from resnet_desktop.explain.cam.explainer import Explainer
    from resnet_desktop.inference.classifier import Classifier

Colormap = Literal["viridis", "inferno", "turbo", "grey"]

_METHODS = "gradcam, gradcam++, hirescam, xgradcam, layercam, fusion, smoothgradcam, eigencam, scorecam, occlusion"


PhotosArgument = Annotated[
    list[str], typer.Argument(metavar="IMAGE…", help="Photos, folders or patterns; - reads paths from standard input.")
]
LayerOption = Annotated[
    str | None, typer.Option("--layer", metavar="NAME", help="The layer to explain. Default: the recommended one.")
]
AgainstOption = Annotated[
    str | None,
    typer.Option("--against", metavar="CLASS", help="Show the evidence for the target rather than for this class."),
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output", metavar="PNG|DIR", help="Output file, or a folder for several photos. Default: the current folder."
    ),
]
MapOption = Annotated[Path | None, typer.Option("--save-map", metavar="NPZ|DIR", help="Also write the raw map here.")]


def explain(
    images: PhotosArgument,
    layer: LayerOption = None,
    target: TargetOption = None,
    against: AgainstOption = None,
    method: Annotated[str, typer.Option("--method", metavar="NAME", help=f"One of {_METHODS}.")] = "gradcam",
    output: OutputOption = None,
    save_map: MapOption = None,
    check: Annotated[bool, typer.Option("--check", help="Test whether each heatmap can be trusted.")] = False,
    recursive: Annotated[bool, typer.Option("--recursive", help="Include subfolders.")] = False,
    colormap: Annotated[Colormap, typer.Option("--colormap", help="The colour map.")] = "viridis",
    format: FormatOption = "table",  # noqa: A002 - the option's name
    values: RangeOption = None,
    page: PageOption = None,
    model: ModelOption = None,
    provider: ProviderOption = None,
) -> None:
    """Show where in each photo the network found its evidence."""
    from resnet_desktop.cli.rows import Json, finishing
    from resnet_desktop.imaging.files import find_images

    classifier = open_classifier(model, provider, values=values, page=page)
    bundle = classifier.bundle
    wanted = _Wanted(_class(bundle, target), _class(bundle, against), layer, method, check)
    photos = list(find_images(named_paths(images), recursive=recursive))
    if not photos:
        say("No photos found.")
        raise typer.Exit(EXIT_USAGE)
    refused = [bundle.path, *photos, *((0,) if "-" in images else ())]
    places = _Places(output, photos, refused, "--output", "-heatmap", ".png")
    maps = _Places(save_map, photos, refused, "--save-map", "", ".npz") if save_map is not None else None
    job = _job(classifier, wanted, colormap, places, maps)
    failed = 0
    sink = _sink(places, maps)
    with finishing(Json(sink) if format == "json" else _TableRows(sink)) as write:
        for photo, progress in _followed(photos):
            row = job.row(photo, progress)
            failed += "error" in row
            write(row)
    if failed:
        say(f"{failed} of {len(photos)} failed.")
        raise typer.Exit(EXIT_SOME_FAILED)


def _sink(*places: _Places | None) -> Sink:
    """Where the rows go: not among the bytes of a heatmap."""
    from resnet_desktop.cli.sink import Sink

    if any(place is not None and place.prints for place in places):
        sys.stderr.flush()
        return Sink(sys.stderr.buffer, Path("Standard error"))
    sys.stdout.flush()
    return Sink(None, None)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is asked of every photo."""

    target: int | Group | None
    against: int | Group | None
    layer: str | None
    method: str
    check: bool


class _Places:
    """The file of each photo: the one that is named, or one in a folder under the photo's name.

    Raises:
        typer.BadParameter: one file for several photos, or one that is read.
        StorageError: its folder is not there, or cannot be made.
    """

    def __init__(
        self, wanted: Path | None, photos: list[Path], read: list[Path | int], option: str, extra: str, suffix: str
    ) -> None:
        from resnet_desktop.cli.pictures import FreeNames

        is_file = wanted is not None and not wanted.is_dir() and (wanted.exists() or wanted.suffix.lower() == suffix)
        if is_file and len(photos) > 1:
            raise typer.BadParameter(f"{len(photos)} photos need a folder as output.", param_hint=option)
        if wanted is not None and is_file:
            refused_input(wanted, read, option)
            refuse_nowhere(wanted)
        elif wanted is not None:
            made_folder(wanted)
        self._file = wanted if is_file else None
        self._ending = extra + suffix
        self._names = FreeNames(wanted if wanted is not None else Path(), [p for p in read if isinstance(p, Path)])

    @property
    def prints(self) -> bool:
        """Whether what is written goes to standard output."""
        return self._file is not None and is_standard_output(self._file)

    def of(self, photo: Path) -> Path:
        """The file for a photo; another one at each call."""
        return self._file if self._file is not None else self._names.take(photo, self._ending)


@dataclass(frozen=True, slots=True)
class _Job:
    """Explains one photo after the other."""

    explainer: Explainer
    painter: Painter
    wanted: _Wanted
    places: _Places
    maps: _Places | None

    def row(self, photo: Path, progress: Progress) -> dict[str, Any]:
        """Write the heatmap of one photo; what is said of it in JSON, up to an error if there is one."""
        row: dict[str, Any] = {"path": os.fspath(photo)}
        try:
            self._fill(row, photo, progress)
        except (AnswerError, ImageError, StorageError) as error:
            row |= {"ok": False, "error": error.as_dict()}
        return row

    def _fill(self, row: dict[str, Any], photo: Path, progress: Progress) -> None:
        from resnet_desktop.explain.cam.heatmap import save_map

        wanted = self.wanted
        subject = self.explainer.subject(photo)
        target = subject.prediction.top.index if wanted.target is None else wanted.target
        against = None if wanted.against is None else _classes(wanted.against)
        heatmap = self.explainer.explain(
            subject, _classes(target), layer=wanted.layer, method=wanted.method, against=against, progress=progress
        )
        picture = self.painter.png(photo, heatmap.cam)
        path = self.places.of(photo)
        write_bytes(path, picture)
        row["target"] = self._named(target)
        if wanted.against is not None:
            row["against"] = self._named(wanted.against)
        row |= {"layer": heatmap.layer, "method": heatmap.method, "empty": heatmap.empty, "output": os.fspath(path)}
        if self.maps is not None:
            raw = self.maps.of(photo)
            save_map(raw, heatmap, subject.prediction.logits)
            row["map"] = os.fspath(raw)
        row["checks"] = None
        if wanted.check:
            from resnet_desktop.explain.checks.heatmap_checks import check_heatmap

            row["checks"] = check_heatmap(self.explainer, subject, heatmap, progress=progress).as_dict()
        row["variant"] = self.explainer.classifier.bundle.variant
        row["notes"] = [note.as_dict() for note in subject.prediction.notes]
        row["seconds"] = round(subject.prediction.seconds + heatmap.seconds, 4)

    def _named(self, target: int | Group) -> dict[str, Any]:
        if isinstance(target, int):
            return {"index": target, "label": self.explainer.classifier.bundle.metadata.categories[target]}
        return {"wnid": target.id, "label": target.label, "classes": list(target.classes)}


def _classes(target: int | Group) -> int | tuple[int, ...]:
    return target if isinstance(target, int) else target.classes


def _class(bundle: Bundle, text: str | None) -> int | Group | None:
    from resnet_desktop.bundle.format.class_hierarchy import class_or_group

    return class_or_group(bundle.metadata, text) if text is not None else None


def _job(classifier: Classifier, wanted: _Wanted, colormap: str, places: _Places, maps: _Places | None) -> _Job:
    """Raises LayerError before the first photo, if the layer or the method is none of this model's."""
    from resnet_desktop.cli.pictures import Painter
    from resnet_desktop.explain.cam.explainer import Explainer

    explainer = Explainer(classifier)
    explainer.possible(wanted.layer, wanted.method)
    return _Job(explainer, Painter(classifier, colormap), wanted, places, maps)


class _TableRows:
    """A table, with the outcome of the checks below."""

    def __init__(self, sink: Sink) -> None:
        from rich.table import Table

        self._sink = sink
        self._table = Table(box=None, pad_edge=False, header_style="bold")
        for column in ("photo", "evidence for", "layer", "method", "heatmap"):
            self._table.add_column(column, overflow="fold")
        self._verdicts: list[str] = []

    def write(self, row: dict[str, Any]) -> None:
        """Add the row."""
        _tell(self._table, self._verdicts, row)

    def finish(self) -> None:
        """Print all."""
        from resnet_desktop.cli.rows import print_rows

        print_rows(self._table, self._sink)
        for verdict in self._verdicts:
            self._sink.write(f"\n{printable(verdict)}\n")


def _tell(table: Table, verdicts: list[str], row: dict[str, Any]) -> None:
    """Add a row to a table."""
    name = row["path"]
    if "error" in row:
        table.add_row(cell(name), cell(row["error"]["message"], style="red"), "", "", "")
        return
    label = row["target"]["label"]
    if "against" in row:
        label = f"{label} rather than {row['against']['label']}"
    output = row["output"] + (" (empty: no evidence)" if row["empty"] else "")
    table.add_row(*(cell(text) for text in (name, label, row["layer"], row["method"], output)))
    if row["checks"] is not None:
        verdicts.append(f"{name}: {row['checks']['verdict']}")


def _followed(photos: list[Path]) -> Iterator[tuple[Path, Progress]]:
    """The photos, each with whom to tell how far it is: bars on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield from ((photo, unheard) for photo in photos)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        whole = bars.add_task("photos", total=len(photos))
        for photo in photos:
            part = bars.add_task(printable(photo.name), total=None)

            def tell(done: int, total: int, part: Any = part) -> None:  # noqa: ANN401 - an id, opaque
                bars.update(part, completed=done, total=total)

            yield photo, tell
            bars.remove_task(part)
            bars.advance(whole)
