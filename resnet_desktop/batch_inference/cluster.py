"""The one door to Ray: tables of photos in, tables of answers out, by workers on the nodes of a cluster.

Ray Data hands the tables around, starts the workers, and gives a table to another worker where one is lost.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from resnet_desktop.batch_inference import arrow
from resnet_desktop.batch_inference.arrow import Table
from resnet_desktop.batch_inference.columns import PLACE
from resnet_desktop.batch_inference.ledger import Ledger
from resnet_desktop.batch_inference.worker import Work, lost
from resnet_desktop.core import errors
from resnet_desktop.core.errors import ClusterError, ResNetDesktopError
from resnet_desktop.core.log import logs_folder
from resnet_desktop.core.text.printable import printable

AUTO = "auto"
LOG = "cluster.log"
"""What Ray says of the last run, beside the log."""
CONNECT_SECONDS = 10.0
IN_FLIGHT = 2
"""Tables that a worker is given at once: one that it works at, and one behind it."""
MOST_ROWS, LEAST_TABLES = 64, 4
"""Photos that a worker is given at once for each of its cores: a second or two of work, which are lost with it; fewer
where there would not be some tables for each worker."""
MOST_TABLES = 500
"""For each worker, handed to Ray at once: what it is told of stays in the driver's memory until all has come back. For
the next ones, a quarter of an hour later, workers are started anew."""
MOST_TRIES = 2
"""So often a photo is tried alone, after it was lost with others."""
_KEPT_ALIVE = {"max_restarts": -1, "max_task_retries": -1}
"""Of the ledger: started anew where it is lost, and asked again meanwhile; what it had counted counts no more."""
_MARK = "resnet-desktop: "
"""Before an error of ours in what Ray says of a worker's."""
_RAISED, _AROUND = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception): \S"), "ray.exceptions.UserCodeException"
"""A line of Ray's that names an exception, and the one that it puts around all of them, followed by its advice."""
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is told to anybody
}


@dataclass(frozen=True, slots=True)
class Size:
    """How much of a cluster is used.

    Attributes:
        workers: how many, at the most.
        room: how many there is room for now; a cluster may grow.
        cores: processor cores of each.
        gpus: whether each has a GPU.
    """

    workers: int
    room: int
    cores: int
    gpus: bool


def library() -> ModuleType:
    """The module ray. Raises ClusterError (``no_ray``)."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ImportError as error:
        message = "--ray needs the package Ray with its part for data, which is not installed."
        raise ClusterError("no_ray", message, "Install it: pip install 'resnet-desktop[ray]'.") from error
    module: ModuleType = ray
    return module


@contextmanager
def connected(address: str) -> Iterator[ModuleType]:
    """Ray, connected to the cluster at an address (``host:port``, ``ray://host:port``).

    ``auto`` is what ``RAY_ADDRESS`` names or ``ray start`` has started here, else a cluster that lives as long as this.

    Raises:
        ClusterError: ``no_ray``, ``no_cluster``.
    """
    ray = library()
    with _native_talk_aside():
        _connect(ray, address)
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        try:
            yield ray
        finally:
            ray.shutdown()


def _connect(ray: ModuleType, address: str) -> None:
    options = {"logging_level": logging.ERROR, "log_to_driver": False}
    try:
        if address == AUTO:  # Ray's own "auto" would also take one that another program has started for itself alone
            ray.init(include_dashboard=False, **options)
        else:
            _check_answers(address)
            ray.init(address=address, **options)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        message = f"No cluster of Ray answers at {printable(address)}."
        raise ClusterError("no_cluster", message, "Start one: ray start --head.") from error


def _check_answers(address: str) -> None:
    """Raises OSError or ValueError if nobody listens there: Ray itself would try for minutes."""
    found = urlsplit(address if "://" in address else f"//{address}")
    if not found.hostname or not found.port:
        raise ValueError(address)
    socket.create_connection((found.hostname, found.port), CONNECT_SECONDS).close()


@contextmanager
def _native_talk_aside() -> Iterator[None]:
    """What Ray's libraries in C++ print names their own source lines, and goes to a file beside the log.

    Python's own standard error stays what it was.
    """
    sys.stderr.flush()
    path = logs_folder() / LOG
    path.parent.mkdir(parents=True, exist_ok=True)
    stream, kept = sys.stderr, os.dup(2)
    try:
        with path.open("wb") as file, os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace") as own:
            own.reconfigure(line_buffering=True)
            os.dup2(file.fileno(), 2)
            if stream is sys.__stderr__:  # else somebody else hears it already, such as a test
                sys.stderr = own
            yield
    finally:
        sys.stderr = stream
        os.dup2(kept, 2)
        os.close(kept)


def size_of(ray: ModuleType, workers: int | None, cores_each: int, *, gpus: bool) -> Size:
    """What is used of a cluster: so many workers, or as many as it has room for.

    Raises:
        ClusterError: ``no_resources``: it has no GPU, or too few cores for one worker.
    """
    there = ray.cluster_resources()
    room = int(there.get("GPU", 0)) if gpus else int(there.get("CPU", 0)) // cores_each
    if room < 1:
        what = "no GPU" if gpus else f"no {cores_each} free processor cores"
        raise ClusterError("no_resources", f"The cluster has {what} for a worker.")
    return Size(workers or room, min(workers or room, room), cores_each, gpus)


def table_rows(photos: int, size: Size) -> int:
    """Photos of a table that a worker is given at once."""
    return max(size.cores, min(MOST_ROWS * size.cores, photos // (size.workers * LEAST_TABLES)))


def classified(ray: ModuleType, work: Work, tables: Iterator[Table], size: Size) -> Iterator[Table]:
    """Answers to tables of ``worker.inputs``, in whatever order they are done.

    Raises:
        ClusterError: ``worker_failed``: a worker cannot do its work anywhere; what workers raise.
    """
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.enable_auto_log_stats = False
    given = ray.put(work), _ledger(ray)
    try:
        while wave := list(itertools.islice(tables, MOST_TABLES * size.workers)):
            yield from _answers(ray, given, wave, size)
    except ray.exceptions.RayError as error:
        raise _understood(error) from error


def _answers(ray: ModuleType, given: tuple[Any, Any], tables: list[Table], size: Size) -> Iterator[Table]:
    pool = ray.data.ActorPoolStrategy(
        min_size=size.room, max_size=size.workers, max_tasks_in_flight_per_actor=IN_FLIGHT
    )
    answers = ray.data.from_arrow(tables).map_batches(
        _Actor,
        fn_constructor_args=given,
        batch_size=None,
        batch_format="pyarrow",
        compute=pool,
        num_cpus=size.cores,
        num_gpus=1 if size.gpus else 0,
    )
    yield from answers.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)


def _ledger(ray: ModuleType) -> Any:  # noqa: ANN401 - an actor's handle
    """A ledger beside the driver."""
    here = ray.get_runtime_context().get_node_id()
    where = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(here, soft=True)
    return ray.remote(Ledger).options(num_cpus=0, scheduling_strategy=where, **_KEPT_ALIVE).remote()


class _Actor:
    """A worker in a process of Ray's.

    A table that another process did not survive is worked at photo by photo, until the photo is found that it was; that
    one gets a row with an error. Ray itself would try for ever, or give up the run.
    """

    def __init__(self, work: Any, ledger: Any) -> None:  # noqa: ANN401 - a reference to Work, a handle
        from resnet_desktop.batch_inference.worker import Worker

        self._ray, self._ledger = library(), ledger
        self._worker, self._problem = None, None
        try:
            self._worker = Worker(self._ray.get(work))
        except ResNetDesktopError as error:  # Ray passes on what a table raises, of this only a text
            self._problem = error

    def __call__(self, table: Table) -> Table:
        try:
            return self._classified(table)
        except ResNetDesktopError as error:
            raise RuntimeError(_in_transit(error)) from error

    def _classified(self, table: Table) -> Table:
        if self._problem is not None:
            raise self._problem
        first = table[PLACE][0].as_py()
        if self._begin("table", first) == 1:
            assert self._worker is not None
            found = self._worker(table)
        else:
            parts = [self._alone(table.slice(row, 1)) for row in range(table.num_rows)]
            found = arrow.library().concat_tables(parts)
        self._end("table", first)
        return found

    def _alone(self, photo: Table) -> Table:
        place = photo[PLACE][0].as_py()
        tries = self._begin("photo", place)
        assert self._worker is not None
        found = self._worker(photo) if tries <= MOST_TRIES else lost(photo)
        self._end("photo", place)
        return found

    def _begin(self, kind: str, place: int) -> int:
        return int(self._ray.get(self._ledger.begin.remote(kind, place)))

    def _end(self, kind: str, place: int) -> None:
        self._ledger.end.remote(kind, place)


def _in_transit(error: ResNetDesktopError) -> str:
    """An error as a line of text: that is what Ray brings from one process to another whole."""
    return _MARK + json.dumps([type(error).__name__, error.code, error.message, error.hint])


def _understood(error: BaseException) -> ResNetDesktopError:
    """What a worker has raised, where it is an error of the app; else one that says what Ray says."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = next((line.partition(_MARK)[2] for line in reversed(lines) if _MARK in line), None)
    if told is not None:
        (name, code, message, hint), _end = json.JSONDecoder().raw_decode(told)
        kind = getattr(errors, name, ClusterError)
        found: ResNetDesktopError = kind(code, message, hint)
        return found
    raised = [line for line in lines if _RAISED.match(line) and not line.startswith(_AROUND)]
    said = printable((raised or lines or [type(error).__name__])[-1][:500]).rstrip(".")
    return ClusterError("worker_failed", f"A worker of the cluster failed: {said}.")
