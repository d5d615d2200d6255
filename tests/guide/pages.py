"""The pages of the guide, and the code in their fences."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import REPO

GUIDE = REPO / "docs" / "guide"


def pages() -> dict[str, str]:
    """The text of each page by its name."""
    return {path.stem: path.read_text("utf-8") for path in sorted(GUIDE.glob("*.md"))}


def fences(path: Path, language: str) -> list[str]:
    """The code of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
