"""Whether training works here, asked from outside: one JSON object on standard output, by either way of asking."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.mark.parametrize("arguments", [["resnet_desktop.trainer", "--check"], ["resnet_desktop.trainer.self_check"]])
def test_the_answer_stands_on_standard_output(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["ok"] is True
    assert answer["message"].startswith("PyTorch ")
