"""The recipe of the bundled model: carried out in small, timed against a bare loop, and its run at other sizes."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from resnet_desktop.jobs import events
from resnet_desktop.jobs.job import DataSource, Job, read_job
from tests.benchmarks.gpu_setting import Setting, Table, shown, speeds
from tests.benchmarks.material import REPOSITORY
from tests.benchmarks.measure import by_turns

RECIPE = REPOSITORY / "models" / "tiny200.job.json"
STEPS = 4
BARE, OURS = "bare loop", "the trainer"
SEARCHED = ", cuDNN's search"


def shrunk(job: Job, folder: Path, *, classes: int, pictures: int, batch: int, device: str) -> Job:
    """The same job on a few pictures of a few classes, an epoch for each phase; the rate falls with the batch.

    Args:
        job: whose sources are zip files that hold ``…/CLASS/NAME``.
        folder: where the pictures and the run go.
        classes: how many.
        pictures: of each class in each source.
        batch: pictures in a step.
        device: where it runs.

    Raises:
        SystemExit: the pictures are not here.
    """
    assert job.classes is not None
    assert job.recipe is not None
    kept, sources = some_pictures(job.data, folder, job.classes, classes, pictures)
    schedule = tuple(dataclasses.replace(phase, epochs=1, batch_size=batch) for phase in job.recipe.schedule)
    split = dataclasses.replace(job.split, validation=0.2)
    recipe = dataclasses.replace(job.recipe, schedule=schedule)
    rate = (job.learning_rate or 0.0) * batch / job.recipe.schedule[0].batch_size or None
    changed = dataclasses.replace(job, data=sources, output=str(folder / "run"), classes=kept, split=split)
    return dataclasses.replace(changed, recipe=recipe, learning_rate=rate, device=device)


def some_pictures(
    sources: Sequence[DataSource], folder: Path, labels: Mapping[str, str], classes: int, pictures: int
) -> tuple[dict[str, str], tuple[DataSource, ...]]:
    """So many classes of ``labels``, and the sources with so many pictures of each, as folders in ``folder``."""
    kept = dict(list(labels.items())[:: max(1, len(labels) // classes)][:classes])
    return kept, tuple(_part(source, folder / f"data{i}", kept, pictures) for i, source in enumerate(sources))


def _part(source: DataSource, target: Path, classes: dict[str, str], pictures: int) -> DataSource:
    path = REPOSITORY / source.folder
    if not path.is_file():
        raise SystemExit(f"The recipe's pictures are not here: {path}")
    with zipfile.ZipFile(path) as archive:
        left = dict.fromkeys(classes, pictures)
        for name in archive.namelist():
            parts = PurePosixPath(name).parts
            if len(parts) < 2 or not left.get(parts[-2]):
                continue
            left[parts[-2]] -= 1
            (target / parts[-2]).mkdir(parents=True, exist_ok=True)
            (target / parts[-2] / parts[-1]).write_bytes(archive.read(name))
    return dataclasses.replace(source, folder=str(target))


def recipe(setting: Setting) -> Table:
    """A run of the shrunken recipe from start to bundle, by the trainer's own process."""
    job = shrunk(read_job(RECIPE), setting.folder / "recipe", classes=4, pictures=8, batch=16, device=setting.device)
    table = Table(f"The recipe in small ({RECIPE.name}, {len(job.classes or ())} classes)", ("size", "loss", "seconds"))
    path = setting.folder / "recipe" / "job.json"
    path.write_text(json.dumps(job.as_dict()), "utf-8")
    command = [sys.executable, "-u", "-m", "resnet_desktop.trainer", str(path)]
    environment = {**os.environ, "RESNET_DESKTOP_HOME": str(setting.folder / "home")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=REPOSITORY)
    said = [line for line in map(events.decode, done.stdout.splitlines()) if line]
    last: dict[str, Any] = said[-1] if said else {"event": "nothing", "message": done.stderr[-2000:]}
    if last["event"] != "finished":
        raise SystemExit(f"The run did not finish: {last}\n{done.stderr[-2000:]}")
    phases = job.recipe.schedule if job.recipe else ()
    for row, phase in zip((line for line in said if line["event"] == "epoch_finished"), phases, strict=True):
        table.rows[f"epoch {row['epoch']}"] = [str(phase.size), f"{row['training_loss']:.3f}", f"{row['seconds']:.1f}"]
    size = Path(last["bundle"]).stat().st_size / 1e6
    table.notes.append(
        f"Finished: {size:.1f} MB, {last['metrics']['images']} pictures tested; a run that learns nothing."
    )
    table.numbers = {"finished": last["metrics"], "megabytes": size}
    return table


def training(setting: Setting) -> Table:
    """Images a second of the trainer's steps with everything, and of a bare loop on ready tensors, at each size."""
    table = Table(
        "Training, ResNet-50 as in the recipe, images a second", ("bare loop", "the trainer", "trainer over bare")
    )
    if setting.no_torch:
        table.notes.append(f"Not measured: {setting.no_torch}.")
        return table
    job = read_job(RECIPE)
    assert job.recipe is not None
    present = [source for source in job.data if (REPOSITORY / source.folder).is_file()]
    if not any(source.role is None for source in present):
        table.notes.append("Not measured: the recipe's pictures are not here (../shared/data).")
        return table
    seconds = 0.0
    for phase in job.recipe.schedule:
        small = phase if setting.on_gpu else dataclasses.replace(phase, batch_size=max(setting.batches))
        recipe = dataclasses.replace(job.recipe, schedule=(small,))
        one = dataclasses.replace(job, data=tuple(present), recipe=recipe, device=setting.device, batch_size=None)
        speed = _steps(setting, table, one)
        seconds += phase.epochs / speed
    pictures = round(100_000 * (1 - job.split.validation))
    table.numbers["seconds of all steps"] = seconds * pictures
    table.notes.append(f"At these speeds the steps of the whole recipe take {seconds * pictures / 60:.1f} minutes.")
    return table


def _steps(setting: Setting, table: Table, job: Job) -> float:
    """One row (two on a GPU, with cuDNN's search for algorithms); the trainer's images a second."""
    import torch

    from resnet_desktop.trainer import bench
    from resnet_desktop.trainer.network.build import training_mode

    assert job.recipe is not None
    phase = job.recipe.schedule[0]
    engine = bench.prepare(job, pictures=STEPS * phase.batch_size).engine
    training_mode(engine.network)
    bare, ours = _bare(engine, phase), _ours(engine, phase)

    def searched(run: Callable[[], None]) -> Callable[[], None]:
        def with_search() -> None:
            torch.backends.cudnn.benchmark = True
            run()
            setting.wait()
            torch.backends.cudnn.benchmark = False

        return with_search

    cases: dict[str, Callable[[], None]] = {BARE: _waited(setting, bare), OURS: _waited(setting, ours)}
    if setting.on_gpu:
        cases |= {BARE + SEARCHED: searched(bare), OURS + SEARCHED: searched(ours)}
    timings = by_turns(cases, setting.rounds)
    found = speeds(timings, dict.fromkeys(cases, STEPS * phase.batch_size))
    for extra in ("", SEARCHED) if setting.on_gpu else ("",):
        name = f"{phase.size} pixels, batch {phase.batch_size}{extra}"
        ratio = timings.ratio(BARE + extra, OURS + extra)
        table.rows[name] = [shown(found[BARE + extra]), shown(found[OURS + extra]), f"{ratio.median:.2f}"]
        table.numbers[name] = [found[BARE + extra].median, found[OURS + extra].median, ratio.median]
    return found[OURS].median


def _bare(engine: Any, phase: Any) -> Callable[[], None]:
    """Steps on ready tensors, as anyone would write them: no augmentation, no average of weights, no events."""
    import torch
    from torch.nn import functional

    from resnet_desktop.trainer.step.optim import make_optimizer
    from resnet_desktop.trainer.step.train_step import autocast

    batches = [
        (engine.training.inputs(plan, torch.arange(len(plan))), plan.chosen) for _, plan in engine.plans(0, phase)
    ]
    ready = [(x, engine.training.labels[chosen.to(engine.device)]) for x, chosen in batches]
    optimizer = make_optimizer(engine.network, engine.recipe)

    def run() -> None:
        for x, labels in ready:
            with autocast(engine.recipe, engine.device):
                logits = engine.network(x)
            loss = functional.cross_entropy(logits.float(), labels, label_smoothing=engine.recipe.label_smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    return run


def _ours(engine: Any, phase: Any) -> Callable[[], None]:
    def run() -> None:
        for step, plan in engine.plans(0, phase):
            engine.make_step(0, step, plan)
            engine.course.pace.step(len(plan))

    return run


def _waited(setting: Setting, run: Callable[[], None]) -> Callable[[], None]:
    def whole() -> None:
        run()
        setting.wait()

    return whole


def sizes(setting: Setting, run: Path, pixels: tuple[int, ...]) -> Table:
    """Accuracy of a run's best network on its held-out training photos, at several input sizes (none is tested)."""
    import torch

    from resnet_desktop.data.dataset import scan
    from resnet_desktop.runs.evaluation.calibrate import wilson_interval
    from resnet_desktop.trainer import choices
    from resnet_desktop.trainer.distributed.process_group import ProcessGroup
    from resnet_desktop.trainer.evaluation.evaluate import Evaluator
    from resnet_desktop.trainer.inputs.augment import Augmenter
    from resnet_desktop.trainer.inputs.feeds import PictureFeed
    from resnet_desktop.trainer.inputs.picture_tensor import load_pictures, square
    from resnet_desktop.trainer.loop import checkpoint
    from resnet_desktop.trainer.network.build import build_network

    job = dataclasses.replace(read_job(run / "job.json"), output=str(run), device=setting.device)
    state, device, found = checkpoint.load_latest(run / "checkpoints"), torch.device(setting.device), scan(job)
    assert job.recipe is not None
    assert job.recipe.transforms is not None
    if state is None:
        raise SystemExit(f"There is no checkpoint in {run}.")
    network = build_network(job, len(found.labels)).to(device)
    network.load_state_dict(state.best or state.network, strict=False)
    pictures, _ = load_pictures(found.validation, square(choices.stored_side(job.recipe)), os.cpu_count() or 1)
    feed = PictureFeed(pictures.to(device), Augmenter(job.recipe, job.recipe.transforms, device), device)
    evaluate = Evaluator(network, job.recipe, device, ProcessGroup(), lambda: None)
    table = Table(f"{run.name}: {len(feed)} held-out training photos by input size", ("top-1 (95 % interval)", "loss"))
    for size in pixels:
        result = evaluate(feed, size, size)
        assert result is not None, "there are held-out photos"
        low, high = wilson_interval(round(result.acc1 * len(feed)), len(feed))
        table.rows[f"{size}"] = [f"{result.acc1:.1%} ({low:.1%}–{high:.1%})", f"{result.loss:.3f}"]
        table.numbers[f"{size}"] = [result.acc1, result.loss]
    return table
