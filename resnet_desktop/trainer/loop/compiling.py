"""Whether torch.compile pays: it takes most of a minute and then saves some time of each step."""

from __future__ import annotations

import copy
import dataclasses
import logging
import time

from resnet_desktop.runs.reporter import Silent
from resnet_desktop.trainer.loop.engine import Engine
from resnet_desktop.trainer.network.build import training_mode

COMPILING_SECONDS = 60.0
"""Taken for the compilation itself."""
LONG = 3 * COMPILING_SECONDS
"""A shorter run is not even tried."""
STEPS = 5


def pays(engine: Engine) -> bool:
    """Whether a run of this engine ends sooner compiled. Asked on CUDA alone; some steps are tried on a copy."""
    if engine.device.type != "cuda" or engine.head is not None or engine.world.size > 1:
        return False
    if not engine.network.traceable:
        return False
    try:
        plain = _seconds(engine, compiled=False)
        if plain * engine.course.schedule.total < LONG:
            return False
        saved = (plain - _seconds(engine, compiled=True)) * engine.course.schedule.total
    except (RuntimeError, ImportError, OSError) as error:  # no compiler on this machine, or no room for a copy
        logging.info("torch.compile is not used: %s", error)
        return False
    return saved > 1.5 * COMPILING_SECONDS


def _seconds(engine: Engine, *, compiled: bool) -> float:
    """Seconds of a step, once it is warm."""
    trial = dataclasses.replace(
        engine, network=copy.deepcopy(engine.network), reporter=Silent(), history=[], best=None, head=None, budget=None
    )
    if compiled:
        trial.stepper.compile()
    training_mode(trial.network)
    phase, started = trial.recipe.schedule[-1], 0.0
    for number in range(STEPS + 2):
        if number == 2:
            started = time.monotonic()
        _, plan = next(trial.plans(number, phase))
        float(trial.make_step(number, 0, plan))  # wait for the device
    return (time.monotonic() - started) / STEPS
