"""The road from a photo's file to its prediction, of the network that the app starts with, against bare calls.

Bare means what a program of ten lines would do: Pillow decodes and resizes, ONNX Runtime runs. Where a folder with
another version of the project is given, that version takes the same road in a child process, by turns with this one.
"""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.library.packaged import PACKAGED, built
from resnet_desktop.imaging.decode import decode, decode_image, encode_jpeg
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.inference.batch import classify_many, cores
from resnet_desktop.inference.classifier import Classifier
from tests.benchmarks.classify import bare_session, ready
from tests.benchmarks.material import REPOSITORY, enlarged
from tests.benchmarks.measure import Spread, Timings, by_turns
from tests.benchmarks.report import Row, Section

BATCHES = (1, 2, 4, 8)
BARE_IMAGES = 32
LARGE_FILES = 24
RESIDUAL = REPOSITORY / "models" / "resnet50-everyday40.onnx"
HERE = "a folder through the app"
THERE = "the same through the other version"
DECODING = "bare decoding and resizing, all cores"

_CHILD = """
import sys, itertools
from pathlib import Path
from resnet_desktop.bundle.file.bundle import read
from resnet_desktop.inference.batch import classify_many
from resnet_desktop.inference.classifier import Classifier
classifier = Classifier(read(Path(sys.argv[1])), provider="cpu")
sources = itertools.cycle(sorted(Path(sys.argv[2]).iterdir()))
for line in sys.stdin:
    assert all(outcome.ok for outcome in classify_many(classifier, itertools.islice(sources, int(line))))
    print("done", flush=True)
"""


def network() -> Bundle:
    """The network that the app starts with, built where that is needed."""
    return bundles.read(built(PACKAGED[0]))


def one_photo(photo: Path, rounds: int) -> Section:
    """A 512-pixel photo: the app against bare calls, and the network of before against that of now."""
    bundle = network()
    classifier = Classifier(bundle, provider="cpu")
    residual = Classifier(bundles.read(RESIDUAL), provider="cpu")
    transforms, bare, name = bundle.metadata.transforms, bare_session(bundle), bundle.input_name
    prepared = ready(bundle, 1)

    def calls() -> None:
        _resized(photo, transforms, 1)
        bare.run(None, {name: prepared})

    base, here = "bare decode, resize and session.run", "decode to prediction"
    before = f"decode to prediction, {RESIDUAL.stem}"
    timings = by_turns(
        {
            base: calls,
            here: lambda: classifier.classify(photo),
            before: lambda: residual.classify(photo),
            "session.run alone": lambda: bare.run(None, {name: prepared}),
        },
        rounds,
    )
    rows = [
        Row(case, timings.spread(case, 1e3), "ms", ratio=None if case == base else timings.ratio(case, base))
        for case in timings.seconds
    ]
    rows[1].goal = "<= 1.10"
    rows.append(Row("the network of before over that of now", timings.ratio(before, here), "times", 2, goal=">= 2"))
    note = "the bare calls do not even turn the pixels into the numbers that the network takes"
    return Section(f"One photo of 512 pixels ({bundle.path.stem}, CPU)", base, rows, note)


def folder(photos: list[Path], count: int, rounds: int, against: Path | None) -> Section:
    """``count`` photos of 512 pixels, in ``rounds`` parts."""
    return _folder("512 pixels", photos, count, rounds, against, ">= 0.95")


def large_folder(folder: Path, photos: list[Path], count: int, rounds: int, against: Path | None) -> Section:
    """``count`` photos of 12 megapixels, in ``rounds`` parts: a few files over and over."""
    folder.mkdir()
    paths = []
    for number, photo in enumerate(photos[:LARGE_FILES]):
        path = folder / f"large{number:03}.jpg"
        path.write_bytes(encode_jpeg(enlarged(decode(photo).pixels)))
        paths.append(path)
    return _folder("12 megapixels", paths, count, rounds, against, ">= 0.85")


def _folder(size: str, paths: list[Path], count: int, rounds: int, against: Path | None, goal: str) -> Section:
    bundle = network()
    classifier = Classifier(bundle, provider="cpu")
    paths, part = sorted(paths), count // rounds
    image, full_size, _ = decode_image(paths[0], shorter_side=bundle.metadata.transforms.decode_side)
    divisor = round(full_size[0] / image.width)
    sources = itertools.cycle(paths)

    def app() -> None:
        outcomes = list(classify_many(classifier, itertools.islice(sources, part)))
        assert len(outcomes) == part
        assert all(outcome.ok for outcome in outcomes)

    cases: dict[str, Callable[[], object]] = {
        DECODING: partial(_decode_all, paths, part, bundle.metadata.transforms, divisor),
        **_bare_runs(bundle),
        HERE: app,
    }
    with contextlib.ExitStack() as stack:
        if against is not None:
            cases[THERE] = partial(stack.enter_context(_other_version(against, bundle.path, paths[0].parent)), part)
        timings = by_turns(cases, rounds)
    each = timings.per_image({case: BARE_IMAGES if case.startswith("bare runs") else part for case in cases})
    section = Section(f"A folder of {size} ({bundle.path.stem}, CPU)", "1 / (1/D + 1/R)", _speeds(each, goal))
    section.note = f"{part * rounds} photos, decoded at 1/{divisor} of their size"
    return section


def _bare_runs(bundle: Bundle) -> Mapping[str, Callable[[], object]]:
    session, name = bare_session(bundle), bundle.input_name

    def run(batch: NDArray[np.float32]) -> None:
        for _ in range(BARE_IMAGES // len(batch)):
            session.run(None, {name: batch})

    return {f"bare runs, batch {batch}": partial(run, ready(bundle, batch)) for batch in BATCHES}


def _speeds(each: Timings, goal: str) -> list[Row]:
    """A row a case, in photos a second, from its seconds a photo; and what the case of the app is to reach."""
    runs = [case for case in each.seconds if case.startswith("bare runs")]
    best = min(runs, key=lambda case: each.spread(case).median)
    bound = [d + r for d, r in zip(each.seconds[DECODING], each.seconds[best], strict=True)]
    rows = []
    for case, seconds in each.seconds.items():
        shares = Spread.of([b / s for b, s in zip(bound, seconds, strict=True)])
        ratio = shares if case in (HERE, THERE) else None
        rows.append(Row(case, Spread.of([1 / s for s in seconds]), "photos/s", ratio=ratio))
    next(row for row in rows if row.what == HERE).goal = goal
    rows.append(Row(f"1 / (1/D + 1/R), R of {best.removeprefix('bare runs, ')}", _per_second(bound), "photos/s"))
    if THERE in each.seconds:
        rows.append(Row("this version over the other", each.ratio(THERE, HERE), "times", 2, goal=">= 1.3 at 12 MP"))
    return rows


def _per_second(seconds: list[float]) -> Spread:
    return Spread.of([1 / value for value in seconds])


def _resized(path: Path, transforms: Transforms, divisor: int) -> Image.Image:
    """The square that the network sees, by Pillow alone."""
    with Image.open(path) as image:
        if divisor > 1:
            image.draft(None, (image.width // divisor, image.height // divisor))
        picture = image.convert("RGB")
    side = min(picture.size) * transforms.crop / transforms.resize
    left, top = (picture.width - side) / 2, (picture.height - side) / 2
    size = (transforms.crop, transforms.crop)
    return picture.resize(size, Image.Resampling.BICUBIC, (left, top, left + side, top + side))


def _decode_all(paths: list[Path], count: int, transforms: Transforms, divisor: int) -> None:
    sources = itertools.islice(itertools.cycle(paths), count)
    with ThreadPoolExecutor(cores()) as pool:
        for _ in pool.map(lambda path: _resized(path, transforms, divisor), sources):
            pass


@contextlib.contextmanager
def _other_version(version: Path, model: Path, photos: Path) -> Iterator[Callable[[int], None]]:
    """The folder of photos through the version of the project that lies in the folder ``version``."""
    command = [sys.executable, "-c", _CHILD, str(model), str(photos)]
    with subprocess.Popen(command, cwd=version, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        requests, answers = child.stdin, child.stdout

        def run(count: int) -> None:
            requests.write(f"{count}\n")
            requests.flush()
            if answers.readline() != "done\n":
                raise RuntimeError("the other version failed; what it said is above")

        yield run
        requests.close()
