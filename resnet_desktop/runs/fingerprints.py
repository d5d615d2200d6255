"""What stands for a picture's content, so that what was computed of it is found again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from resnet_desktop.core.errors import ImageError, ResNetDesktopError
from resnet_desktop.data.dataset import Sample
from resnet_desktop.data.pictures import thread_pool
from resnet_desktop.imaging.source import opened, read_error

_BLOCK = 1 << 20


def fingerprints(samples: Sequence[Sample], workers: int) -> Iterator[tuple[Sample, bytes | ResNetDesktopError]]:
    """The sha256 of each picture's file, or why it cannot be read."""
    return thread_pool.on_pool(samples, lambda _, source: _sha256(source), workers)


def _sha256(source: bytes | Path) -> bytes | ResNetDesktopError:
    digest = hashlib.sha256()
    try:
        with opened(source) as picture:
            while block := picture.stream.read(_BLOCK):
                digest.update(block)
    except ImageError as error:
        return error
    except OSError as error:
        return read_error(str(source), error)
    return digest.digest()
