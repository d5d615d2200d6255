"""Reading every picture of a data set once: its size, hashes, brightness and sharpness, or why it cannot be read.

Decoding runs on a few threads, a bounded window ahead; what was read before comes from the cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resnet_desktop.core import paths
from resnet_desktop.core.errors import DataError, ImageError
from resnet_desktop.core.progress import Cancelled, Progress, never, stop_if, unheard
from resnet_desktop.core.value_cache import ValueCache
from resnet_desktop.data.pictures.samples import Sample
from resnet_desktop.data.pictures.thread_pool import on_pool
from resnet_desktop.imaging.budget import DecodeBudget
from resnet_desktop.imaging.fingerprint import fingerprint
from resnet_desktop.imaging.source import display_name, opened, read_error

MEASURE = 2
"""Changes whenever something else is measured, or the same in another way."""
LIMIT = 64 * 2**20
"""Bytes of facts that are remembered: of about 500,000 pictures."""
MOST_WORKERS = 8
_BUDGET = 256 * 2**20
_BLOCK = 1 << 20
_TOLD_EVERY = 16
_LASTING = ("truncated_image", "damaged_image", "not_an_image", "empty_file", "too_many_pixels", "unsupported_image")
"""Errors that stay while the file stays as it is."""


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What is known of one picture.

    Attributes:
        sample: which.
        width: of the upright picture, in pixels; 0 where it could not be read.
        height: likewise.
        hash: what copies of one picture share nearly (``imaging.fingerprint``), or None.
        sha1: of the file's bytes; None where they could not be read.
        brightness: mean grey value, 0 black to 1 white.
        sharpness: as ``imaging.fingerprint`` measures it.
        error: code and sentence, where it could not be read.
    """

    sample: Sample
    width: int = 0
    height: int = 0
    hash: bytes | None = None
    sha1: bytes | None = None
    brightness: float = 0.0
    sharpness: float = 0.0
    error: tuple[str, str] | None = None


def default_workers() -> int:
    """Threads that read pictures when nobody says how many."""
    return max(1, min(MOST_WORKERS, os.cpu_count() or 1))


def read_facts(
    samples: Sequence[Sample],
    *,
    workers: int | None = None,
    cancelled: Cancelled = never,
    progress: Progress = unheard,
) -> list[PictureFacts]:
    """The facts of all samples, in their order; those read so far are remembered even when it is cancelled.

    Raises:
        CancelledError: ``cancelled`` said so; it is asked after every picture.
    """
    cache = ValueCache(paths.cache_folder() / "pictures.sqlite", LIMIT)
    try:
        keys = [_key(sample) for sample in samples]
        remembered = cache.get([key for key in keys if key])
        facts: list[PictureFacts | None] = [
            _from_bytes(sample, remembered[key]) if key in remembered else None
            for sample, key in zip(samples, keys, strict=True)
        ]
        missing = [place for place, fact in enumerate(facts) if fact is None]
        done = len(samples) - len(missing)
        progress(done, len(samples))
        for place, fact in zip(missing, _read([samples[i] for i in missing], workers, cancelled), strict=True):
            facts[place] = fact
            if keys[place] and (fact.error is None or fact.error[0] in _LASTING):
                cache.put({keys[place]: _to_bytes(fact)})
            done += 1
            if done % _TOLD_EVERY == 0:
                progress(done, len(samples))
        progress(len(samples), len(samples))
    finally:
        cache.close()
    return [fact for fact in facts if fact is not None]


def _read(samples: Sequence[Sample], workers: int | None, cancelled: Cancelled) -> Iterator[PictureFacts]:
    """Facts in the order of the samples."""
    budget = DecodeBudget(_BUDGET)
    results = on_pool(samples, lambda sample, source: _of_picture(sample, source, budget), workers or default_workers())
    with contextlib.closing(results):
        for sample, result in results:
            stop_if(cancelled)
            if isinstance(result, DataError):
                result = PictureFacts(sample, error=(result.code, result.message))
            yield result


def _of_picture(sample: Sample, source: bytes | Path, budget: DecodeBudget) -> PictureFacts:
    sha1 = None
    try:
        sha1 = _sha1(source)
        seen = fingerprint(source, budget)
    except ImageError as error:
        message = error.message.replace(display_name(b""), display_name(sample.name))
        return PictureFacts(sample, sha1=sha1, error=(error.code, message))
    return PictureFacts(sample, seen.width, seen.height, seen.hash, sha1, seen.brightness, seen.sharpness)


def _sha1(source: bytes | Path) -> bytes:
    digest = hashlib.sha1(usedforsecurity=False)
    with opened(source) as file:
        try:
            while block := file.stream.read(_BLOCK):
                digest.update(block)
        except OSError as error:
            raise read_error(file.name, error) from error
    return digest.digest()


def _key(sample: Sample) -> bytes:
    """Of a picture in the cache: its name, and what shows that its file is the same. Empty where there is no file."""
    name = os.path.abspath(sample.source) + "\0" + (sample.member or "")  # noqa: PTH100 - a Path for each is slow
    try:
        status = os.stat(sample.source)  # noqa: PTH116
    except (OSError, ValueError):
        return b""
    stamp = f"{MEASURE} {status.st_size} {status.st_mtime_ns} "
    return hashlib.sha256(stamp.encode() + name.encode("utf-8", "surrogatepass")).digest()[:16]


def _to_bytes(fact: PictureFacts) -> bytes:
    hashes = [None if value is None else value.hex() for value in (fact.hash, fact.sha1)]
    values = [fact.width, fact.height, *hashes, fact.brightness, fact.sharpness, fact.error]
    return json.dumps(values).encode()


def _from_bytes(sample: Sample, stored: bytes) -> PictureFacts:
    values: list[Any] = json.loads(stored)
    width, height, near, sha1, brightness, sharpness, error = values
    hashes = (bytes.fromhex(near) if near else None, bytes.fromhex(sha1) if sha1 else None)
    return PictureFacts(sample, width, height, *hashes, brightness, sharpness, tuple(error) if error else None)
