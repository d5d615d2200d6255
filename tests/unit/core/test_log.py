"""The log says when, how grave, which part, where, what; and never keeps the app from starting."""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from resnet_desktop.core import log


@pytest.fixture
def running(home: Path) -> Iterator[log.Log]:
    """A log in the test's home."""
    running = log.start()
    assert running.path is not None
    assert running.path.is_relative_to(home)
    yield running
    running.close()


def written(running: log.Log) -> str:
    """The text of the log file."""
    assert running.path is not None
    return running.path.read_text("utf-8")


def test_a_line_says_it_all(capsys: pytest.CaptureFixture[str], running: log.Log) -> None:
    logging.getLogger("resnet_desktop.inference.providers").warning("CUDA was passed over: %s", "no device")
    shape = (
        r"\d\d:\d\d:\d\d\.\d{3} WARNING  inference  "
        r"test_log:test_a_line_says_it_all:\d+  CUDA was passed over: no device\n$"
    )
    assert re.search("^" + shape, capsys.readouterr().err)
    assert re.search(r"\d{4}-\d\d-\d\d " + shape, written(running))


def test_details_go_to_the_file_only(capsys: pytest.CaptureFixture[str], running: log.Log) -> None:
    logging.getLogger("resnet_desktop.gui").debug("a detail")
    assert "a detail" in written(running)
    assert capsys.readouterr().err == ""


def test_names_that_are_not_utf8_can_be_logged(running: log.Log, monkeypatch: pytest.MonkeyPatch) -> None:
    # Past pytest's own handler: what that keeps goes from a worker to its parent, which can send no half surrogates.
    monkeypatch.setattr(logging.getLogger("resnet_desktop"), "propagate", False)
    logging.getLogger("resnet_desktop.imaging").info("%s", "caf\udce9.jpg")
    assert r"caf\udce9.jpg" in written(running)


@pytest.mark.usefixtures("running")
def test_the_file_is_rotated() -> None:
    for _ in range(12):
        logging.getLogger("resnet_desktop.cli").debug("x" * 100_000)
    names = {path.name for path in log.logs_folder().iterdir()}
    assert names == {log.FILE_NAME, log.FILE_NAME + ".1"}
    assert all(path.stat().st_size <= log.MAX_BYTES for path in log.logs_folder().iterdir())


def test_no_file_when_none_is_wanted() -> None:
    running = log.start(to_file=False)
    running.close()
    assert running.path is None
    assert not log.logs_folder().exists()


def test_a_folder_that_cannot_be_made_is_reported_not_raised(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "data").write_text("a file where the folder should be")
    running = log.start()
    running.close()
    assert running.path is None
    assert running.problem is not None
    assert "Logging to a file is off" in running.problem
    assert "Logging to a file is off" in capsys.readouterr().err


def test_uncaught_exceptions_are_kept_and_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    passed_on: list[object] = []
    monkeypatch.setattr(sys, "excepthook", lambda *caught: passed_on.append(caught[1]))
    monkeypatch.setattr(threading, "excepthook", lambda caught: passed_on.append(caught.exc_value))
    running = log.start()
    in_main, in_thread = RuntimeError("lost otherwise"), RuntimeError("lost in a thread")
    sys.excepthook(RuntimeError, in_main, None)
    thread = threading.Thread(name="decoder-3")
    threading.excepthook(threading.ExceptHookArgs((RuntimeError, in_thread, None, thread)))
    running.close()
    assert passed_on == [in_main, in_thread]
    text = written(running)
    assert text.count("CRITICAL") == 2
    assert "RuntimeError: lost otherwise" in text
    assert "Uncaught exception in decoder-3" in text
    assert "RuntimeError: lost in a thread" in text


def test_closing_leaves_nothing_behind() -> None:
    root = logging.getLogger(log.ROOT)
    before = (root.level, list(root.handlers), sys.excepthook, threading.excepthook)
    log.start().close()
    assert (root.level, list(root.handlers), sys.excepthook, threading.excepthook) == before
