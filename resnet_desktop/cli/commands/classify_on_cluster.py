"""``resnet-desktop classify --ray``: photos by the million, on a cluster, into a folder of results."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from resnet_desktop import __version__
from resnet_desktop.batch_inference import storage
from resnet_desktop.batch_inference.manifest import Options
from resnet_desktop.batch_inference.results_folder import growing
from resnet_desktop.batch_inference.run import PART_ROWS, Progress, carry_out, model_file, pending
from resnet_desktop.cli.commands.classify import Wish, conclude
from resnet_desktop.cli.inputs import Inputs, about
from resnet_desktop.cli.shared import (
    open_admitted,
    say,
    wanted_group_threshold,
    wanted_provider,
    wanted_range,
)
from resnet_desktop.core import settings as declared
from resnet_desktop.core.settings import Settings
from resnet_desktop.imaging.files import find_images
from resnet_desktop.session.results import Limits

if TYPE_CHECKING:
    from resnet_desktop.batch_inference.results_folder import Growing
    from resnet_desktop.batch_inference.run import Given
    from resnet_desktop.bundle.file.bundle import Bundle
    from resnet_desktop.imaging.decode import Source

SAID_EVERY = 10.0
"""Seconds between two lines that tell how far it is."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where it runs, and how much is done at once.

    Attributes:
        address: of the cluster, or ``auto``.
        workers: how many; None: as many as there is room for.
        cores: processor cores of each.
        part_rows: photos in one file; None: the usual number.
        heatmaps: whether that of each photo's best class is kept.
    """

    address: str
    workers: int | None
    cores: int
    part_rows: int | None = None
    heatmaps: bool = False


def classify_on_cluster(inputs: Inputs, wish: Wish, output: Path | None, cluster: Cluster) -> None:
    """Classify what has no row in the folder yet.

    Raises:
        ResultsError, ClusterError, StorageError, ModelError.
    """
    from resnet_desktop.batch_inference import cluster as rays
    from resnet_desktop.batch_inference.cluster import table_rows
    from resnet_desktop.batch_inference.worker import Work

    if output is None:
        raise typer.BadParameter("--ray needs a folder for the results.", param_hint="--output")
    rays.library()
    bundle = open_admitted(wish.model)
    options = _options(wish, bundle, heatmaps=cluster.heatmaps)
    with growing(output, model_file(bundle), options) as folder:
        wanted, before = pending(folder, _given(inputs))
        _tell_begin(len(wanted), before, folder.manifest.rows)
        if not wanted:
            folder.finish()
            _end(before, 0)
            return
        work = Work(__version__, bundle, bundle.path.read_bytes(), options, cluster.cores, Limits.of(Settings()).memory)
        say("Starting the workers …")
        with rays.connected(cluster.address) as ray, _told_of_a_break(folder):
            size = rays.size_of(ray, cluster.workers, cluster.cores, gpus=options.provider != "cpu")
            classify, rows = partial(_classified, ray, work, size), cluster.part_rows or PART_ROWS
            with _told() as tell:
                failed = carry_out(
                    folder, wanted, before, classify, tell, table_rows=table_rows(len(wanted), size), part_rows=rows
                )
    _end(len(wanted), failed)


def _classified(ray: Any, work: Any, size: Any, tables: Any) -> Iterator[Any]:  # noqa: ANN401 - as of the module
    from resnet_desktop.batch_inference import cluster as rays

    return rays.classified(ray, work, tables, size)


def _options(wish: Wish, bundle: Bundle, *, heatmaps: bool) -> Options:
    """The options and settings; without a named provider it is the processor, the same on all nodes."""
    provider = wanted_provider(wish.provider).lower()
    return Options(
        top=min(wish.top or bundle.classes, bundle.classes),
        group_threshold=wanted_group_threshold(wish.group_threshold),
        range=wanted_range(wish.values, bundle),
        page=wish.page,
        max_pixels=Settings().integer(declared.MAX_MEGAPIXELS) * 1_000_000,
        provider="cpu" if provider == "auto" else provider,
        heatmaps=heatmaps,
    )


def _given(inputs: Inputs) -> Iterator[Given]:
    for source in inputs.sources(_find):
        assert not isinstance(source, bytes)
        yield _absolute(os.fspath(source)), about(source)


def _find(paths: Iterable[str], *, recursive: bool) -> Iterator[Source]:
    """The photos of paths and of addresses."""
    for elsewhere, some in groupby(paths, key=storage.is_address):
        if elsewhere:
            for address in some:
                yield from storage.find_photos(address, recursive=recursive)
        else:
            yield from find_images(some, recursive=recursive)


def _absolute(path: str) -> str:
    """The workers may have another folder to start from."""
    return path if storage.is_address(path) else os.path.abspath(path)  # noqa: PTH100 - links stay


def _tell_begin(wanted: int, before: int, rows: int) -> None:
    if before:
        say(f"{before:,} of {before + wanted:,} photos are done already.")
    elif rows:
        say(f"The folder has {rows:,} photos already; {wanted:,} more are added.")


@contextmanager
def _told() -> Iterator[Any]:
    """Tells of progress in a line now and then; the rate is that of the photos since the first answers."""
    last, first = [time.monotonic()], [0, 0.0]

    def tell(now: Progress) -> None:
        if not first[0]:
            first[:] = [now.done, now.seconds]
        if now.done < now.total and time.monotonic() - last[0] < SAID_EVERY:
            return
        last[0] = time.monotonic()
        words = [f"{now.before + now.done:,} of {now.before + now.total:,} photos"]
        if now.seconds > first[1]:
            rate = (now.done - first[0]) / (now.seconds - first[1])
            words.append(f"{rate:.1f} a second")
            if rate and now.done < now.total:
                words.append(f"about {_duration((now.total - now.done) / rate)} left")
        if now.failed:
            words.append(f"{now.failed:,} failed")
        say(", ".join(words))

    yield tell


@contextmanager
def _told_of_a_break(folder: Growing) -> Iterator[None]:
    """After Ctrl+C, says what is kept."""
    try:
        yield
    except KeyboardInterrupt:
        say(f"{folder.manifest.rows:,} photos are in the folder. Run the same command again to continue.")
        raise


def _duration(seconds: float) -> str:
    minutes, hours = seconds / 60, seconds / 3600
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes:.0f} min" if hours < 2 else f"{hours:.1f} hours"


def _end(count: int, failed: int) -> None:
    conclude(count, failed)
