"""Features that were computed once, on disk, for all runs that need them again."""

from __future__ import annotations

import hashlib

from resnet_desktop.core import paths
from resnet_desktop.core.value_cache import ValueCache

LIMIT = 2 * 2**30
"""Bytes of features that are remembered."""
ASKED_AT_ONCE = 2000
"""Rows whose features are taken from the cache together, 8 MB of 2048 numbers."""
LARGEST = 65504.0
"""Of float16, in which features are kept."""


def features_cache() -> ValueCache:
    """Where the features of all runs are remembered."""
    return ValueCache(paths.cache_folder() / "features.sqlite", LIMIT)


def key(context: str, view: int, digest: bytes) -> bytes:
    """Under which a view's features are kept; ``context`` names all else that they depend on."""
    return hashlib.sha256(f"{context} {view} ".encode() + digest).digest()


def seed_of(seed: int, view: int, digest: bytes) -> int:
    """What a view is drawn from: it follows from the run's seed, the photo's content and the view's number alone."""
    return int.from_bytes(hashlib.sha256(f"{seed} {view} ".encode() + digest).digest()[:7], "big")
