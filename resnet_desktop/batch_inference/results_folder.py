"""A folder of results: Parquet files and a manifest. Parts are added to it whole, and never changed afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from resnet_desktop import __version__
from resnet_desktop.batch_inference import arrow, columns, manifest
from resnet_desktop.batch_inference.arrow import Table
from resnet_desktop.batch_inference.manifest import Manifest, ModelFile, Options, Part
from resnet_desktop.core import atomic
from resnet_desktop.core.errors import ResultsError, StorageError
from resnet_desktop.core.text.printable import printable

LOCK = ".lock"
_BLOCK = 1 << 20
_PIECE = 10_000
"""Rows that are taken out of a part at once."""


class Results:
    """A folder to be read.

    Args:
        folder: it, or its manifest.

    Raises:
        ResultsError: ``no_pyarrow``, ``missing_results``, ``bad_results``, ``newer_results``.
    """

    def __init__(self, folder: Path) -> None:
        arrow.library()
        self.folder = folder.parent if folder.name == manifest.NAME else folder
        self.manifest = manifest.read(self.folder)

    def tables(self, names: list[str] | None = None) -> Iterator[Table]:
        """The parts, each checked against its checksum; of the columns with these names, or of all.

        Raises:
            ResultsError: ``bad_results``.
        """
        for part in self.manifest.parts:
            check(self.folder, part)
            yield _table(self.folder, part, names)

    def records(self) -> Iterator[dict[str, Any]]:
        """All that is stored, photo by photo. Raises ResultsError (``bad_results``)."""
        for table in self.tables():
            yield from records(table)


def records(table: Table) -> Iterator[dict[str, Any]]:
    """The records of a table, of which only some are in memory at once."""
    for piece in table.to_batches(max_chunksize=_PIECE):
        yield from piece.to_pylist()


class Growing:
    """A folder that is being written. See ``growing``."""

    def __init__(self, folder: Path, begun: Manifest) -> None:
        self._folder = folder
        self.manifest = begun

    def known(self) -> set[tuple[str, int, str]]:
        """The keys (``columns.key``) of all that has a row. Raises ResultsError."""
        found = set()
        for part in self.manifest.parts:
            table = _table(self._folder, part, ["path", "path_bytes", *columns.ABOUT])
            found |= {columns.key(columns.path_of(one), one) for one in records(table)}
        return found

    def add(self, table: Table) -> Part:
        """Write rows as the next part, and name it in the manifest. Raises StorageError."""
        numbers = [int(part.file[5:-8]) for part in self.manifest.parts]
        path = self._folder / f"part-{max(numbers, default=-1) + 1:05}.parquet"
        with atomic.replacing(path) as temporary:
            arrow.parquet().write_table(table, temporary, compression="zstd")
            digits = _sha256(temporary)
        failed = table.num_rows - (arrow.compute().sum(table["ok"]).as_py() or 0)
        part = Part(path.name, table.num_rows, failed, digits)
        self._write(replace(self.manifest.with_part(part), complete=False))
        return part

    def finish(self) -> None:
        """Say in the manifest that all is there. Raises StorageError."""
        self._write(replace(self.manifest, complete=True))

    def _write(self, changed: Manifest) -> None:
        manifest.write(self._folder, changed)
        self.manifest = changed


@contextmanager
def growing(folder: Path, model: ModelFile, options: Options) -> Iterator[Growing]:
    """Open a folder to write results into it, new or with what earlier runs have left; locked meanwhile.

    A part that is damaged or gone is dropped, so that its photos count as not done.

    Raises:
        ResultsError: ``no_pyarrow``, ``not_results``, ``results_differ``, ``bad_results``, ``newer_results``.
        StorageError: it cannot be made or written, or another run writes there (``in_use``).
    """
    arrow.library()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / LOCK, timeout=0):
            begun = _begun(folder, model, options)
            manifest.write(folder, begun)
            _sweep(folder, begun)
            yield Growing(folder, begun)
    except Timeout as error:
        message = f"Results are being written to {printable(folder)} already."
        raise StorageError("in_use", message, "Wait for the end of that run.") from error
    except FileExistsError as error:
        message = f"{printable(folder)} is a file, not a folder."
        raise StorageError("write_failed", message, "Choose another name.") from error
    except OSError as error:
        raise atomic.storage_error(folder, error) from error


def _begun(folder: Path, model: ModelFile, options: Options) -> Manifest:
    if not (folder / manifest.NAME).exists():
        if any(path.name != LOCK for path in folder.iterdir()):
            message = f"{printable(folder)} has files in it that are not results."
            raise ResultsError("not_results", message, "Choose a new folder.")
        return Manifest(__version__, model, options)
    found = manifest.read(folder)
    _same(folder, found, model, options)
    return replace(found, complete=False, parts=tuple(part for part in found.parts if _is_whole(folder, part)))


def _same(folder: Path, found: Manifest, model: ModelFile, options: Options) -> None:
    """Raises ResultsError (``results_differ``) unless answers of this model may be added."""
    hint, name = "Choose another folder.", printable(folder)
    if (found.model.sha256, found.model.known) != (model.sha256, model.known):
        which = f"The results in {name} are from another model or other labels ({printable(found.model.name)})."
        raise ResultsError("results_differ", which, hint)
    if found.options != options:
        names = [one for one in Options.__slots__ if getattr(found.options, one) != getattr(options, one)]
        said = ", ".join(f"{one} {getattr(found.options, one)}" for one in names)
        raise ResultsError("results_differ", f"The results in {name} were made with {said}.", hint)


def _sweep(folder: Path, kept: Manifest) -> None:
    """Remove parts that the manifest does not name: a run ended between the two, or they were damaged."""
    names = {part.file for part in kept.parts}
    for path in folder.glob("part-*.parquet"):
        if path.name not in names:
            path.unlink()
    for path in folder.glob(".part-*.part"):  # a part that was being written
        path.unlink()


def check(folder: Path, part: Part) -> None:
    """Raises ResultsError (``bad_results``) unless a part is as it was written."""
    try:
        found = _sha256(folder / part.file)
    except OSError as error:
        message = f"{printable(folder / part.file)} cannot be read: {error.strerror or error}."
        raise ResultsError("bad_results", message) from error
    if found != part.sha256:
        raise ResultsError("bad_results", f"{printable(folder / part.file)} has changed since it was written.")


def _is_whole(folder: Path, part: Part) -> bool:
    try:
        check(folder, part)
    except ResultsError:
        return False
    return True


def _table(folder: Path, part: Part, names: list[str] | None) -> Table:
    pa = arrow.library()
    try:
        found = arrow.parquet().read_table(folder / part.file, columns=names)
    except (OSError, pa.ArrowException) as error:
        raise ResultsError("bad_results", f"{printable(folder / part.file)} cannot be read.") from error
    wanted = [one for one in columns.schema() if names is None or one.name in names]
    last = wanted[-1]
    if last.name == columns.HEATMAP and last.name not in found.schema.names:  # written before there were any
        found = found.append_column(last, pa.nulls(found.num_rows, last.type))
    if list(found.schema) != wanted or found.num_rows != part.rows:
        raise ResultsError("bad_results", f"{printable(folder / part.file)} has other columns or rows than it should.")
    return found


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
