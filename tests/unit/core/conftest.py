"""The lowest floor knows no models: its tests begin with a home that holds nothing at all."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def built_networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """No network."""
    return tmp_path_factory.mktemp("none")
