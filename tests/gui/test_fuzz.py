"""Random user actions, the same ones each time; ``make torture`` does some thousand more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from .conftest import REPO


def test_random_actions_leave_nothing_wrong(tmp_path: Path, model_file: Path, home: Path) -> None:
    arguments = ["--model", str(model_file), "--photos", str(REPO / "assets" / "samples"), "--actions", "150"]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.gui.fuzz", str(tmp_path), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(REPO), "RESNET_DESKTOP_HOME": str(home)},
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    assert sum(json.loads(ended.stdout.splitlines()[-1])["actions"].values()) == 150
