"""The check of the photos: what is decided can be seen and taken back, and the split that is told is the one used."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from resnet_desktop.data.dataset import scan
from resnet_desktop.gui.wizard.check.check_page import CheckPage
from resnet_desktop.gui.wizard.check.findings_list import settled
from resnet_desktop.gui.wizard.wizard import TrainWizard
from resnet_desktop.imaging.decode import encode_png
from resnet_desktop.jobs.job import parse_job

from .conftest import OpenWizard

LONG = 60_000
PER_CLASS = 20


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of coloured noise, with a copy and a damaged file."""
    rng = np.random.default_rng(5)
    folder = tmp_path / "lamps"
    for label, level in (("dark", 50), ("light", 190)):
        (folder / label).mkdir(parents=True)
        for i in range(PER_CLASS):
            coarse = rng.integers(-45, 45, (8, 8, 3)) + level
            data = encode_png(np.kron(coarse, np.ones((10, 10, 1))).clip(0, 255).astype(np.uint8))
            (folder / label / f"{i:02d}.png").write_bytes(data)
    (folder / "dark" / "copy.png").write_bytes((folder / "dark" / "00.png").read_bytes())
    (folder / "light" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    return folder


def opened(wizard: TrainWizard, qtbot: QtBot, folder: Path) -> CheckPage:
    wizard.add_sources([folder])
    qtbot.waitUntil(lambda: wizard.pages.data.complete, timeout=LONG)
    wizard.go_on()
    qtbot.waitUntil(lambda: wizard.pages.check.complete, timeout=LONG)
    return wizard.pages.check


def told(check: CheckPage) -> tuple[int, int]:
    """How many photos are to learn from and to check with, as the page says."""
    found = re.match(r"(\d+) photos for training, (\d+) for validation", check.state)
    return (int(found[1]), int(found[2])) if found else (-1, -1)


def used(wizard: TrainWizard) -> tuple[int, int]:
    """The same as the trainer will have it, without what cannot be read."""
    found = scan(parse_job(wizard.pages.check.into(wizard.draft).job()))
    readable = [[s for s in part if "bad.png" not in s.name] for part in (found.training, found.validation)]
    return len(readable[0]), len(readable[1])


def wait_split(qtbot: QtBot, check: CheckPage) -> None:
    qtbot.waitUntil(lambda: told(check) != (-1, -1), timeout=LONG)


def test_the_split_that_is_told_is_the_one_used(open_wizard: OpenWizard, qtbot: QtBot, photos: Path) -> None:
    wizard = open_wizard()
    check = opened(wizard, qtbot, photos)
    assert told(check) == used(wizard)
    assert "1 unreadable" in check.state
    before = scan(parse_job(check.into(wizard.draft).job())).validation
    check.sheet.leave_out([sample.name for sample in before[:4]])
    check.sheet.relabel([sample.name for sample in before[4:6]], "dark")
    wait_split(qtbot, check)
    assert told(check) == used(wizard)
    assert "4 left out, 2 relabelled" in check.state
    check._share.setValue(40)
    assert told(check) == (-1, -1), "a new share is not taken for split already"
    wait_split(qtbot, check)
    assert told(check) == used(wizard)
    assert told(check)[1] > 12
    check.sheet.undo()
    wait_split(qtbot, check)
    assert check._share.value() == 40, "taking a decision back leaves the share alone"
    assert check.into(wizard.draft).validation == pytest.approx(0.4)
    assert told(check) == used(wizard)


def test_what_is_settled_is_ticked_off_and_can_be_kept_again(
    open_wizard: OpenWizard, qtbot: QtBot, photos: Path
) -> None:
    wizard = open_wizard()
    check = opened(wizard, qtbot, photos)
    row = [finding.kind for finding in check.findings].index("exact_duplicate")
    check.sheet.choose_finding(row)
    entry = check.sheet._findings.entries[row]
    assert not settled(entry, check.sheet.now)
    check.sheet.leave_out_copies()
    assert settled(entry, check.sheet.now)
    (gone,) = check.into(wizard.draft).exclude
    assert gone in check.sheet.grid.names, "what is left out stays in sight"
    wait_split(qtbot, check)
    wizard.go_back()
    wizard.go_on()
    wait_split(qtbot, check)
    assert check.into(wizard.draft).exclude == (gone,)
    check.sheet.keep([gone])
    assert check.into(wizard.draft).exclude == ()


def test_other_photos_forget_the_decisions(open_wizard: OpenWizard, qtbot: QtBot, photos: Path, tmp_path: Path) -> None:
    wizard = open_wizard()
    check = opened(wizard, qtbot, photos)
    check.sheet.leave_out(check.sheet.grid.names[:2])
    wizard.go_back()
    photos.rename(tmp_path / "moved")
    wizard.pages.data.remove({"folder": str(photos)})
    check = opened(wizard, qtbot, tmp_path / "moved")
    wait_split(qtbot, check)
    check.sheet.undo()
    assert check.into(wizard.draft).exclude == ()
    assert told(check) == used(wizard)


def test_leaving_out_nearly_everything_is_said_and_undone(open_wizard: OpenWizard, qtbot: QtBot, photos: Path) -> None:
    wizard = open_wizard()
    check = opened(wizard, qtbot, photos)
    check.sheet.choose_finding(len(check.findings) + 1)
    check.sheet.leave_out(check.sheet.grid.names)
    qtbot.waitUntil(lambda: not check.complete, timeout=LONG)
    assert "at least two classes are needed" in check.state
    assert not wizard.next_button.isEnabled()
    check.sheet.undo()
    qtbot.waitUntil(lambda: check.complete, timeout=LONG)


def test_reading_is_given_up_and_gone_on_with(open_wizard: OpenWizard, qtbot: QtBot, photos: Path) -> None:
    wizard = open_wizard()
    wizard.add_sources([photos])
    qtbot.waitUntil(lambda: wizard.pages.data.complete, timeout=LONG)
    wizard.go_on()
    wizard.pages.check.stop()
    qtbot.wait(300)
    assert not wizard.pages.check.complete
    assert "Stopped" in wizard.pages.check.state
    wizard.pages.check.read()
    qtbot.waitUntil(lambda: wizard.pages.check.complete, timeout=LONG)
    wizard.go_back()
    wizard.pages.data.add([])
    assert wizard.pages.check.complete, "what has been read is known"


def test_photos_are_seen_large_and_alike_ones_side_by_side(open_wizard: OpenWizard, qtbot: QtBot, photos: Path) -> None:
    wizard = open_wizard()
    check = opened(wizard, qtbot, photos)
    row = [finding.kind for finding in check.findings].index("exact_duplicate")
    check.sheet.choose_finding(row)
    viewer, names = check.sheet.viewer, check.sheet.grid.names
    check.sheet.grid.opened.emit(names[1])
    assert viewer.names == names
    qtbot.waitUntil(lambda: all(not view.image.isNull() for view in viewer.views[:2]), timeout=LONG)
    viewer.close()
    check.sheet.choose_finding(len(check.findings))
    names = check.sheet.grid.names
    check.sheet.grid.opened.emit(names[3])
    assert viewer.names == [names[3]]
    viewer.show_other(1)
    assert viewer.names == [names[4]]
    viewer.close()


def test_another_seed_of_training_leaves_the_split_alone(open_wizard: OpenWizard, qtbot: QtBot, photos: Path) -> None:
    wizard = open_wizard()
    check = opened(wizard, qtbot, photos)
    draft = check.into(wizard.draft)
    shown = {sample.name for sample in scan(parse_job(draft.job())).validation}
    later = parse_job({**draft.job(), "seed": 7})
    assert {sample.name for sample in scan(later).validation} == shown
    alone = {**draft.job(), "seed": 7, "split": {"validation": 0.2}}
    assert {sample.name for sample in scan(parse_job(alone)).validation} != shown


def test_a_split_that_lies_there_and_what_is_passed_over_are_told(
    open_wizard: OpenWizard, qtbot: QtBot, photos: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    for part in ("Training", "Testing"):
        (whole / part).mkdir(parents=True)
        for label in ("dark", "light"):
            (whole / part / label).mkdir()
            for source in sorted((photos / label).glob("0*.png"))[:4]:
                (whole / part / label / f"{part}{source.name}").write_bytes(source.read_bytes())
    (whole / "Training" / "dark" / "raw.CR2").write_bytes(b"II*\0")
    wizard = open_wizard()
    wizard.add_sources([whole])
    qtbot.waitUntil(lambda: wizard.pages.data.complete, timeout=LONG)
    assert "16 photos in 2 classes" in wizard.pages.data.summary
    assert "Your own split" in wizard.pages.data.summary
    assert ".cr2" in wizard.pages.data.summary


def test_what_was_decided_is_there_when_the_guide_is_opened_again(
    open_wizard: OpenWizard, qtbot: QtBot, photos: Path
) -> None:
    wizard = open_wizard()
    check = opened(wizard, qtbot, photos)
    check.sheet.leave_out([str(photos / "dark" / "03.png")])
    check.sheet.relabel([str(photos / "light" / "04.png")], "dark")
    decided = check.sheet.now
    assert decided.exclude
    assert decided.relabel
    wizard.close()
    again = opened(open_wizard(), qtbot, photos)
    assert again.sheet.now == decided
    wait_split(qtbot, again)
    assert "1 left out, 1 relabelled" in again.state
    again.sheet.undo()
    assert not again.sheet.now.exclude
