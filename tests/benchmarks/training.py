"""``python -m tests.benchmarks.training DATA``: what the trainer gains and what it costs.

* Head only, features computed once, against the plain loop that sends every picture through the frozen network again in
  each of 25 epochs; both as whole processes, from their start to the end of training, on the same pictures. The last
  stage fine-tuned is printed beside it.
* The trainer's step against a bare PyTorch loop on ready tensors: the same network, optimizer and batch.

DATA has class folders, or ``train`` and ``val`` folders of them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from resnet_desktop.jobs import events
from tests.benchmarks.measure import Spread, by_turns

EPOCHS = 25
RATE = 1e-3
BATCH = 32
STEPS = 4


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.training", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--plain", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--steps-only", action="store_true", help="measure the step alone")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of the plain loop that are really made")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    if given.plain:
        print(json.dumps(plain_loop(given.data, given.epochs)))
        return
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, threads {os.environ.get('OMP_NUM_THREADS', 'all')}")
    if not given.steps_only:
        whole_runs(given.data, given.epochs)
    step_against_bare(given.data, given.rounds)


def whole_runs(data: Path, epochs: int) -> None:
    """Head only, the plain loop, head only again (remembered), and the last stage, each in a process of its own."""
    print(f"{'':26}{'seconds':>9}  accuracy (95 % interval)", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        head = _shown("head only", trained(folder, data, "head", "head"))
        plain = _shown(f"plain loop, {EPOCHS} epochs", timed_plain(folder, data, epochs))
        ratio, gain = head["seconds"] / plain["seconds"], head["acc1"] - plain["acc1"]
        print(
            f"head only takes {ratio:.3f} of the plain loop (reach 0.125); accuracy {gain:+.1%} (reach -1 %)",
            flush=True,
        )
        _shown("head only, remembered", trained(folder, data, "again", "head"))
        _shown("last stage", trained(folder, data, "stage", "last-stage"))


def _shown(title: str, row: dict[str, Any]) -> dict[str, Any]:
    low, high = row["interval"]
    accuracy = f"{row['acc1']:.1%} ({low:.1%}–{high:.1%})"
    print(f"{title:26}{row['seconds']:9.1f}  {accuracy}  {row['epochs']} epochs", flush=True)
    return row


def trained(folder: Path, data: Path, name: str, what: str) -> dict[str, Any]:
    """Run the trainer; seconds from the start of the process to the end of training, and its accuracy."""
    job = {"data": [{"folder": str(data)}], "output": str(folder / name), "train": what, "control": "none"}
    path = folder / f"{name}.json"
    path.write_text(json.dumps({**job, "device": "cpu"}), "utf-8")
    started = time.time()
    command = [sys.executable, "-u", "-m", "resnet_desktop.trainer", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment(folder))
    lines = [line for line in map(events.decode, done.stdout.splitlines()) if line]
    ended = max(line["time"] for line in lines if line["event"] in ("epoch_finished", "checkpoint"))
    metrics, epochs = lines[-1]["metrics"], sum(line["event"] == "epoch_finished" for line in lines)
    return {"seconds": ended - started, "acc1": metrics["acc1"], "interval": metrics["acc1_interval"], "epochs": epochs}


def timed_plain(folder: Path, data: Path, epochs: int) -> dict[str, Any]:
    """Run the plain loop in a process of its own."""
    started = time.time()
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.training",
        str(data),
        "--plain",
        str(folder),
        "--epochs",
        str(epochs),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment(folder))
    found: dict[str, Any] = json.loads(done.stdout)
    rest = (EPOCHS - epochs) * found["epoch"]
    return {**found, "seconds": found["ended"] - started + rest, "epochs": epochs}


def environment(folder: Path) -> dict[str, str]:
    """A home without remembered features."""
    return {**os.environ, "RESNET_DESKTOP_HOME": str(folder / "home"), "PYTHONPATH": os.pathsep.join(sys.path)}


def plain_loop(data: Path, epochs: int) -> dict[str, Any]:
    """Transfer learning as it is usually written: every picture through the frozen network in every epoch.

    In float32, as PyTorch does by itself; the pictures are decoded once and kept, which is kinder to this loop than the
    usual one. With fewer ``epochs`` than ``EPOCHS`` the time of the rest is taken to be that of those, and said.
    """
    import torch
    from torch.nn import functional

    from resnet_desktop.data.dataset import scan
    from resnet_desktop.jobs.job import parse_job
    from resnet_desktop.runs.evaluation.calibrate import wilson_interval
    from resnet_desktop.trainer import choices
    from resnet_desktop.trainer.inputs.augment import Augmenter
    from resnet_desktop.trainer.inputs.picture_tensor import load_pictures, square
    from resnet_desktop.trainer.network.build import build_network

    values = {"data": [{"folder": str(data)}], "output": "unused", "train": "head", "device": "cpu"}
    job = choices.fill(parse_job(values))
    recipe, found = job.recipe, scan(job)
    assert recipe is not None
    assert recipe.transforms is not None
    crop, device, side = recipe.transforms.crop, torch.device("cpu"), choices.stored_side(recipe)
    training, _ = load_pictures(found.training, square(side), job.workers or 1)
    validation, _ = load_pictures(found.validation, square(side), job.workers or 1)
    torch.manual_seed(0)
    network = build_network(job, len(found.labels)).eval()
    augmenter = Augmenter(recipe, recipe.transforms, device)
    optimizer = torch.optim.AdamW((p for p in network.parameters() if p.requires_grad), RATE)
    best, began = 0, time.time()
    for epoch in range(epochs):
        generator = torch.Generator().manual_seed(epoch)
        for chosen in torch.split(torch.randperm(len(training), generator=generator), BATCH):
            x = augmenter.training(training.pixels[chosen], crop, augmenter.draw(len(chosen), generator))
            loss = functional.cross_entropy(network(x), training.labels[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        right = 0
        with torch.inference_mode():
            for rows in torch.split(torch.arange(len(validation)), BATCH):
                x = augmenter.evaluation(validation.pixels[rows], recipe.transforms.resize, crop)
                right += int((network(x).argmax(1) == validation.labels[rows]).sum())
        best = max(best, right)
    count = len(validation)
    each = (time.time() - began) / epochs
    return {"ended": time.time(), "epoch": each, "acc1": best / count, "interval": wilson_interval(best, count)}


def step_against_bare(data: Path, rounds: int) -> None:
    """The trainer's steps with everything (augmentation, events, pace) and bare ones on ready tensors, by turns."""
    import torch
    from torch.nn import functional

    from resnet_desktop.jobs.job import parse_job
    from resnet_desktop.trainer import bench
    from resnet_desktop.trainer.allocator import keep_freed_memory
    from resnet_desktop.trainer.network.build import training_mode
    from resnet_desktop.trainer.step.optim import make_optimizer
    from resnet_desktop.trainer.step.train_step import autocast

    keep_freed_memory()  # for both: the bare loop gains from it too
    values = {"data": [{"folder": str(data)}], "output": "unused", "train": "all", "device": "cpu"}
    prepared = bench.prepare(parse_job({**values, "batch_size": BATCH}), pictures=STEPS * BATCH)
    engine = prepared.engine
    training_mode(engine.network)
    phase = engine.recipe.schedule[-1]
    ready = [(engine.training.inputs(plan, torch.arange(BATCH)), plan.chosen) for _, plan in engine.plans(0, phase)]
    optimizer = make_optimizer(engine.network, engine.recipe)

    def bare() -> None:
        for x, chosen in ready:
            with autocast(engine.recipe, engine.device):
                logits = engine.network(x)
            loss = functional.cross_entropy(logits.float(), engine.training.labels[chosen], label_smoothing=0.05)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    def ours() -> None:
        for step, plan in engine.plans(0, phase):
            engine.make_step(0, step, plan)
            engine.course.pace.step(len(plan))

    timings = by_turns({"bare": bare, "ours": ours}, rounds)
    speed = Spread.of([STEPS * BATCH / seconds for seconds in timings.seconds["ours"]])
    bare_speed = Spread.of([STEPS * BATCH / seconds for seconds in timings.seconds["bare"]])
    print(f"ResNet-50 at {phase.size} pixels, all free, {engine.recipe.precision}, batches of {BATCH}")
    print(f"bare loop {bare_speed.text(1)} images/s, trainer {speed.text(1)} images/s")
    print(f"trainer against bare: {timings.ratio('bare', 'ours').text(3)} of its images a second (reach 0.95)")


if __name__ == "__main__":
    main()
