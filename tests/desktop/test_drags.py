"""Real drags between the app and another program, by a pointer under X11."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from resnet_desktop.gui.shell.welcome import sample_photos
from tests.desktop import screen
from tests.desktop.screen import Desktop

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="X11 is met on Linux"),
    pytest.mark.skipif(bool(screen.missing()), reason=f"not installed: {', '.join(screen.missing())}"),
]

CAT, COFFEE = sample_photos()[:2]


@pytest.fixture
def desktop(home: Path, tmp_path: Path) -> Iterator[Desktop]:
    """A display whose programs have the home of the test."""
    with screen.desktop(tmp_path) as found:
        yield found


def test_photos_come_and_go_by_the_pointer(desktop: Desktop) -> None:
    app = desktop.start("the_app", 0, 30, 1100, 780)
    other = desktop.start("other_program", 1150, 100, 400, 400, CAT, COFFEE)
    there = other.until(lambda state: "Source" in state, "the other program")
    here = app.until(lambda state: state["window"], "the window")

    desktop.drag(there["Source"], here["window"])
    done = app.until(
        lambda state: len(state["rows"]) == 2 and all(row["label"] for row in state["rows"]) and state["heatmap"],
        "two photos with their answers",
    )
    assert [row["name"] for row in done["rows"]] == [CAT.name, COFFEE.name]
    desktop.picture("real-drag-in")

    desktop.drag(done["rows"][1]["place"], there["Target"])
    there = other.until(lambda state: len(state["dropped"]) == 1, "a photo that was dragged out")
    assert there["dropped"][0] == [[str(COFFEE), COFFEE.stat().st_size]]
    assert len(app.state["rows"]) == 2

    desktop.move(done["photo"])
    seen = app.until(lambda state: state["grip"] is not None, "the grip of the heatmap")
    desktop.move(seen["grip"])
    app.until(lambda state: state["file"], "the heatmap as a file")
    desktop.drag(seen["grip"], there["Target"])
    there = other.until(lambda state: len(state["dropped"]) == 2, "a heatmap that was dragged out")
    ((path, size),) = there["dropped"][1]
    assert path.endswith("-heatmap.png")
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 100
    assert Path(path).stat().st_size == size

    desktop.type("ResNet Desktop", "ctrl+q")
    assert app.ended() == 0
