"""The one door to Apache Arrow, which reads and writes Parquet. Only the extra ``ray`` needs it."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from resnet_desktop.core.errors import ResultsError

Table = Any
"""A ``pyarrow.Table``."""


def library() -> ModuleType:
    """The module pyarrow. Raises ResultsError (``no_pyarrow``)."""
    try:
        import pyarrow
    except ImportError as error:
        message = "Folders of results need the package pyarrow, which is not installed."
        raise ResultsError("no_pyarrow", message, "Install it: pip install pyarrow.") from error
    module: ModuleType = pyarrow
    return module


def parquet() -> ModuleType:
    """The module pyarrow.parquet. Raises ResultsError (``no_pyarrow``)."""
    library()
    import pyarrow.parquet

    module: ModuleType = pyarrow.parquet
    return module


def compute() -> ModuleType:
    """The module pyarrow.compute. Raises ResultsError (``no_pyarrow``)."""
    library()
    import pyarrow.compute

    module: ModuleType = pyarrow.compute
    return module
