"""Before the first step: whether PyTorch computes the base as ONNX Runtime does, on real photos of the job."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.graph.base import Base
from resnet_desktop.core.errors import TrainingError
from resnet_desktop.data.dataset import Sample
from resnet_desktop.inference.session import Session
from resnet_desktop.jobs.fields import shown
from resnet_desktop.runs.evaluation import evaluate_bundle, scores
from resnet_desktop.trainer.network.graph_network import GraphNetwork

PHOTOS = evaluate_bundle.BATCH
LIMIT = 1e-4
"""Largest difference in probability."""
FAR = 1e-3
"""Of the largest number of a tensor, from which on a difference is no rounding."""

Floats = NDArray[np.float32]


def prove(bundle: Bundle, base: Base, samples: Sequence[Sample], workers: int) -> float:
    """Ask both on some photos, spread over all; the largest difference in probability, 0 where none can be read.

    Raises:
        JobError: an operator of the base has no rule.
        TrainingError: ``base_differs``: they do not agree; the first operator that differs is named.
    """
    count = min(PHOTOS, len(samples))
    chosen = [samples[(2 * i + 1) * len(samples) // (2 * count)] for i in range(count)]
    found = next(evaluate_bundle.batches(chosen, bundle.metadata.transforms, workers), None)
    if found is None:
        return 0.0
    x = found[1]
    network = GraphNetwork(base.whole(), {}, width=bundle.classes, classes=1).eval()
    right = Session(bundle).run(x)[bundle.output_name]
    with torch.inference_mode():
        ours = network.pooled(torch.from_numpy(x)).numpy()
    difference = float(np.abs(scores.softmax(ours) - scores.softmax(right)).max())
    if difference <= LIMIT:  # not so for what is no number
        return difference
    where = _first_difference(bundle, network, x[:1])
    raise TrainingError(
        "base_differs",
        f"PyTorch and ONNX Runtime disagree on this base by {difference:.2g} in probability{where}.",
        "Train only the last layer, or choose another model as the base. Please report this.",
    )


def _first_difference(bundle: Bundle, network: GraphNetwork, x: Floats) -> str:
    """The first operator that gives something else, in words; nothing if none can be told."""
    tensors = network.tensors(torch.from_numpy(x))
    names = [name for name in tensors if bundle.view.producer(name) is not None and name != bundle.output_name]
    right = Session(bundle, extra_outputs=names).run(x)
    for node in network.graph.nodes:
        name = node.outputs[0]
        if name not in right or name not in tensors:
            continue
        expected, found = right[name], tensors[name].numpy()
        if expected.shape != found.shape or not np.abs(expected - found).max() <= FAR * np.abs(expected).max():
            return f", first behind the operator {node.op} ({shown(node.name)})"
    return ""
