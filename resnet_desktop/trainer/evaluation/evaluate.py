"""The network's answers on pictures that it does not learn from."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from resnet_desktop.jobs.job import Recipe
from resnet_desktop.trainer.distributed.process_group import ProcessGroup
from resnet_desktop.trainer.inputs import memory
from resnet_desktop.trainer.inputs.feeds import FeatureFeed, Feed
from resnet_desktop.trainer.step.train_step import autocast

CPU_BATCH = 16
"""Small enough that a command is heard within two seconds on a slow machine; larger batches are not faster there."""
DEVICE_BATCH = 256


class StoppedError(Exception):
    """An evaluation was given up because the run shall finish with the best network so far."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Logits ``[n, classes]`` on a set of pictures, and what they come to (fractions of 1; loss in nats)."""

    logits: Tensor
    labels: Tensor
    loss: float
    acc1: float
    acc5: float

    @classmethod
    def of(cls, logits: Tensor, labels: Tensor) -> Evaluation:
        """Of logits and the right classes, both on the CPU."""
        ranks = (logits > logits.gather(1, labels[:, None])).sum(1)
        loss = float(functional.cross_entropy(logits, labels))
        return cls(logits, labels, loss, float((ranks < 1).float().mean()), float((ranks < 5).float().mean()))


class Evaluator:
    """Runs a model over feeds, in batches, each process over its own rows. ``check`` is called before each batch."""

    def __init__(
        self, model: nn.Module, recipe: Recipe, device: torch.device, world: ProcessGroup, check: Callable[[], object]
    ) -> None:
        self._model, self._recipe, self._device, self._world, self._check = model, recipe, device, world, check
        # A processor computes as the app does; a fast device as it learns, for the epochs shall not wait.
        self._exact = device.type == "cpu"
        self._batch = CPU_BATCH if device.type == "cpu" else DEVICE_BATCH

    def __call__(self, feed: Feed, resize: int, crop: int) -> Evaluation | None:
        """Evaluate at the size of the app's transforms; None if the feed is empty. Raises CancelledRunError."""
        count = len(feed)
        if not count:
            return None
        self._model.eval()
        rows = self._world.rows(count)
        found, start, turns = [], 0, 0
        # As many turns in every process: each turn all of them hear what the first was told.
        while turns < math.ceil(math.ceil(count / self._world.size) / self._batch):
            self._check()
            try:
                with torch.inference_mode(), self._precision(feed):
                    x = feed.evaluation(rows[start : start + self._batch], resize, crop)
                    found.append(self._model(x).float())
            except (RuntimeError, MemoryError) as error:
                if not memory.is_out_of_memory(error) or self._batch == 1 or self._world.size > 1:
                    raise
                memory.release(self._device)
                self._batch, turns = self._batch // 2, turns * 2
                continue
            start, turns = start + self._batch, turns + 1
        logits = self._world.gathered(torch.cat(found), count)
        return Evaluation.of(logits.cpu().clone(), feed.labels.cpu())

    def _precision(self, feed: Feed) -> contextlib.AbstractContextManager[object]:
        exact = self._exact or isinstance(feed, FeatureFeed)  # a head by itself costs nothing
        return contextlib.nullcontext() if exact else autocast(self._recipe, self._device)
