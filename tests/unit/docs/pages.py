"""The pages of ``docs/``, as the tests read them."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import resnet_desktop
from tests.conftest import REPO

DOCS = REPO / "docs"
PACKAGE = Path(resnet_desktop.__file__).parent


def page(name: str) -> str:
    """The text of a page of the formats."""
    return (DOCS / "formats" / f"{name}.md").read_text("utf-8")


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one of its level or above."""
    found = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    assert found, f"there is no heading {heading!r}"
    rest = text[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def terms(text: str) -> set[str]:
    """Everything that is marked as code in running text and tables, without the fences."""
    plain = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`([^`]+)`", plain.replace("\\|", "|")))


def rows(text: str) -> dict[str, str]:
    """Each row of the tables: the rest of it by each of the terms in its first cell."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        cells = line.strip().strip("|").replace("\\|", "¦").split("|", 1)
        if line.startswith("| ") and len(cells) == 2:
            found |= {term.replace("¦", "|"): cells[1].strip() for term in re.findall(r"`([^`]+)`", cells[0])}
    return found


@cache
def calls() -> tuple[ast.Call, ...]:
    """Every call in the package."""
    trees = (ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py")))
    return tuple(node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call))


def name_of(call: ast.Call) -> str:
    """The last part of what is called."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def first_text(call: ast.Call) -> str | None:
    """The first argument, if it is a text."""
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
