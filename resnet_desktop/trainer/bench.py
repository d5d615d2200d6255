"""What a job would cost on this machine, from steps that are really made on some of its pictures."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from resnet_desktop.core.errors import DataError
from resnet_desktop.data.dataset import Sample, Scan, survey
from resnet_desktop.jobs.job import Job
from resnet_desktop.jobs.rate_curve import has_ended, suggested
from resnet_desktop.jobs.recipe import Phase
from resnet_desktop.runs.control import Control
from resnet_desktop.runs.reporter import Silent
from resnet_desktop.trainer import choices, machine
from resnet_desktop.trainer.evaluation import linear_probe
from resnet_desktop.trainer.evaluation.evaluate import CPU_BATCH
from resnet_desktop.trainer.inputs.augment import Augmenter
from resnet_desktop.trainer.inputs.feeds import FeatureFeed, Feed, PictureFeed
from resnet_desktop.trainer.inputs.picture_tensor import load_pictures, square
from resnet_desktop.trainer.loop.engine import Engine
from resnet_desktop.trainer.loop.remaining_work import RemainingWork
from resnet_desktop.trainer.loop.spent import STARTING
from resnet_desktop.trainer.network.build import build_network, count_parameters, training_mode
from resnet_desktop.trainer.probe import Probe
from resnet_desktop.trainer.step import balance
from resnet_desktop.trainer.step.optim import set_learning_rate
from resnet_desktop.trainer.teacher.bank import crops_that_fit
from resnet_desktop.trainer.teacher.teacher import read_teacher, seconds_per_lesson

PICTURES = 32
STEPS = 3
HEAD_STEPS = 20
ENTRIES = 75
"""Steps of the learning-rate range test."""
LOWEST, HIGHEST = 1e-5, 1.0
"""The learning rates that it goes from and to."""


@dataclass(frozen=True, slots=True)
class Bench:
    """An engine on a few of a job's pictures, that writes nothing and says nothing."""

    job: Job
    found: Scan
    engine: Engine
    seconds_per_picture: float
    """To decode one."""
    seconds_per_feature: float
    """To send one picture through the frozen network; 0 where it is not frozen as a whole."""
    seconds_per_lesson: float = 0.0
    """In which a teacher answers to a crop; 0 where there is none."""


def prepare(job: Job, pictures: int = PICTURES) -> Bench:
    """Fill the job in and load a few pictures of each class. Raises as a run does."""
    job = choices.fill(job)
    found = survey(job)
    teacher = read_teacher(job, found.labels)
    device = torch.device(job.device)
    torch.manual_seed(job.seed)
    network = build_network(job, len(found.labels)).to(device)
    job = choices.fill_schedule(job, len(found.training), network, device)
    recipe = job.recipe
    assert recipe is not None, "filled in just now"
    assert recipe.transforms is not None, "filled in just now"
    started = time.monotonic()
    some = spread(found.training, pictures)
    loaded, _ = load_pictures(some, square(choices.stored_side(recipe), recipe.transforms), job.workers or 1)
    if not len(loaded):
        raise DataError("no_images", "None of the training photos can be read.")
    decoding = (time.monotonic() - started) / len(some)
    augmenter = Augmenter(recipe, recipe.transforms, device)
    feed: Feed = PictureFeed(loaded.to(device), augmenter, device)  # where those of a run lie, too
    per_feature = 0.0
    if job.train == "head":
        network.eval()
        features, per_feature = _features(network, feed, recipe.transforms.resize, recipe.transforms.crop)
        feed = FeatureFeed(features[None].half(), feed.labels, feed.samples, augmenter, device)
    engine = Engine(
        job=job,
        recipe=dataclasses.replace(recipe, balance="none"),
        network=network,
        training=feed,
        validation=feed,
        reporter=Silent(),
        control=Control("trial"),
        folder=Path(job.output),
        device=device,
        labels=found.labels,
    )
    lesson = 0.0 if teacher is None else seconds_per_lesson(teacher, recipe, loaded.pixels, device)
    return Bench(job, found, engine, decoding, per_feature, lesson)


def spread(samples: Sequence[Sample], count: int) -> list[Sample]:
    """At most ``count`` of the samples, evenly over their order, which is that of the classes."""
    count = min(count, len(samples))
    return [samples[(2 * i + 1) * len(samples) // (2 * count)] for i in range(count)]


def _features(network: Any, feed: Feed, resize: int, crop: int) -> tuple[torch.Tensor, float]:  # noqa: ANN401
    """Pooled features of a feed, and the seconds that each took once the network was warm."""
    parts, seconds = [], 0.0
    with torch.inference_mode():
        network.pooled(feed.evaluation(torch.arange(min(2, len(feed))), resize, crop))
        started = time.monotonic()
        for start in range(0, len(feed), CPU_BATCH):
            rows = torch.arange(start, min(len(feed), start + CPU_BATCH))
            parts.append(network.pooled(feed.evaluation(rows, resize, crop)).float().cpu())
        seconds = time.monotonic() - started
    return torch.cat(parts), seconds / len(feed)


def estimate(job: Job) -> dict[str, Any]:
    """What a run of the job would take: seconds, parameters, batch size, device."""
    bench = prepare(job)
    engine, recipe, found = bench.engine, bench.engine.recipe, bench.found
    last, training = recipe.schedule[-1], len(found.training)
    answer = bench.seconds_per_feature or _seconds_per_answer(engine)
    seconds, epochs, evaluations, per_step = bench.seconds_per_picture * (training + len(found.validation)), 0, 0.0, 0.0
    for phase in recipe.schedule:
        per_step = _seconds_per_step(engine, phase, training)
        epochs += phase.epochs
        evaluations += phase.epochs * (phase.size / last.size) ** 2
        seconds += phase.epochs * max(1, training // min(phase.batch_size, training)) * per_step
    seconds += STARTING + answer * _answers(bench, evaluations)
    ending = RemainingWork.of(found, has_features=engine.head is not None)
    seconds += ending.seconds(answer) + bench.seconds_per_picture * (ending.learnt + ending.judged)
    seconds += bench.seconds_per_lesson * training * _crops(bench)
    return {
        "seconds": round(min(seconds, 60 * (bench.job.max_minutes or math.inf)), 1),
        "seconds_per_step": round(per_step, 4),
        "batch_size": last.batch_size,
        "epochs": epochs,
        "images": training,
        "classes": len(found.labels),
        "device": machine.device_name(bench.job.device),
        **count_parameters(engine.network),
        "parts": _parts(engine),
        "chosen": _chosen(bench),
    }


def _crops(bench: Bench) -> int:
    """Of each picture, that a teacher is asked about."""
    teacher = bench.engine.recipe.teacher
    return 0 if teacher is None else crops_that_fit(teacher.crops, len(bench.found.training), len(bench.found.labels))


def _answers(bench: Bench, evaluations: float) -> float:
    """How many pictures of the last size go through the network without being learnt from until training ends.

    Those of the fitted head are among them.
    """
    training, validation = len(bench.found.training), len(bench.found.validation)
    if bench.engine.head:  # once, for all epochs
        return training * bench.engine.recipe.views + validation
    if linear_probe.wanted(bench.engine.network, bench.job.train):  # the network is judged as it begins, too
        return min(training, linear_probe.MOST) + (evaluations + 1) * validation
    return evaluations * validation


def _parts(engine: Engine) -> list[dict[str, Any]]:
    """The parts of the network from input to output: parameters, those that train, rate beside that of the head."""
    scales = {id(p): group.get("scale", 1.0) for group in engine.optimizer.param_groups for p in group["params"]}
    rows: dict[str, dict[str, Any]] = {}
    for name, parameter in engine.network.named_parameters():
        part = engine.network.part(name)
        row = rows.setdefault(part, {"name": part, "total": 0, "trainable": 0, "rate": 0.0})
        row["total"] += parameter.numel()
        if parameter.requires_grad:
            row["trainable"] += parameter.numel()
            row["rate"] = round(scales[id(parameter)], 6)
    return list(rows.values())


def _chosen(bench: Bench) -> dict[str, Any]:
    """What was filled in where the job leaves it open, by the job's keys."""
    recipe = bench.engine.recipe
    labels = torch.tensor([sample.label for sample in bench.found.training])
    asked = bench.job.recipe  # the engine's own weighs no classes
    assert asked is not None, "filled in before"
    assert recipe.transforms is not None, "filled in before"
    return {
        "batch_size": recipe.schedule[-1].batch_size,
        "epochs": sum(phase.epochs for phase in recipe.schedule),
        "learning_rate": bench.engine.peak,
        "input_size": recipe.transforms.crop,
        "device": bench.job.device,
        "workers": bench.job.workers,
        "recipe.precision": recipe.precision,
        "recipe.balance": balance.chosen(asked.balance, labels),
    }


def _seconds_per_step(engine: Engine, phase: Phase, training: int) -> float:
    """Seconds of a step in this phase of a run on so many pictures; the first step, which warms up, does not count."""
    training_mode(engine.network)
    steps, started, pictures = HEAD_STEPS if engine.head else STEPS, 0.0, 1
    for number in range(steps + 1):
        if number == 1:
            started = time.monotonic()
        _, plan = next(engine.plans(number, phase))
        loss = engine.make_step(number, 0, plan)
        pictures = len(plan)
        float(loss)  # wait for the device
    seconds = (time.monotonic() - started) / steps
    if engine.head:  # a step costs the same for few and many
        return seconds
    return seconds * min(phase.batch_size, training) / pictures  # a batch of the few may be smaller than the run's


def _seconds_per_answer(engine: Engine) -> float:
    """Seconds in which the network judges one picture, once it is warm."""
    size = engine.recipe.schedule[-1].size
    engine.evaluate(engine.validation, size, size)
    started = time.monotonic()
    engine.evaluate(engine.validation, size, size)
    return (time.monotonic() - started) / max(1, len(engine.validation))


def _begin_head(bench: Bench) -> None:
    """Let the head begin as that of a run does."""
    engine, transforms = bench.engine, bench.engine.recipe.transforms
    assert transforms is not None, "filled in before"
    if linear_probe.wanted(engine.network, bench.job.train):
        engine.network.eval()
        features, _ = _features(engine.network, engine.training, transforms.resize, transforms.crop)
        values, classes = features[None].half().numpy(), len(engine.labels)
        linear_probe.fit_head(
            engine.network, values, engine.training.samples, classes, balance="none", seed=bench.job.seed
        )


def find_rate(job: Job, steps: int = ENTRIES) -> Iterator[dict[str, Any]]:
    """The learning-rate range test (Smith 2017, arXiv:1506.01186): the loss while the rate rises step by step.

    Yields:
        ``learning_rate``, ``loss`` on the same pictures after each step (``probe``), ``step`` and ``steps``, until
        there is nothing more to be seen; at the end ``suggestion`` (``jobs.rate_curve``) and the ``optimizer`` that
        it holds for.
    """
    bench = prepare(job, pictures=max(PICTURES, 4 * (job.batch_size or 64)))
    engine, phase = bench.engine, bench.engine.recipe.schedule[-1]
    _begin_head(bench)
    training_mode(engine.network)
    probe = Probe(engine)
    rates: list[float] = []
    losses: list[float] = []
    for number in range(steps):
        rate = LOWEST * (HIGHEST / LOWEST) ** (number / (steps - 1))
        set_learning_rate(engine.optimizer, rate)
        _, plan = next(engine.plans(number, phase))
        engine.make_step(number, 0, plan)
        loss = probe.loss()
        if not math.isfinite(loss):
            break
        rates.append(rate)
        losses.append(loss)
        yield {"learning_rate": float(f"{rate:.6g}"), "loss": round(loss, 6), "step": number + 1, "steps": steps}
        if has_ended(losses):
            break
    yield {"suggestion": suggested(rates, losses), "optimizer": engine.recipe.optimizer}
