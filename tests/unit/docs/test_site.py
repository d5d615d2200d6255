"""What the site is made of: every decision, finding and room has its place."""

from __future__ import annotations

import re
import tomllib

from tests.conftest import REPO
from tests.unit.docs.pages import DOCS, PACKAGE, rows


def test_every_finding_is_in_the_index() -> None:
    scripts = {path.name for path in (REPO / "findings").iterdir() if path.is_file()}
    assert set(rows((DOCS / "findings.md").read_text("utf-8"))) == scripts


def test_every_decision_is_listed_and_whole() -> None:
    listed = re.findall(r"^(\d{4}-[a-z0-9-]+)$", (DOCS / "decisions" / "index.md").read_text("utf-8"), re.MULTILINE)
    pages = sorted((DOCS / "decisions").glob("0*.md"))
    assert listed == [path.stem for path in pages]
    for number, path in enumerate(pages, 1):
        text = path.read_text("utf-8")
        assert text.startswith(f"# {number}. "), path.name
        assert all(f"**{part}.**" in text for part in ("Context", "Decision", "Consequences")), path.name


def test_every_room_is_described_in_the_order_of_its_floor() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    described = [name for name in rows((DOCS / "architecture.md").read_text("utf-8")) if name in rooms]
    assert set(described) == rooms
    contracts = tomllib.loads((REPO / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    floors = {name.strip().split(".")[1]: -floor for floor, row in enumerate(layers) for name in re.split("[|:]", row)}
    assert [floors[room] for room in described] == sorted(floors[room] for room in described)


def test_what_the_pages_on_changing_name_is_there() -> None:
    text = (DOCS / "changing.md").read_text("utf-8") + (REPO / "CONTRIBUTING.md").read_text("utf-8")
    named = set(re.findall(r"`((?:resnet_desktop/|tests/|docs/|findings/)?[a-z_]+(?:/[a-z_]+)*(?:/|\.py|\.md))`", text))
    assert len(named) > 10
    for name in sorted(named):
        assert (REPO / name).exists() or (PACKAGE / name).exists(), name
