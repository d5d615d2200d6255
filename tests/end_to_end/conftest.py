"""These tests run whole commands, many times over with one model."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def known(tried_once: None) -> None:
    """Each model is tried once, not in every test's own home."""
