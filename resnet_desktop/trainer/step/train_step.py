"""One step of training: forward, loss, backward, optimizer; in parts where the batch does not fit at once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from resnet_desktop.jobs.job import Recipe
from resnet_desktop.trainer.distributed.process_group import ProcessGroup
from resnet_desktop.trainer.inputs.feeds import Feed, Plan
from resnet_desktop.trainer.teacher.loss import distillation

PRECISION = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def autocast(recipe: Recipe, device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Mixed precision as the recipe asks."""
    dtype = PRECISION.get(recipe.precision)
    return contextlib.nullcontext() if dtype is None else torch.autocast(device.type, dtype)


class TrainStep:
    """Makes steps on batches of a feed.

    Args:
        recipe: its label smoothing, teacher, precision and accumulate are used.
        model: takes what the feed gives.
        optimizer: over what trains in it.
        device: where.
        world: the processes that share each batch.
        weights: of the classes in the loss, float ``[classes]``; None for equal ones.
    """

    def __init__(
        self,
        recipe: Recipe,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        device: torch.device,
        world: ProcessGroup,
        weights: Tensor | None,
    ) -> None:
        self.accumulate = recipe.accumulate
        # Gradients of float16 underflow without a scale; elsewhere the scaler does nothing.
        self.scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "float16")
        self._recipe, self._optimizer, self._device, self._world = recipe, optimizer, device, world
        self._weights = weights
        self._model = world.wrapped(model, device)
        self._forward: Callable[[Tensor], Tensor] = self._model

    def compile(self) -> None:
        """Use torch.compile from the next step on."""
        self._forward = torch.compile(self._model)

    def __call__(self, feed: Feed, plan: Plan) -> Tensor:
        """One step; this process's part of the mean loss of the batch, detached, still on the device."""
        rows = self._world.rows(len(plan))
        parts = rows.chunk(min(self.accumulate, len(rows)))
        self._optimizer.zero_grad(set_to_none=True)
        losses = []
        for i, part in enumerate(parts):
            with self._exchange(last=i == len(parts) - 1):
                loss = self._loss(feed, plan, part)
                # The processes' gradients are averaged, but each has only its part of the mean.
                whole = loss * self._world.size if self._world.size > 1 else loss
                self.scaler.scale(whole).backward()  # type: ignore[no-untyped-call]
            losses.append(loss.detach())
        self.scaler.step(self._optimizer)
        self.scaler.update()
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()

    def rehearse(self, feed: Feed, plan: Plan) -> Tensor:
        """The largest part of a step forward and back, without a word to the other processes; no weight changes.

        A process that finds no memory in the middle of a real step leaves the others waiting in theirs.
        """
        rows = self._world.rows(len(plan))
        model = self._model.module if isinstance(self._model, DistributedDataParallel) else self._model
        loss = self._loss(feed, plan, rows.chunk(min(self.accumulate, len(rows)))[0], model)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self._optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    def _loss(self, feed: Feed, plan: Plan, part: Tensor, forward: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """The sum of the losses of some rows, over the size of the batch."""
        x = feed.inputs(plan, part)
        with autocast(self._recipe, self._device):
            logits = (forward or self._forward)(x).float()
        loss = self._criterion(logits, feed, plan, part)
        if plan.mix is not None:  # what is blended is right for both, and so is what the teacher says of both
            loss = torch.lerp(self._criterion(logits, feed, plan, plan.mix.order[part]), loss, plan.mix.share)
        return loss / len(plan)

    def _criterion(self, logits: Tensor, feed: Feed, plan: Plan, rows: Tensor) -> Tensor:
        """The summed loss of logits against what is right for these rows."""
        labels = feed.labels[plan.chosen[rows].to(self._device, non_blocking=True)]
        smoothing, teacher, taught = self._recipe.label_smoothing, self._recipe.teacher, feed.taught(plan, rows)
        if self._weights is None and taught is None:
            return functional.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="sum")
        each = functional.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="none")
        if taught is not None and teacher is not None:
            each = torch.lerp(each, distillation(logits, taught, teacher.temperature), teacher.weight)
        return each.sum() if self._weights is None else (each * self._weights[labels]).sum()

    def _exchange(self, *, last: bool) -> contextlib.AbstractContextManager[object]:
        """Gradients go over the wire once for each batch, with its last part."""
        if last or not isinstance(self._model, DistributedDataParallel):
            return contextlib.nullcontext()
        return self._model.no_sync()
