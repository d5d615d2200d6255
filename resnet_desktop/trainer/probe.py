"""The loss on the same pictures again and again: what the learning-rate range test looks at after each step.

The losses of the steps themselves are of other pictures each time, and batches of four or sixteen differ more than one
step changes: the curve of a small set would be noise. What is frozen is computed once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from resnet_desktop.trainer.evaluation.evaluate import CPU_BATCH
from resnet_desktop.trainer.loop.engine import Engine
from resnet_desktop.trainer.step.train_step import autocast

PICTURES = 32
"""Pictures that are looked at, where they go through layers that learn; features cost nothing and are all used."""


class Probe:
    """Measures the loss of an engine's network on some of its pictures, without anything random."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        feed, crop = engine.training, engine.recipe.schedule[-1].size
        count = len(feed) if engine.head is not None else min(PICTURES, len(feed))
        rows = torch.arange(count) * len(feed) // count
        transforms = engine.recipe.transforms
        assert transforms is not None, "filled in before"
        resize = round(transforms.resize * crop / transforms.crop)
        network = engine.network
        with torch.no_grad(), self._precision():
            parts = [feed.evaluation(part, resize, crop) for part in torch.split(rows, CPU_BATCH)]
            if engine.head is not None:
                self._forward: Callable[[Tensor], Tensor] = engine.head
            else:
                parts = [network.frozen_part(part) for part in parts]
                self._forward = network.learning_part
        self._inputs = torch.cat(parts)
        self._labels = feed.labels[rows.to(feed.labels.device)]

    def loss(self) -> float:
        """The mean loss now, in nats, as training computes it."""
        torch.manual_seed(0)  # the same units are dropped each time
        with torch.no_grad(), self._precision():
            logits = self._forward(self._inputs).float()
        smoothing = self._engine.recipe.label_smoothing
        return float(functional.cross_entropy(logits, self._labels, label_smoothing=smoothing))

    def _precision(self) -> contextlib.AbstractContextManager[object]:
        return autocast(self._engine.recipe, self._engine.device)
