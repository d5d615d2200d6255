"""Windows on small screens and large ones: nothing lies beyond the edge, at any scale."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import REPO, SCREENSHOTS

SCREENS = ((800, 600, 1.0), (1024, 700, 1.0), (1366, 768, 1.0), (1920, 1080, 1.0), (1920, 1080, 1.5), (2560, 1440, 2.0))
PICTURED = ((800, 1.0), (2560, 2.0))
"""Those of which pictures are kept: drawing them takes longer than all the rest."""


@pytest.mark.parametrize(("width", "height", "scale"), SCREENS)
def test_all_is_within_reach(width: int, height: int, scale: float, tmp_path: Path) -> None:
    screen = {"name": "one", "x": 0, "y": 0, "width": width, "height": height}
    screen |= {"logicalDpi": 96, "logicalBaseDpi": 96, "dpr": 1}
    layout = tmp_path / "screens.json"
    layout.write_text(json.dumps({"synchronousWindowSystemEvents": False, "screens": [screen]}))
    pictures = SCREENSHOTS / f"screen {width}x{height} at {scale:g}"
    if (width, scale) in PICTURED:
        pictures.mkdir(parents=True, exist_ok=True)
    ours = {
        "QT_QPA_PLATFORM": f"offscreen:configfile={layout}",
        "QT_SCALE_FACTOR": str(scale),
        "RESNET_DESKTOP_HOME": str(tmp_path / "home"),
    }
    command = [sys.executable, "-m", "tests.gui.on_a_screen", str(pictures)]
    ended = subprocess.run(command, cwd=REPO, env=os.environ | ours, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    said = json.loads(ended.stdout)
    assert said["screen"] == [width / scale, height / scale]
    assert said["ratio"] == scale
    assert said["found"] == []
