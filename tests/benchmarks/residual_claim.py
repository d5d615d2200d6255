"""``python -m tests.benchmarks.residual_claim OUTPUT``: does depth harm plain networks and help residual ones?

The experiment of He et al. 2015 (arXiv:1512.03385, section 4.2 and figure 6) with this project's trainer: plain and
residual networks of 20 and 56 layers, on the recipe's 200 classes in 32 by 32 pixels. One recipe and one seed for all
four; a twentieth of the training photos is set apart for validation, and the set's own validation photos are not used.
After each epoch the error is measured on as many training photos as were set apart, without augmentation; before the
first epoch and after the last, the norm of the loss's gradient at each block's output.

Unlike the paper: 200 classes of shrunken photos for CIFAR's 10; random resized crops for padded ones; a cosine for the
steps of the learning rate; fewer epochs; projections (our network's) where the paper has zeros in the skips that change
width; residual paths that start at zero, so that the residual networks begin as much shallower ones.

OUTPUT keeps the runs: called again, it goes on from the last checkpoints. ``residual.json`` has the numbers,
``residual.html`` the plot. ``--classes 4 --pictures 40 --epochs 2 --device cpu`` is a dry run.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from markupsafe import Markup
from torch import Tensor
from torch.nn import functional

from resnet_desktop.core import atomic
from resnet_desktop.data.dataset import scan
from resnet_desktop.explain.report import rendering
from resnet_desktop.explain.report.svg import Axis, Line, line_chart
from resnet_desktop.jobs.job import Job, parse_job, read_job
from resnet_desktop.runs.control import Control
from resnet_desktop.runs.reporter import Silent
from resnet_desktop.trainer import machine
from resnet_desktop.trainer.inputs.feeds import Feed, Plan
from resnet_desktop.trainer.loop import checkpoint
from resnet_desktop.trainer.loop.engine import Engine
from resnet_desktop.trainer.network.resnet import ResidualBlock
from resnet_desktop.trainer.run import Run
from tests.benchmarks.gpu_training import RECIPE, some_pictures
from tests.benchmarks.material import REPOSITORY

KINDS, DEPTHS = ("plain", "resnet"), (20, 56)
NETWORKS = tuple(f"{kind}{depth}-cifar" for kind in KINDS for depth in DEPTHS)
SIDE = 32
GRADIENT_PICTURES = 256
PAGE = """
{%- extends "page.html" %}
{% block body %}
<header><h1>{{ title }}</h1><p>The experiment of He et al. 2015, section 4.2</p></header>
{% for heading, charts in (("Error by epoch", errors), ("Gradient by block, from the input on", gradients)) %}
<section><h2>{{ heading }}</h2>
<div class="pair">{% for chart in charts %}<figure>{{ chart }}</figure>{% endfor %}</div></section>
{% endfor %}
{% endblock %}
"""
Curves = dict[str, dict[str, Any]]


def main() -> None:
    """Train what is not trained yet, and write the table and the plot."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.residual_claim",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("output", type=Path)
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--classes", type=int, help="so many of the 200")
    parser.add_argument("--pictures", type=int, default=500, help="of each class in each source, with --classes")
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    path = given.output / "residual.json"
    curves: Curves = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    base = _job(given)
    for name in given.networks:
        _train(base, name, given.output, curves)
    (given.output / "residual.html").write_text(page(curves), "utf-8")
    print(f"\n{table(curves)}\n\nThe plot is in {given.output / 'residual.html'}.")


def _job(given: argparse.Namespace) -> Job:
    """The job that the four share, but for the network."""
    bundled = read_job(RECIPE)
    assert bundled.classes is not None
    classes, sources = bundled.classes, tuple(source for source in bundled.data if source.role is None)
    if given.classes:
        classes, sources = some_pictures(sources, given.output / "data", classes, given.classes, given.pictures)
    else:
        sources = tuple(dataclasses.replace(s, folder=str(REPOSITORY / s.folder)) for s in sources)
    device = machine.choose_device(given.device).type
    recipe = {
        "schedule": [{"epochs": given.epochs, "size": SIDE, "batch_size": given.batch}],
        "crop_scale": [0.5, 1.0],
        "label_smoothing": 0.0,
        "weight_decay": 1e-4,
        "warmup": 0.04,
        "patience": 0,
        "balance": "none",
        "precision": "bfloat16" if device == "cuda" else "float32",
        "compile": "off",
        "transforms": {"native": SIDE, "resize": SIDE, "crop": SIDE},
    }
    values = {
        "data": [{"folder": source.folder} for source in sources],
        "classes": dict(classes),
        "output": str(given.output),
        "train": "scratch",
        "split": {"validation": 0.05, "test": 0.0, "group_duplicates": False},
        "device": device,
        "control": "none",
        "learning_rate": 0.1 * given.batch / 128,
        "recipe": recipe,
    }
    return parse_job(values)


def _train(base: Job, name: str, output: Path, curves: Curves) -> None:
    assert base.recipe is not None
    folder = output / name
    folder.mkdir(parents=True, exist_ok=True)
    job = dataclasses.replace(base, output=str(folder), recipe=dataclasses.replace(base.recipe, arch=name))
    watcher = Watcher(name, output / "residual.json", curves)
    run = Run(job, watcher, Control(job.control, folder))
    engine = run.engine(scan(job))
    state = checkpoint.load_latest(folder / "checkpoints")
    if state is not None:
        engine.restore(state)
    watcher.begin(engine)
    engine.train()
    watcher.end()


class Watcher(Silent):
    """Measures the errors after each epoch and writes down what was found."""

    def __init__(self, name: str, path: Path, curves: Curves) -> None:
        super().__init__()
        self._name, self._path, self._curves = name, path, curves
        self._found: dict[str, Any] = curves.setdefault(name, {"epochs": [], "gradients": {}})
        self._engine: Engine | None = None

    def begin(self, engine: Engine) -> None:
        """From this engine, which stands at the beginning or was restored."""
        self._engine = engine
        done = engine.position.epoch
        self._found["epochs"] = self._found["epochs"][:done]  # what a lost checkpoint knew is learnt again
        if not done:
            self._found["gradients"]["start"] = gradient_norms(engine)

    def say(self, event: str, **values: object) -> None:
        """After each epoch: the errors."""
        if event != "epoch_finished" or self._engine is None:
            return
        engine = self._engine
        learnt = engine.evaluate(Part(engine.training, max(1, len(engine.validation))), SIDE, SIDE)
        assert learnt is not None
        row = {
            "training_error": 1 - learnt.acc1,
            "validation_error": 1 - float(str(values["acc1"])),
            "training_loss": learnt.loss,
            "validation_loss": values["validation_loss"],
            "seconds": values["seconds"],
        }
        self._found["epochs"].append(row)
        self._write()
        errors = f"{row['training_error']:.1%} training, {row['validation_error']:.1%} validation"
        print(f"{self._name} epoch {values['epoch']}: error {errors}, {values['seconds']} s", flush=True)

    def end(self) -> None:
        """After the last epoch."""
        assert self._engine is not None
        self._found["gradients"]["end"] = gradient_norms(self._engine)
        self._write()

    def _write(self) -> None:
        atomic.write_text(self._path, json.dumps(self._curves, indent=1) + "\n")


class Part:
    """Evenly spaced samples of a feed, at most ``count``, to be evaluated only."""

    def __init__(self, feed: Feed, count: int) -> None:
        self._feed = feed
        self._rows = torch.arange(len(feed))[:: max(1, len(feed) // count)][:count]
        self.labels = feed.labels[self._rows.to(feed.labels.device)]
        self.samples = tuple(feed.samples[i] for i in self._rows.tolist())

    def __len__(self) -> int:
        return len(self._rows)

    def plan(self, chosen: Tensor, size: int, generator: torch.Generator) -> Plan:
        """As the feed does."""
        return self._feed.plan(self._rows[chosen], size, generator)

    def inputs(self, plan: Plan, rows: Tensor) -> Tensor:
        """As the feed does."""
        return self._feed.inputs(plan, rows)

    def evaluation(self, chosen: Tensor, resize: int, crop: int) -> Tensor:
        """As the feed does."""
        return self._feed.evaluation(self._rows[chosen], resize, crop)

    def taught(self, plan: Plan, rows: Tensor) -> Tensor | None:
        """As the feed does."""
        return self._feed.taught(plan, rows)


def gradient_norms(engine: Engine) -> dict[str, float]:
    """At each block's output, from the input on: the norm of the loss's gradient for one picture, on average.

    With the batch norms of a training step, in float32; the network itself stays as it is.
    """
    network = deepcopy(engine.network).float().train()
    part = Part(engine.training, GRADIENT_PICTURES)
    outputs: dict[str, Tensor] = {}

    def keep(name: str, value: Tensor) -> None:
        value.retain_grad()
        outputs[name] = value

    for name, module in network.named_modules():
        if isinstance(module, ResidualBlock):
            module.register_forward_hook(lambda _module, _inputs, value, name=name: keep(name, value))
    logits = network(part.evaluation(torch.arange(len(part)), SIDE, SIDE).float())
    functional.cross_entropy(logits, part.labels, reduction="sum").backward()
    gradients = {name: value.grad for name, value in outputs.items()}
    return {name: float(g.flatten(1).norm(dim=1).mean()) for name, g in gradients.items() if g is not None}


def table(curves: Mapping[str, Mapping[str, Any]]) -> str:
    """The last epoch of each network, as Markdown."""
    lines = [
        "| network | epochs | training error | validation error | gradient at the first block over the last one's |",
        "|---|---|---|---|---|",
    ]
    for name, found in curves.items():
        if not found["epochs"]:
            continue
        last = found["epochs"][-1]
        cells = (f"{last['training_error']:.1%}", f"{last['validation_error']:.1%}", _spread(found["gradients"]))
        lines.append(f"| {name} | {len(found['epochs'])} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _spread(gradients: Mapping[str, Mapping[str, float]]) -> str:
    said = []
    for when, norms in gradients.items():
        values = list(norms.values())
        said.append(f"{values[0] / values[-1]:.2g} at the {when}" if values[-1] else f"– at the {when}")
    return ", ".join(said)


def page(curves: Mapping[str, Mapping[str, Any]]) -> str:
    """Errors and gradients of all networks that were trained, plain ones on the left."""
    template = rendering.environment(rendering.SHARED).from_string(PAGE)
    errors = [_errors(curves, kind) for kind in KINDS]
    gradients = [_gradients(curves, depth) for depth in DEPTHS]
    return template.render(title="Plain and residual networks", errors=errors, gradients=gradients)


def _errors(curves: Mapping[str, Mapping[str, Any]], kind: str) -> Markup:
    lines, epochs = [], 0
    for colour, depth in enumerate(DEPTHS, start=1):
        rows = curves.get(f"{kind}{depth}-cifar", {}).get("epochs", [])
        epochs = max(epochs, len(rows))
        lines.append(Line(f"{kind}-{depth}, validation", [r["validation_error"] for r in rows], colour))
        lines.append(Line(f"{kind}-{depth}, training", [r["training_error"] for r in rows], colour, dashed=True))
    step = max(1, epochs // 6)
    names = [str(i + 1) if i % step == 0 else "" for i in range(epochs)]
    return line_chart(Axis.around("error", [], percent=True), lines, names, title=f"Error of {kind} networks by epoch")


def _gradients(curves: Mapping[str, Mapping[str, Any]], depth: int) -> Markup:
    lines: list[Line] = []
    blocks: Sequence[str] = ()
    for colour, kind in enumerate(KINDS, start=1):
        for when, norms in curves.get(f"{kind}{depth}-cifar", {}).get("gradients", {}).items():
            blocks = blocks or list(norms)
            lines.append(Line(f"{kind}-{depth}, {when}", list(norms.values()), colour, dashed=when == "start"))
    axis = Axis.around("norm of the gradient", [v for line in lines for v in line.values], log=True)
    names = [name.removeprefix("layer") if name.endswith(".0") else "" for name in blocks]
    return line_chart(axis, lines, names, title=f"Gradient by block, {depth} layers")


if __name__ == "__main__":
    main()
