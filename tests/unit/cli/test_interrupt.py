"""Ctrl+C while a network that never ends runs."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from resnet_desktop import __version__
from resnet_desktop.cli import interrupt
from resnet_desktop.inference import runtime
from tests.conftest import FileMaker
from tests.unit.inference.test_admission import endless

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a signal cannot be sent to one process there")
LONG = 60.0


def admitted(home: Path, model: Path) -> None:
    """Have the app believe that ``model`` has passed its trial."""
    key = f"{hashlib.sha256(model.read_bytes()).hexdigest()} {runtime.library().__version__}"
    (home / "cache").mkdir(parents=True, exist_ok=True)
    (home / "cache" / "admitted.json").write_text(json.dumps({"version": __version__, "passed": [key]}))


@pytest.mark.parametrize("command", ["classify", "bench"])
def test_it_is_heard(command: str, home: Path, tmp_path: Path, photo_file: FileMaker) -> None:
    photos = [str(photo_file())] if command == "classify" else []
    model = endless(tmp_path / "endless.onnx")
    admitted(home, model)
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "resnet_desktop",
            command,
            *photos,
            "--model",
            str(model),
            "--provider",
            "cpu",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(interrupt.__file__).parents[2])},
    )
    with process:
        time.sleep(6)  # it runs by then, or still opens the model: both must hear
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=LONG)
    assert process.returncode in (1, 130)
    assert "Traceback" not in said


def test_what_stood_there_before_is_back() -> None:
    before = signal.set_wakeup_fd(-1)
    with interrupt.heard():
        assert signal.set_wakeup_fd(-1) not in (-1, before)
    assert signal.set_wakeup_fd(before) in (-1, before)
