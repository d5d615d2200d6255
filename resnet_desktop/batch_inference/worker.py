"""What a worker of the cluster does: a session of its own, and the road that all photos take.

Only paths come in, and only rows go out: a picture never leaves the process that decodes it.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from resnet_desktop import __version__
from resnet_desktop.batch_inference import columns, heatmaps, storage
from resnet_desktop.batch_inference.arrow import Table
from resnet_desktop.batch_inference.manifest import Options
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.core import atomic, paths
from resnet_desktop.core.errors import AnswerError, ClusterError, ImageError, StorageError
from resnet_desktop.explain.cam.best_class import BestClassHeatmaps
from resnet_desktop.imaging.decode import Source
from resnet_desktop.imaging.region import Region
from resnet_desktop.imaging.source import display_name
from resnet_desktop.inference.batch import Outcome, classify_many
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.inference.runtime import on_threads
from resnet_desktop.session import result_rows
from resnet_desktop.session.results import FileState
from resnet_desktop.session.saved import file_state

FETCHED_AHEAD = 8
"""Photos that lie elsewhere are fetched side by side: a storage is slow to answer, and answers many at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """What all workers need to know.

    Attributes:
        version: of the program.
        bundle: the model, with what is known of it.
        weights: the bytes of its file.
        options: what else the answers depend on.
        cores: threads of one worker.
        memory: bytes that all pictures decoded at once in one worker share.
    """

    version: str
    bundle: Bundle
    weights: bytes
    options: Options
    cores: int
    memory: int


@dataclass(frozen=True, slots=True)
class Photo:
    """One input.

    Attributes:
        place: among all of the run, from 0.
        path: a path, or the address of a photo that lies elsewhere.
        about: what its row has besides, by ``columns.ABOUT``.
        state: size and time of its file before it is read.
        error: why it could not be fetched.
    """

    place: int
    path: str
    about: Mapping[str, Any]
    state: FileState | None = None
    error: ImageError | None = None


class Worker:
    """Classifies the photos of one table after the other.

    Raises:
        ClusterError: ``other_version``: the node has another version of this program.
        ModelError, ProviderError, StorageError: the model cannot be run there.
        LayerError: heatmaps are wanted, and the model has no layer with height and width.
    """

    def __init__(self, work: Work) -> None:
        if work.version != __version__:
            message = f"A node of the cluster has version {__version__} of this program, not {work.version}."
            raise ClusterError("other_version", message, "Install the same version on all nodes.")
        self._work, options = work, work.options
        self._model = work.bundle.path.stem
        self._classifier = Classifier(
            _here(work),
            provider=options.provider,
            top_k=options.top,
            keep_activations=options.heatmaps,
            max_pixels=options.max_pixels,
            group_threshold=options.group_threshold,
            range=options.range,  # type: ignore[arg-type]
            page=options.page,
            factory=on_threads(work.cores),
        )
        self._heatmaps = BestClassHeatmaps(self._classifier) if options.heatmaps else None

    def __call__(self, table: Table) -> Table:
        """From ``inputs`` to the columns of results, with the place of each photo."""
        records: list[dict[str, Any]] = []
        places: list[int] = []
        with tempfile.TemporaryDirectory(prefix="resnet-desktop-") as folder:
            for photo, record in self._classified(photos(table), Path(folder)):
                places.append(photo.place)
                records.append(record)
        return columns.table(records, places)

    def _classified(self, wanted: list[Photo], folder: Path) -> Iterator[tuple[Photo, dict[str, Any]]]:
        taken: deque[Photo] = deque()
        failed: list[Photo] = []
        sources = _sources(wanted, folder, taken, failed)
        work = self._work
        outcomes = classify_many(self._classifier, sources, workers=work.cores, memory=work.memory)
        with closing(outcomes):
            for outcome in outcomes:
                photo = taken.popleft()
                record = self._record(photo, outcome)
                _forget(photo, outcome)
                yield photo, record
        for photo in failed:
            assert photo.error is not None
            yield photo, columns.record(result_rows.failed(photo.path, photo.error.as_dict(), photo.about))

    def _record(self, photo: Photo, outcome: Outcome) -> dict[str, Any]:
        row = result_rows.of_outcome(photo.path, outcome, self._model, photo.about)
        if outcome.prediction is None:
            return columns.record(row, None, photo.state)
        size = outcome.prediction.full_size
        if self._heatmaps is None:
            return columns.record(row, size, photo.state)
        try:
            heatmap = self._heatmaps(outcome.source, outcome.prediction)
        except (AnswerError, ImageError) as error:
            return columns.record(result_rows.failed(photo.path, error.as_dict(), photo.about), size, photo.state)
        box = self._classifier.bundle.metadata.transforms.seen_box(*size, self._classifier.fit)
        return {**columns.record(row, size, photo.state), columns.HEATMAP: heatmaps.record(heatmap, box, size)}


def lost(table: Table) -> Table:
    """The rows of photos that no process has survived."""
    records, found = [], photos(table)
    for photo in found:
        message = f"{display_name(photo.path)} could not be read: each process that tried ended."
        error = ImageError("reader_lost", message)
        records.append(columns.record(result_rows.failed(photo.path, error.as_dict(), photo.about)))
    return columns.table(records, [photo.place for photo in found])


def inputs(found: Sequence[Photo]) -> Table:
    """Photos as a table for a worker."""
    from resnet_desktop.batch_inference import arrow

    pa = arrow.library()
    values = {
        "place": pa.array([one.place for one in found], pa.int64()),
        "path": pa.array([os.fsencode(one.path) for one in found], pa.binary()),
        "about": pa.array([json.dumps(one.about) if one.about else "" for one in found], pa.string()),
    }
    return pa.table(values)


def photos(table: Table) -> list[Photo]:
    """The photos of such a table."""
    return [
        Photo(one["place"], os.fsdecode(one["path"]), json.loads(one["about"]) if one["about"] else {})
        for one in table.to_pylist()
    ]


def _sources(wanted: list[Photo], folder: Path, taken: deque[Photo], failed: list[Photo]) -> Iterator[Source]:
    """What is classified, in order, each added to ``taken`` as it is given; those that cannot be got to ``failed``."""
    fetched = _fetched([photo for photo in wanted if storage.is_address(photo.path)], folder)
    for photo in wanted:
        if not storage.is_address(photo.path):
            taken.append(replace(photo, state=file_state(Path(photo.path))))
            yield source_of(photo.path, photo.about)
            continue
        found = next(fetched)
        if isinstance(found, ImageError):
            failed.append(replace(photo, error=found))
        else:
            taken.append(photo)
            yield source_of(str(found), photo.about)


def source_of(path: str, about: Mapping[str, Any]) -> Source:
    """What is read of a file: a part of it where the photo is a detection."""
    detection = about.get("detection")
    return path if detection is None else Region(path, tuple(detection["bbox"]))


def _fetched(wanted: list[Photo], folder: Path) -> Iterator[Path | ImageError]:
    """The local copies of photos that lie elsewhere, in order, some fetched ahead."""
    if not wanted:
        return
    with ThreadPoolExecutor(FETCHED_AHEAD, thread_name_prefix="fetch") as pool:
        coming: deque[Future[Path | ImageError]] = deque()
        for photo in wanted:
            coming.append(pool.submit(_fetch, photo, folder))
            if len(coming) >= FETCHED_AHEAD:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()


def _fetch(photo: Photo, folder: Path) -> Path | ImageError:
    own = folder / str(photo.place)
    own.mkdir()
    try:
        return storage.fetch(photo.path, own)
    except ImageError as error:
        return error


def _forget(photo: Photo, outcome: Outcome) -> None:
    """Remove the copy of a photo that lies elsewhere."""
    if storage.is_address(photo.path):
        assert not isinstance(outcome.source, bytes)
        Path(outcome.source).unlink(missing_ok=True)


def _here(work: Work) -> Bundle:
    """The model, its file on this computer: where it is on the driver's, if that is the same file, else a copy."""
    bundle = work.bundle
    state = file_state(bundle.path)
    if state == (bundle.size, bundle.modified_ns):
        return bundle
    digits = hashlib.sha256(work.weights).hexdigest()
    copy = paths.cache_folder() / "cluster" / digits / bundle.path.name
    if file_state(copy) is None or copy.read_bytes() != work.weights:
        atomic.write_bytes(copy, work.weights)
    found = file_state(copy)
    if found is None:
        raise StorageError("write_failed", f"{copy} could not be written.")
    return replace(bundle, path=copy, modified_ns=found[1])
