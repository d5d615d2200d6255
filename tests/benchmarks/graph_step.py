"""A step of training: the network that is made from a graph beside the ResNet-50 that is written by hand.

``python -m tests.benchmarks.graph_step``: both learn from the same pictures by turns, in one process.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import functional

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.builders.resnet import build_resnet
from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.bundle.graph.base import read_base
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.jobs.recipe import parse_recipe
from resnet_desktop.trainer.network.build import channels_last, freeze, load_arrays, training_mode
from resnet_desktop.trainer.network.classifier import Classifier
from resnet_desktop.trainer.network.graph_network import GraphNetwork
from resnet_desktop.trainer.network.resnet import ResNet, named_arrays
from resnet_desktop.trainer.step.optim import make_optimizer
from tests.benchmarks.measure import by_turns

CLASSES = 10
NAME = "resnet50"


def main() -> None:
    """Print images a second, and their ratio round by round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    for train in ("last-stage", "all"):
        with tempfile.TemporaryDirectory() as folder:
            steps = {name: _step(one, given, train) for name, one in _networks(Path(folder), given.side).items()}
        timings = by_turns(steps, given.rounds)
        images = timings.per_image(dict.fromkeys(steps, given.batch))
        for name in steps:
            print(f"{train}, {name}: {1 / images.spread(name).median:.2f} images/s")
        print(f"{train}, images/s of the graph's over those of the other: {timings.ratio('by hand', 'graph').text(3)}")


def _networks(folder: Path, side: int) -> dict[str, Classifier]:
    """Twice the same network."""
    torch.manual_seed(0)
    written = ResNet(ARCHITECTURES[NAME], CLASSES, zero_init_residual=False)
    model = build_resnet(written.architecture, named_arrays(written), height=side, width=side, storage="float32")
    labels = tuple(f"class {i}" for i in range(CLASSES))
    metadata = Metadata(arch=NAME, categories=labels, transforms=Transforms(resize=side, crop=side))
    base = read_base(bundles.write(folder / "base.onnx", model, metadata))
    made = GraphNetwork(base.graph, base.stages, width=base.width, classes=CLASSES, arch=NAME)
    load_arrays(made, named_arrays(written))
    return {"by hand": written, "graph": made}


def _step(network: Classifier, given: argparse.Namespace, train: str) -> Callable[[], object]:
    recipe = parse_recipe(None, train, "balanced")
    freeze(network, train, norms=recipe.freeze_norms)
    channels_last(network)
    network.to(given.device)
    training_mode(network)
    optimizer = make_optimizer(network, recipe)
    x = torch.randn(given.batch, 3, given.side, given.side, device=given.device)
    x, labels = (
        x.contiguous(memory_format=torch.channels_last),
        torch.arange(given.batch, device=given.device) % CLASSES,
    )

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(network(x), labels)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


if __name__ == "__main__":
    main()
