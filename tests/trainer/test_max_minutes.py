"""A run that may take so many minutes: its schedule is fitted to them, and it ends with a model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor, nn

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.core.errors import JobError
from resnet_desktop.data.dataset import scan
from resnet_desktop.jobs.job import Phase, is_same_run, parse_job
from resnet_desktop.runs.control import CancelledRunError, Control
from resnet_desktop.trainer.bench import estimate
from resnet_desktop.trainer.loop import spent as spending
from resnet_desktop.trainer.loop.budget import Budget
from resnet_desktop.trainer.loop.checkpoint import load_latest
from resnet_desktop.trainer.loop.engine import Engine
from resnet_desktop.trainer.loop.remaining_work import RemainingWork
from resnet_desktop.trainer.loop.schedule import Cost, Schedule, fitted, seconds_ahead
from resnet_desktop.trainer.loop.spent import STARTING, Spent
from resnet_desktop.trainer.run import Run

from .conftest import Listener, run_here, small_job, weights

COSTS = [Cost(10, 100, 1.0, 20.0), Cost(2, 100, 4.0, 80.0)]


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


# The schedule


def test_a_schedule_that_fits_is_left_alone() -> None:
    whole = Schedule.whole([(cost.epochs, cost.steps) for cost in COSTS])
    assert seconds_ahead(whole, 0, 0, COSTS) == 10 * 120 + 2 * 480
    assert fitted(whole, 0, 0, COSTS, 2160) == whole
    assert fitted(whole, 0, 0, COSTS, 1e9) == whole


@pytest.mark.parametrize("seconds", [2159, 1500, 700, 250, 60])
def test_a_schedule_is_shortened_to_fit_and_keeps_its_proportions(seconds: float) -> None:
    whole = Schedule.whole([(cost.epochs, cost.steps) for cost in COSTS])
    found = fitted(whole, 0, 0, COSTS, seconds)
    assert seconds_ahead(found, 0, 0, COSTS) <= seconds or found.total == 1
    assert all(0 < steps <= 100 for steps in found.steps)
    assert list(found.phases) == sorted(found.phases)
    parts = [sum(s for p, s in zip(found.phases, found.steps, strict=True) if p == phase) for phase in (0, 1)]
    assert parts[0] == pytest.approx(5 * parts[1], abs=5)
    if seconds > 500:
        assert seconds_ahead(found, 0, 0, COSTS) > seconds - 110, "hardly more than an epoch's judging is left over"


def test_what_is_done_stays_done_and_the_rate_goes_on_from_where_it_is() -> None:
    whole = Schedule.whole([(cost.epochs, cost.steps) for cost in COSTS])
    found = fitted(whole, 3, 40, COSTS, 700)
    assert found.steps[:3] == (100, 100, 100)
    assert found.steps[3] >= 40
    assert found.phases[-1] == 1, "the last phase keeps its share"
    assert seconds_ahead(found, 3, 40, COSTS) <= 700
    assert found.progress(3, 40) == pytest.approx(whole.progress(3, 40))
    places = [(e, s) for e in range(3, len(found)) for s in range(40 if e == 3 else 0, found.steps[e])]
    rates = np.array([found.progress(*place) for place in places])
    assert (np.diff(rates) > 0).all()
    assert rates[-1] < 1
    assert found.progress(len(found) - 1, found.steps[-1]) == pytest.approx(1.0)
    assert Schedule.of_values(json.loads(json.dumps(found.as_values()))) == found


def test_no_time_at_all_ends_the_epoch_that_runs() -> None:
    whole = Schedule.whole([(cost.epochs, cost.steps) for cost in COSTS])
    ended = fitted(whole, 3, 40, COSTS, -5)
    assert (len(ended), ended.steps[-1]) == (4, 40)
    assert fitted(whole, 3, 0, COSTS, -5).steps == (100, 100, 100)
    first = fitted(whole, 0, 0, COSTS, -5)
    assert (first.phases, first.steps) == ((1,), (1,)), "one step, so that there is something to export"


def test_the_whole_schedule_has_the_rates_of_before() -> None:
    whole = Schedule.whole([(3, 7), (1, 7)])
    assert [whole.progress(e, s) for e in range(4) for s in range(7)] == [i / 28 for i in range(28)]


# The time


def test_time_is_counted_over_all_processes_without_pauses(tmp_path: Path) -> None:
    clock, control = Clock(), Control("trial")
    first = Spent(tmp_path, control, clock)
    clock.now += 60
    control.seconds_paused = 20.0
    assert first.seconds == STARTING + 40
    first.keep()
    clock.now += spending.KEPT_SECONDS - 1
    first.keep()  # too soon
    second = Spent(tmp_path, Control("trial"), clock)
    assert second.seconds == 2 * STARTING + 40
    (tmp_path / spending.NAME).write_text('{"seconds": "long"}')
    assert Spent(tmp_path, Control("trial"), clock).seconds == STARTING


def budget(clock: Clock, folder: Path, limit: float) -> Budget:
    recipe = [Phase(10, 32, 8), Phase(2, 64, 8)]
    return Budget(limit, Spent(folder, Control("trial"), clock), recipe, [100, 100], 50, RemainingWork())


def test_a_budget_measures_steps_and_scales_them_by_their_pixels(tmp_path: Path) -> None:
    clock = Clock()
    made = budget(clock, tmp_path, 3000.0)
    whole = Schedule.whole([(10, 100), (2, 100)])
    for taken in (30.0, 1.0, 1.0, 1.0):  # the first one is not counted
        clock.now += taken
        made.step_taken(Phase(10, 32, 8))
        assert made.refitted(whole, 0, 4) is None, "nothing is known yet"
    clock.now += 1.0
    made.step_taken(Phase(10, 32, 8))
    assert made.refitted(whole, 0, 5) is None, "it fits: 1,000 s, 800 s, and what judging takes"
    made = budget(clock, tmp_path, 1000.0)
    for _ in range(5):
        clock.now += 1.0
        made.step_taken(Phase(10, 32, 8))
    found = made.refitted(whole, 0, 5)
    assert found is not None
    costs = [Cost(10, 100, 1.0, 0.4 / 8 * 50), Cost(2, 100, 4.0, 4 * 0.4 / 8 * 50)]
    assert 800 < seconds_ahead(found, 0, 5, costs) <= 1000 - 9


# The run


@pytest.fixture
def timed(stripe_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Engine]]:
    """Engines whose clock goes on by a second with each step at 24 pixels, and by as much as their pixels at others."""
    clock, listeners = Clock(), list[Listener]()

    def make(output: Path, minutes: float = 0.6, slower: Callable[[int], float] = lambda _: 1.0) -> Engine:
        job = small_job(stripe_folder, output, max_minutes=minutes)
        job["recipe"]["schedule"] = [{**phase, "epochs": 3 * phase["epochs"]} for phase in job["recipe"]["schedule"]]
        listeners.append(Listener(output))
        run = Run(parse_job(job), listeners[-1], Control("trial"))
        run.spent = Spent(output, run.control, clock)
        made = run.engine(scan(run.job))
        taken = 0

        def pass_time(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            nonlocal taken
            if module.training:
                taken += 1
                clock.now += slower(taken) * (inputs[0].shape[-1] / 24) ** 2

        made.network.register_forward_pre_hook(pass_time)
        return made

    yield make
    for listener in listeners:
        listener.close()


def minutes(engine: Engine) -> float:
    assert engine.budget is not None
    return engine.budget.minutes


def finished(engine: Engine) -> list[dict[str, Any]]:
    assert isinstance(engine.reporter, Listener)
    return [record for record in engine.reporter.said if record["event"] == "epoch_finished"]


def test_a_run_ends_within_its_time_at_its_last_size(timed: Callable[..., Engine], tmp_path: Path) -> None:
    made = timed(tmp_path / "out")
    whole = made.course.schedule.total
    made.train()
    assert 4 < made.course.schedule.total < whole
    assert made.history[-1]["size"] == 32
    assert made.history[-1]["learning_rate"] < 0.2 * made.peak, "the rate has fallen"
    ending = made.ending.seconds(0.0) / 60
    assert 0.6 * 0.75 < minutes(made) + ending <= 0.6
    assert isinstance(made.reporter, Listener)
    left = [r["seconds_left"] for r in made.reporter.said if r["event"] == "progress" and "part" not in r]
    assert max(left) <= 36
    assert finished(made)[-1]["epoch"] == len(made.course)


def test_a_machine_that_slows_down_gets_fewer_steps(timed: Callable[..., Engine], tmp_path: Path) -> None:
    steady = timed(tmp_path / "steady")
    steady.train()
    slow = timed(tmp_path / "slow", slower=lambda taken: 1.0 if taken < 8 else 3.0)
    slow.train()
    assert slow.course.schedule.total < steady.course.schedule.total
    assert minutes(slow) + slow.ending.seconds(0.0) / 60 <= 0.6 + 3 / 60  # at most the step that was under way


def test_a_run_goes_on_with_the_schedule_that_its_folder_holds(timed: Callable[..., Engine], tmp_path: Path) -> None:
    first = timed(tmp_path / "out")
    kept = first.save

    def save_and_end() -> None:
        kept()
        if first.position.epoch >= 3:  # fitted by now
            raise CancelledRunError

    first.save = save_and_end  # type: ignore[method-assign]
    with pytest.raises(CancelledRunError):
        first.train()
    found = []
    for _ in range(2):
        stored = load_latest(tmp_path / "out" / "checkpoints")  # anew: training goes on in its very tensors
        assert stored is not None
        assert stored.schedule is not None
        made = timed(tmp_path / "out")
        made.restore(stored)
        assert made.course.schedule == first.course.schedule
        assert made.course.schedule.total < timed(tmp_path / "new").course.schedule.total
        made.save = lambda: None  # type: ignore[method-assign]
        made.course.fit = lambda *_: None  # type: ignore[method-assign]
        made.train()
        found.append({name: value.clone() for name, value in made.network.state_dict().items()})
    assert all(np.array_equal(found[0][name], found[1][name]) for name in found[0])


def test_time_that_is_over_ends_the_run_with_a_model(stripe_folder: Path, tmp_path: Path) -> None:
    job = small_job(stripe_folder, tmp_path / "out", max_minutes=0.1)
    said = run_here(job)
    assert said[-1]["event"] == "finished"
    told = bundles.read(tmp_path / "out" / "model.onnx").metadata.provenance
    assert told["recipe"]["max_minutes"] == 0.1
    epochs = [record for record in said if record["event"] == "epoch_finished"]
    assert told["recipe"]["epochs"] == len(epochs) < 4
    assert sum(phase["epochs"] for phase in told["recipe"]["recipe"]["schedule"]) == len(epochs)
    assert told["minutes"] >= STARTING / 60
    before = weights(tmp_path / "out")
    again = run_here(json.loads((tmp_path / "out" / "job.json").read_text()))
    assert again[-1]["event"] == "finished"
    after = weights(tmp_path / "out")
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_the_key(stripe_folder: Path, tmp_path: Path) -> None:
    values = small_job(stripe_folder, tmp_path / "out")
    job = parse_job({**values, "max_minutes": 5})
    assert job.max_minutes == 5.0
    assert parse_job(json.loads(json.dumps(job.as_dict()))) == job
    assert "max_minutes" not in parse_job(values).as_dict()
    assert is_same_run(job, parse_job(values)), "how long it trains may be another"
    for wrong in (0, -1, "5", True):
        with pytest.raises(JobError, match="'max_minutes'"):
            parse_job({**values, "max_minutes": wrong})
    assert estimate(parse_job({**values, "max_minutes": 0.1}))["seconds"] <= 6.0
