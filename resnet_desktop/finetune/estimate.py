"""What a job would cost on this machine, asked of the trainer itself."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resnet_desktop.core.errors import TrainingError
from resnet_desktop.finetune.process import MODULE, environment

LIMIT_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of a whole run, from steps that were really made.

    Attributes:
        seconds: until the model is there.
        seconds_per_step: of the optimizer.
        batch_size: pictures in a step.
        trainable: parameters that change.
        total: parameters of the network.
        device: where.
    """

    seconds: float
    seconds_per_step: float
    batch_size: int
    trainable: int
    total: int
    device: str


def estimate(job: Mapping[str, Any], python: Path | None) -> Estimate:
    """Measure a job: the trainer reads the pictures' number, makes a few steps, and says how long all would take.

    Raises:
        TrainingError: ``no_estimate``: the trainer's own words.
    """
    with tempfile.TemporaryDirectory(prefix="resnet-desktop-") as folder:
        path = Path(folder) / "job.json"
        path.write_text(json.dumps(dict(job)), "utf-8", "surrogateescape")
        command = [str(python or sys.executable), "-m", MODULE, "--estimate", str(path)]
        try:
            done = subprocess.run(
                command, capture_output=True, env=environment(python), timeout=LIMIT_SECONDS, check=False, text=True
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TrainingError("no_estimate", f"The time could not be measured: {error}.") from error
    return read(done.stdout, done.stderr)


def read(said: str, log: str) -> Estimate:
    """The estimate out of what the trainer said. Raises TrainingError ``no_estimate``."""
    try:
        values = json.loads(said.strip().splitlines()[-1])
        if "message" in values:
            raise TrainingError("no_estimate", str(values["message"]))
        return Estimate(
            float(values["seconds"]),
            float(values["seconds_per_step"]),
            int(values["batch_size"]),
            int(values["trainable"]),
            int(values["total"]),
            str(values["device"]),
        )
    except (ValueError, IndexError, KeyError, TypeError) as error:
        words = log.strip().splitlines()
        message = f"The time could not be measured: {words[-1] if words else 'the trainer said nothing'}."
        raise TrainingError("no_estimate", message) from error
