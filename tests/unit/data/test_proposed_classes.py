"""Classes that names and folders suggest."""

from __future__ import annotations

from pathlib import Path

import pytest

from resnet_desktop.data.sources.proposed_classes import proposed

ROOT = Path("/photos")


def sizes(*names: str) -> list[dict[str, int]]:
    found = proposed(ROOT, [ROOT / name for name in names])
    return [{label: len(paths) for label, paths in one.classes.items()} for one in found]


@pytest.mark.parametrize(
    "names",
    [
        ("ant_01.jpg", "ant_02.jpg", "bee_01.jpg", "Bee_02.png", "bee_3.jpg"),
        ("ant (1).jpg", "ant (2).jpg", "bee (1).jpg", "bee (2).jpg", "bee (3).jpg"),
        ("01-ant.jpg", "02-ant.jpg", "03-bee.jpg", "04-bee.jpg", "05 bee.jpg"),
        ("ant_left.jpg", "ant_right.jpg", "bee_left_2.jpg", "bee_top.jpg", "bee.jpg"),
    ],
)
def test_names_that_have_something_in_common(names: tuple[str, ...]) -> None:
    assert sizes(*names) == [{"ant": 2, "bee": 3}]


@pytest.mark.parametrize(
    "names",
    [
        tuple(f"IMG_{number}.jpg" for number in range(20)),
        tuple(f"{number}.jpg" for number in range(20)),
        ("holiday.jpg", "my cat.jpg", "beach.jpg", "us two.jpg"),
        (),
    ],
)
def test_names_that_say_nothing(names: tuple[str, ...]) -> None:
    assert sizes(*names) == []


def test_one_stray_photo_among_twenty_is_left_out() -> None:
    names = [f"{kind}_{number}.jpg" for kind in ("ant", "bee") for number in range(10)]
    assert sizes(*names, "whatever.jpg") == [{"ant": 10, "bee": 10}]


def test_depths() -> None:
    names = [
        f"{order}/{kind}/{day}/{number}.jpg"
        for order, kinds in {"beetles": ("weevil", "stag"), "flies": ("hover",)}.items()
        for kind in kinds
        for day in ("monday", "friday")
        for number in range(2)
    ]
    found = proposed(ROOT, [ROOT / name for name in names])
    assert [one.depth for one in found] == [1, 2, 3]
    assert [list(one.classes) for one in found] == [
        ["beetles", "flies"],
        ["hover", "stag", "weevil"],
        ["friday", "monday"],
    ]
    assert found[1].labels[ROOT / "flies/hover/monday/0.jpg"] == "hover"


def test_one_depth_is_nothing_to_decide_by_itself() -> None:
    assert sizes("ant/1.jpg", "ant/2.jpg", "bee/1.jpg", "bee/2.jpg") == [{"ant": 2, "bee": 2}]
    assert sizes("loose.jpg", "ant/1.jpg", "ant/2.jpg", "bee/1.jpg") == []
