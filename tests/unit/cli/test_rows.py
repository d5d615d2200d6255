"""Ctrl+C in the very moment in which a row is written: it is heard behind the row, which counts."""

from __future__ import annotations

import csv
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from resnet_desktop.cli.rows import finishing, writer_for
from resnet_desktop.cli.sink import opened_sink

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a process sends itself SIGINT")
ROW: dict[str, Any] = {"path": "a.jpg", "ok": False, "error": {"code": "missing_file", "message": "It is not there."}}


def write_two(kind: str, target: Path) -> None:
    with opened_sink(target) as sink, finishing(writer_for(kind, sink, 1)) as add:
        add(ROW)
        add(ROW)


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv"])
def test_the_row_that_was_being_written_counts(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, write = tmp_path / "rows", os.write

    def interrupted(number: int, data: bytes) -> int:
        monkeypatch.setattr(os, "write", write)
        os.kill(os.getpid(), signal.SIGINT)
        return write(number, data)

    monkeypatch.setattr(os, "write", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            write_two(kind, target)
    finally:
        signal.signal(signal.SIGINT, before)
    text = target.read_text("utf-8")
    if kind == "csv":
        header, *rows = csv.reader(text.splitlines())
        assert (header[0], [row[0] for row in rows]) == ("path", ["a.jpg"])
    else:
        found = json.loads(text) if kind == "json" else [json.loads(line) for line in text.splitlines()]
        assert found == [ROW]
