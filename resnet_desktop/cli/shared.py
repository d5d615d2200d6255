"""What the commands have in common: options, opening the model, output."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TextIO, cast

import typer

from resnet_desktop.core import output
from resnet_desktop.core import settings as declared
from resnet_desktop.core.errors import StorageError
from resnet_desktop.core.settings import Settings
from resnet_desktop.core.text.printable import printable

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from resnet_desktop.bundle.file.bundle import Bundle
    from resnet_desktop.imaging.deep.limits import Range
    from resnet_desktop.inference.classifier import Classifier

EXIT_NO_MODEL = 1
EXIT_USAGE = 2
EXIT_SOME_FAILED = 3
PIPE_WIDTH = 120
"""Columns of a table that goes to no terminal."""

ModelOption = Annotated[str | None, typer.Option("--model", metavar="NAME|PATH", help="The model to use.")]
ProviderOption = Annotated[
    str | None, typer.Option("--provider", metavar="auto|cpu|cuda|…", help="The execution provider to use.")
]
GroupThresholdOption = Annotated[
    float | None,
    typer.Option("--group-threshold", min=0.0, max=1.0, metavar="P", help="Confidence threshold, 0 to 1."),
]
RangeOption = Annotated[
    Literal["tags", "stored", "stretched"] | None,
    typer.Option("--range", help="Black and white points, for photos with more than 8 bits."),
]
PageOption = Annotated[
    int | None, typer.Option("--page", min=1, metavar="N", help="Page to read, for files with several.")
]
TargetOption = Annotated[
    str | None, typer.Option("--target", metavar="CLASS", help="A label, index or group. Default: the top prediction.")
]
TableOrJson = Literal["table", "json"]
FormatOption = Annotated[TableOrJson, typer.Option("--format", help="Output format.")]


def say(message: str) -> None:
    """Say something to the person, on standard error, in one line."""
    sys.stderr.write(printable(message) + "\n")


def tell(message: str) -> None:
    """One line of an answer, on standard output."""
    sys.stdout.write(printable(message) + "\n")


def tell_path(path: str) -> None:
    """A path on standard output: as it is for a program, printable on a terminal."""
    if sys.stdout.isatty():
        tell(path)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(os.fsencode(path) + b"\n")
    sys.stdout.buffer.flush()


def cell(text: str, style: str = "") -> Text:
    """Text for a table or a title: never read as markup (a file may be called ``[red]``), and printable."""
    from rich.text import Text

    return Text(printable(text), style=style)


def model_path(model: str | None) -> Path:
    """The file of the model that is named, or of the one of the settings, or of the default one.

    Raises:
        ModelError: there is none of that name, or none at all.
        StorageError: the default one cannot be made.
    """
    from resnet_desktop.bundle.library.library import Library

    library, settings = Library(), Settings()
    wanted = model or settings.string(declared.MODEL)
    if wanted:
        return library.find(wanted)
    default = library.default()
    if default.problem is not None:
        _say_once(settings, f"{default.problem} Using {default.path.stem} until then.")
    return default.path


def open_bundle(model: str | None) -> Bundle:
    """The same model, read. Raises ModelError, StorageError."""
    from resnet_desktop.bundle.library import remembered_labels

    return remembered_labels.read(model_path(model))


def _say_once(settings: Settings, sentence: str) -> None:
    """Say something of the default model, unless it was said before, here or in the window."""
    if settings.string(declared.TOLD_PROBLEM) == sentence:
        return
    say(sentence)
    with suppress(StorageError):  # then it is said again
        settings.change(declared.TOLD_PROBLEM, sentence)


def open_admitted(model: str | None) -> Bundle:
    """The same, to be run: a file that is new here is tried in a process of its own first. Raises ModelError."""
    from resnet_desktop.inference import opening

    return opening.open_admitted(model_path(model))


def open_classifier(
    model: str | None,
    provider: str | None,
    *,
    values: Range | None = None,
    page: int | None = None,
    **options: Any,  # noqa: ANN401 - of Classifier
) -> Classifier:
    """The same, ready, as options and settings say. Raises ModelError, ProviderError."""
    from resnet_desktop.inference.classifier import Classifier
    from resnet_desktop.inference.runtime import on_threads
    from resnet_desktop.inference.tuning import choice

    settings = Settings()
    opened = choice.opened(open_admitted(model), settings.string(declared.TUNED), wanted_provider(provider))
    if opened.problem:
        say(opened.problem)
    return Classifier(
        opened.bundle,
        provider=opened.provider,
        max_pixels=settings.integer(declared.MAX_MEGAPIXELS) * 1_000_000,
        range=wanted_range(values, opened.bundle),
        page=page,
        way=opened.way,
        on_fallback=say,
        factory=on_threads(settings.integer(declared.THREADS)),
        **options,
    )


def wanted_provider(provider: str | None) -> str:
    """The provider that is named, or the one of the settings."""
    return provider or Settings().string(declared.PROVIDER)


def wanted_group_threshold(threshold: float | None) -> float:
    """The threshold that is named, or the one of the settings."""
    return Settings().number(declared.GROUP_THRESHOLD) if threshold is None else threshold


def wanted_range(chosen: Range | None, bundle: Bundle) -> Range:
    """The range that is named, or that the model was trained with, or that of the settings."""
    return chosen or bundle.metadata.transforms.range or cast("Range", Settings().string(declared.RANGE))


def named_paths(paths: list[str], photos: Path | None = None) -> Iterator[str]:
    """The paths of the command line; ``-`` stands for those on standard input, a text file for those in it.

    One a line, in any bytes.

    Args:
        paths: as they were given.
        photos: the folder that the paths in text files start from; None: the text file's, else the working folder.
    """
    for path in paths:
        if path == "-":
            yield from _lines(sys.stdin.buffer)
        elif is_text_list(path):
            yield from (_from_list(name, path, photos) for name in _listed(path))
        else:
            yield path


def is_text_list(path: str) -> bool:
    """Whether a path is that of a text file, which stands for the paths in it."""
    return path.lower().endswith(".txt") and os.path.isfile(path)  # noqa: PTH113 - Path's raises for long names


def _from_list(name: str, path: str, photos: Path | None) -> str:
    """A path in a text file, as it is from the working folder."""
    if photos is not None:
        return name if "://" in name else os.path.join(photos, name)  # noqa: PTH118 - an absolute path stays as it is
    beside = os.path.join(os.path.dirname(path), name)  # noqa: PTH118, PTH120 - Path would change what is shown
    return beside if os.path.lexists(beside) else name


def _listed(path: str) -> Iterator[str]:
    try:
        with Path(path).open("rb") as file:
            yield from _lines(file)
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be read: {error.strerror or error}.", param_hint="PATH") from error


def _lines(stream: Iterable[bytes]) -> Iterator[str]:
    for line in stream:
        name = os.fsdecode(line.rstrip(b"\r\n"))
        if name:
            yield name


def as_json(value: Any, *, indent: int | None = None) -> str:  # noqa: ANN401 - whatever JSON can hold
    r"""JSON in plain ASCII: bytes of a path that are not UTF-8 appear as lone surrogates (``\udce9``)."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, indent=indent)


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """One JSON value on standard output."""
    sys.stdout.write(as_json(value, indent=1) + "\n")


def print_table(table: Table, out: TextIO | None = None) -> None:
    """A table on standard output or in a file, as wide as the terminal or ``PIPE_WIDTH``."""
    from rich.console import Console

    stream = out or sys.stdout
    Console(file=stream, width=None if stream.isatty() else PIPE_WIDTH, highlight=False).print(table)


def made_folder(folder: Path) -> None:
    """Make a folder that was named to be written to, and say so; not those above it. Raises StorageError."""
    from resnet_desktop.imaging.files import printable

    if output.make_folder(folder):
        say(f"Created the folder {printable(folder)}.")


def refused_input(path: Path | None, inputs: Iterable[object], option: str) -> None:
    """End as wrong usage if what is to be written is one of the files that are read."""
    if path is not None and output.is_one_of(path, inputs):
        raise typer.BadParameter("That file is also an input and would be overwritten.", param_hint=option)
