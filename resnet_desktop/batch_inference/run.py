"""A run: the photos that have no row yet go to the cluster, and their rows into the folder."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resnet_desktop.batch_inference import arrow, columns
from resnet_desktop.batch_inference.arrow import Table
from resnet_desktop.batch_inference.manifest import ModelFile
from resnet_desktop.batch_inference.results_folder import Growing
from resnet_desktop.batch_inference.worker import Photo, inputs
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.core.errors import ClusterError
from resnet_desktop.core.text.printable import printable
from resnet_desktop.session.saved import file_state

PART_ROWS = 10_000
PART_SECONDS = 30.0
"""A part is written at the latest so long after the one before it: so much work is lost with the driver."""

Given = tuple[str, Mapping[str, Any]]
"""A path or an address, and what its row has besides."""
Classify = Callable[[Iterator[Table]], Iterator[Table]]
"""What gives the answers to tables of photos, in any order; it takes them when it needs them."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        done: photos that have a row in the folder or will have it with the next part.
        total: photos of the run.
        before: photos that earlier runs have done, of those that were named.
        failed: photos with an error, of this run.
        seconds: since the first answer was waited for.
    """

    done: int
    total: int
    before: int
    failed: int
    seconds: float


def model_file(bundle: Bundle) -> ModelFile:
    """What a manifest says of a model. Raises ModelError."""
    known = json.dumps(bundle.metadata.to_props(), sort_keys=True).encode()
    return ModelFile(bundle.path.stem, os.fspath(bundle.path), bundle.file_sha256, hashlib.sha256(known).hexdigest())


def pending(folder: Growing, given: Iterable[Given]) -> tuple[list[Photo], int]:
    """The photos without a row, each once; and how many of those that were named have one. Raises ResultsError."""
    known = folder.known()
    wanted: list[Photo] = []
    before = 0
    mine = set()
    for path, about in given:
        key = columns.key(path, about)
        if key in known:
            before += 1
        elif key not in mine:
            mine.add(key)
            wanted.append(Photo(len(wanted), path, about))
    return wanted, before


def carry_out(
    folder: Growing,
    wanted: Sequence[Photo],
    before: int,
    classify: Classify,
    tell: Callable[[Progress], None],
    *,
    table_rows: int,
    part_rows: int = PART_ROWS,
) -> int:
    """Classify photos and write their rows, in parts; how many have an error.

    What is done is written also where the run breaks off.

    Args:
        folder: where the rows go.
        wanted: as ``pending`` gives them.
        before: how many are done already.
        classify: gives the answers.
        tell: called after each table of answers.
        table_rows: photos that a worker is given at once.
        part_rows: rows of a part.

    Raises:
        ClusterError: ``not_finished``: photos are left without an answer; what ``classify`` raises.
        StorageError: a part cannot be written.
    """
    tables = (inputs(wanted[first : first + table_rows]) for first in range(0, len(wanted), table_rows))
    rows = _Rows(folder, len(wanted), part_rows)
    started = time.monotonic()
    with rows:
        for answers in classify(tables):
            rows.add(answers)
            tell(Progress(rows.count, len(wanted), before, rows.failed, time.monotonic() - started))
    left = len(wanted) - rows.count
    if left:
        message = f"{left:,} of {len(wanted):,} photos came back without an answer."
        raise ClusterError("not_finished", message, "Run the same command again: it continues.")
    folder.finish()
    return rows.failed


class _Rows(AbstractContextManager["_Rows"]):
    """Rows on their way into parts. One that comes twice, as after the loss of a node, counts once."""

    def __init__(self, folder: Growing, total: int, part_rows: int) -> None:
        self._folder, self._part_rows = folder, part_rows
        self._seen = bytearray(total)
        self._waiting: list[Table] = []
        self._last = time.monotonic()
        self.count = self.failed = 0

    def add(self, answers: Table) -> None:
        """Take rows, and write a part if it is time. Raises StorageError."""
        pa = arrow.library()
        _check_visible(answers)
        new = []
        for row, place in enumerate(answers[columns.PLACE].to_pylist()):
            if not self._seen[place]:
                self._seen[place] = 1
                new.append(row)
        if len(new) < answers.num_rows:
            answers = answers.take(pa.array(new, pa.int64()))
        if not new:
            return
        self._waiting.append(answers)
        self.count += len(new)
        self.failed += answers["ok"].to_pylist().count(False)
        if self._held >= self._part_rows or time.monotonic() - self._last >= PART_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what waits as a part. Raises StorageError."""
        if not self._waiting:
            return
        pa = arrow.library()
        table = pa.concat_tables(self._waiting).sort_by(columns.PLACE)
        self._waiting = []
        self._folder.add(table.select(columns.schema().names).cast(columns.schema()))
        self._last = time.monotonic()

    @property
    def _held(self) -> int:
        return sum(table.num_rows for table in self._waiting)

    def __exit__(self, *_error: object) -> None:
        self.flush()


def _check_visible(answers: Table) -> None:
    """Raises ClusterError (``photos_not_visible``) if a worker does not find a file that is here."""
    pc = arrow.compute()
    missing = answers.filter(pc.equal(pc.struct_field(answers["error"], "code"), "missing_file"))
    for stored in missing.select(["path", "path_bytes"]).to_pylist():
        path = columns.path_of(stored)
        if file_state(Path(path)) is not None:
            message = f"{printable(path)} is here, but a node of the cluster does not find it."
            hint = "The photos must lie under the same path on all nodes: on a network drive, or in a storage."
            raise ClusterError("photos_not_visible", message, hint)
