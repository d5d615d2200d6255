"""The log and reports hold nothing personal."""

from __future__ import annotations

import getpass
import json
import logging
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from resnet_desktop.core import log, problem_report
from resnet_desktop.core.errors import ImageError, ModelError
from resnet_desktop.core.redact import error_lines, error_words, redacted
from resnet_desktop.core.settings import MODEL, TOP_K, Settings

SECRET = "secret-beetle"


@pytest.fixture
def running(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[log.Log]:
    monkeypatch.setattr(sys, "excepthook", lambda *_: None)  # whom the log tells after itself
    running = log.start(log.QUIET)
    yield running
    running.close()


@pytest.mark.parametrize(
    "text",
    [
        "No such file: /srv/photos/secret-beetle.jpg",
        "cannot open '/srv/my photos/secret-beetle 2.JPG' now",
        r"C:\Users\secret-beetle\x.png is gone",
        r"\\server\secret-beetle\x",
        "/mnt/some where/secret-beetle one.tiff: truncated",
        "a path=/opt/secret-beetle, and more",
    ],
)
def test_paths_are_taken_out(text: str) -> None:
    assert SECRET not in redacted(text)


def test_names_are_taken_out_where_wanted() -> None:
    for text in (
        "secret-beetle.jpg is damaged",
        "no class 'secret-beetle!'",
        "“secret-beetle of mine”",
        'the "secret-beetle"',
    ):
        assert SECRET not in redacted(text, names=True)
    kept = "'NoneType' object has no attribute 'shape'; 3/4 of 10 at 2026-11-28 10:31:07 and/or <path>"
    assert redacted(kept, names=True) == kept


def test_folders_and_the_user_are_named_by_stand_ins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "janedoe")
    assert redacted(f"{home}/data/models is full") == "<data>/models is full"
    assert redacted("janedoe's run, not janedoes") == "<user>'s run, not janedoes"
    assert redacted("a\x1b[2J") == "a\\x1b[2J"


def test_errors_keep_their_kind_and_place() -> None:
    assert error_words(ImageError("not_an_image", f"{SECRET}.jpg is none")) == "ImageError: not_an_image"
    assert error_words(FileNotFoundError(2, "No such file or directory", f"/x/{SECRET}")).endswith("or directory")
    assert error_words(KeyError(SECRET)) == "KeyError"
    assert error_words(ValueError("bad shape (3, 4)")) == "ValueError: bad shape (3, 4)"
    try:
        try:
            json.loads("{")
        except ValueError as error:
            raise ModelError("bad_metadata", SECRET) from error
    except ModelError as error:
        lines = error_lines(error, error.__traceback__)
    assert "test_redact.py" in lines
    assert "ModelError: bad_metadata" in lines
    assert "JSONDecodeError" in lines
    assert SECRET not in lines
    assert str(Path(__file__).parent) not in lines


def test_the_log_file_keeps_neither(running: log.Log, tmp_path: Path) -> None:
    logger = logging.getLogger("resnet_desktop.gui")
    logger.warning("cannot read %s", tmp_path / f"{SECRET}.jpg")
    logger.warning("two\nlines")
    try:
        (tmp_path / f"{SECRET}.jpg").read_bytes()
    except OSError as error:
        logger.error("failed", exc_info=error)
        sys.excepthook(OSError, error, error.__traceback__)
    assert running.path is not None
    text = running.path.read_text("utf-8")
    assert SECRET not in text
    assert str(tmp_path) not in text
    assert text.count("FileNotFoundError: No such file") == 2
    assert "two\\nlines" in text


def test_a_log_that_has_nothing_to_keep_leaves_no_file(home: Path) -> None:
    running = log.start(log.QUIET, lazily=True)
    assert not log.logs_folder().exists()
    logging.getLogger("resnet_desktop.cli").error("now")
    assert (log.logs_folder() / log.FILE_NAME).exists()
    running.close()


def test_a_report_holds_what_is_shown(running: log.Log, home: Path, tmp_path: Path) -> None:
    Settings().change(MODEL, f"/models/{SECRET}.onnx")
    Settings().change(TOP_K, 7)
    logging.getLogger("resnet_desktop.gui").error("%s.jpg was not read", SECRET)
    parts = problem_report.parts({"more.json": {"a b": ["it works", f"/x/{SECRET}.png and more"]}})
    assert {"about.txt", "settings.json", "more.json", f"logs/{log.FILE_NAME}"} <= parts.keys()
    assert SECRET not in "".join(parts.values())
    assert json.loads(parts["more.json"]) == {"a b": ["it works", "<path> and more"]}
    assert json.loads(parts["settings.json"])["top_k"] == 7
    assert "numpy" in parts["about.txt"]
    problem_report.write(tmp_path / "r.zip", parts)
    with zipfile.ZipFile(tmp_path / "r.zip") as archive:
        assert {name: archive.read(name).decode() for name in archive.namelist()} == parts
