"""Folders of results made without a cluster: the same workers, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from resnet_desktop import __version__
from resnet_desktop.batch_inference.arrow import Table
from resnet_desktop.batch_inference.manifest import Options
from resnet_desktop.batch_inference.results_folder import growing
from resnet_desktop.batch_inference.run import carry_out, model_file, pending
from resnet_desktop.batch_inference.worker import Work, Worker
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.imaging.decode import encode_jpeg
from tests.conftest import make_photo

Given = str | tuple[str, Mapping[str, Any]]
"""A path, or one with what its row has besides."""
Classify = Callable[[Iterator[Table]], Iterator[Table]]


def options(**changes: Any) -> Options:
    """The usual ones."""
    usual = Options(top=3, group_threshold=0.6, range="tags", page=None, max_pixels=10_000_000, provider="cpu")
    return replace(usual, **changes)


def work(bundle: Bundle, made: Options) -> Work:
    """What a worker needs."""
    return Work(__version__, bundle, bundle.path.read_bytes(), made, cores=1, memory=1 << 28)


def here(bundle: Bundle, made: Options) -> Classify:
    """A cluster of one worker, which is this process."""
    worker = Worker(work(bundle, made))
    return lambda tables: map(worker, tables)


def album(folder: Path, count: int) -> list[str]:
    """Photos, and their paths."""
    folder.mkdir(exist_ok=True)
    for seed in range(count):
        (folder / f"{seed:03}.jpg").write_bytes(encode_jpeg(make_photo(90, 70, seed)))
    return [str(folder / f"{seed:03}.jpg") for seed in range(count)]


def classified(
    folder: Path,
    bundle: Bundle,
    given: Sequence[Given],
    *,
    made: Options | None = None,
    classify: Classify | None = None,
    part_rows: int = 4,
) -> int:
    """Make a folder of results, or go on with one; how many photos failed."""
    made = made or options()
    inputs = [(one, {}) if isinstance(one, str) else one for one in given]
    with growing(folder, model_file(bundle), made) as open_folder:
        wanted, before = pending(open_folder, inputs)
        do = classify or here(bundle, made)
        return carry_out(open_folder, wanted, before, do, lambda _: None, table_rows=2, part_rows=part_rows)
