"""How long it takes to look at 10,000 photos, and what finds copies of a photo: ``python -m tests.benchmarks.scan``.

The scan runs in a process of its own, on two cores where the system can be told so, with an empty cache and then with
what that run has remembered; its memory is the most that the system ever gave it. The second table needs photos:
``--photos DIR``; it compares each with altered copies of itself and with all others.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from resnet_desktop.imaging.decode import encode_jpeg
from resnet_desktop.imaging.fingerprint import NEAR, NEAR_TURNED, fingerprint, measured, turned

SIDE = 320
CORES = 2
CLASSES = 20
MOST_PHOTOS = 400
Alter = Callable[[Image.Image], Image.Image]


def main() -> None:
    """Print both tables; ``--scan FOLDER`` is what the measured process does."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scan", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="photos to make (default 10000)")
    parser.add_argument("--photos", type=Path, help="a folder of real photos for the table of copies")
    parser.add_argument("--scan", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.scan is not None:
        _scan(given.scan)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _make(folder / "photos", given.count)
        environment = {**os.environ, "RESNET_DESKTOP_HOME": str(folder / "home")}
        for title in ("first scan", "again"):
            command = [sys.executable, "-m", "tests.benchmarks.scan", "--scan", str(folder / "photos")]
            done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
            row = json.loads(done.stdout)
            print(f"{title:<11} {row['seconds']:6.1f} s   {row['megabytes']:5.0f} MB   {row}", flush=True)
    if given.photos is not None:
        copies(given.photos)


def _scan(folder: Path) -> None:
    """Inspect a folder and print what it took."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    from resnet_desktop.data.checks.inspection import inspect
    from resnet_desktop.jobs.job import parse_job

    job = parse_job({"v": 1, "data": [{"folder": str(folder)}], "output": str(folder / "run"), "workers": CORES})
    start = time.perf_counter()
    seen = inspect(job)
    seconds = time.perf_counter() - start
    parts = {"training": len(seen.scan.training), "validation": len(seen.scan.validation)}
    print(json.dumps({"seconds": seconds, "megabytes": _peak_megabytes(), "pictures": len(seen.pictures), **parts}))


def _peak_megabytes() -> float:
    with contextlib.suppress(ImportError):
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
    return float("nan")


def _make(folder: Path, count: int) -> None:
    """JPEG files of 320 × 320 pixels with as much detail as photos have (about 40 KB each)."""
    rng = np.random.default_rng(0)
    for number in range(CLASSES):
        (folder / f"class {number:02d}").mkdir(parents=True)
    for number in range(count):
        pixels = np.zeros((SIDE, SIDE, 3), np.float32)
        for side, strength in ((4, 60), (12, 40), (40, 25), (160, 15)):
            waves = rng.normal(0, strength, (side, side, 3)) + 128
            layer = Image.fromarray(np.clip(waves, 0, 255).astype(np.uint8)).resize(
                (SIDE, SIDE), Image.Resampling.BICUBIC
            )
            pixels += np.asarray(layer, np.float32) - 128
        data = encode_jpeg(np.clip(pixels + 128, 0, 255).astype(np.uint8))
        (folder / f"class {number % CLASSES:02d}" / f"{number}.jpg").write_bytes(data)


def copies(folder: Path) -> None:
    """Print how far altered copies of photos are from them, and different photos from each other."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg"))[:MOST_PHOTOS]
    own = [np.frombuffer(fingerprint(path).hash or bytes(16), np.uint8) for path in paths]
    apart = np.array([_distance(a, b) for a, b in itertools.combinations(own, 2)])
    print(f"\n{len(paths)} photos; copies are looked for within {NEAR} bits of 128")
    taken = np.mean(apart <= NEAR)
    print(f"{'different photos':<24} median {np.median(apart):3.0f}, nearest {apart.min():3d}, found {taken:.3%}")
    for title, alter in ALTERED.items():
        distances = []
        for path, expected in zip(paths, own, strict=True):
            with Image.open(path) as image:
                pixels = np.array(alter(image.convert("RGB")))
            there = measured(pixels, (pixels.shape[1], pixels.shape[0])).hash
            distances.append(_distance(expected, np.frombuffer(there or bytes(16), np.uint8)))
        found = np.mean(np.array(distances) <= NEAR)
        print(f"{title:<24} median {np.median(distances):3.0f}, farthest {max(distances):3d}, found {found:.1%}")
    print(f"\nmirrored or turned, reduced to 70 %, quality 60; looked for within {NEAR_TURNED} bits")
    for turn in Image.Transpose:
        distances = [_turned_distance(path, expected, turn) for path, expected in zip(paths, own, strict=True)]
        found = np.mean(np.array(distances) <= NEAR_TURNED)
        print(f"{turn.name:<24} median {np.median(distances):3.0f}, farthest {max(distances):3d}, found {found:.1%}")


def _turned_distance(path: Path, expected: np.ndarray, turn: Image.Transpose) -> int:
    with Image.open(path) as image:
        altered = _recompressed(60)(_resized(0.7)(image.convert("RGB").transpose(turn)))
        pixels = np.array(altered.convert("RGB"))
    there = measured(pixels, (pixels.shape[1], pixels.shape[0])).hash or bytes(16)
    ways = turned(expected[None])[:, 0]
    return int(np.bitwise_count(ways ^ np.frombuffer(there, np.uint8)).sum(axis=1).min())


def _distance(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.bitwise_count(one ^ other).sum())


def _recompressed(quality: int) -> Alter:
    def alter(image: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return Image.open(buffer)

    return alter


def _resized(factor: float) -> Alter:
    return lambda image: image.resize(
        (round(image.width * factor), round(image.height * factor)), Image.Resampling.BICUBIC
    )


def _cropped(share: float) -> Alter:
    def alter(image: Image.Image) -> Image.Image:
        across, down = round(image.width * share), round(image.height * share)
        return image.crop((across, down, image.width - across, image.height - down))

    return alter


ALTERED: dict[str, Alter] = {
    "quality 75": _recompressed(75),
    "quality 30": _recompressed(30),
    "half as large": _resized(0.5),
    "a quarter as large": _resized(0.25),
    "brighter, 1.4 times": lambda image: ImageEnhance.Brightness(image).enhance(1.4),
    "darker, 0.6 times": lambda image: ImageEnhance.Brightness(image).enhance(0.6),
    "contrast 1.3 times": lambda image: ImageEnhance.Contrast(image).enhance(1.3),
    "1 % cropped off": _cropped(0.01),
    "2 % cropped off": _cropped(0.02),
    "3 % cropped off": _cropped(0.03),
    "5 % cropped off": _cropped(0.05),
}

if __name__ == "__main__":
    main()
