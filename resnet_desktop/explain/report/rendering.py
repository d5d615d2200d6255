"""Pages from templates: no script, nothing fetched from anywhere, light and dark, fit for paper.

Jinja escapes whatever it puts into a page; what is not markup yet is made printable, too. A name that a template uses
and nobody gave is an error, not an empty place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from resnet_desktop.core.text.printable import printable

SHARED = Path(__file__).parent / "templates"


def environment(folder: Path) -> Environment:
    """What renders the templates of ``folder``, which may build on those that all reports share."""
    made = Environment(
        loader=FileSystemLoader([folder, SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_seen,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["number"] = number
    return made


def number(value: float | None, form: str, unknown: str | None = None) -> str:
    """A figure in one of Python's formats, such as ``.1%``; ``unknown``, if given, where there is none."""
    return unknown if value is None and unknown is not None else format(value, form)


def _seen(value: Any) -> Any:  # noqa: ANN401 - whatever a template names
    return printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
