"""The training loop: batches in, a trained network out, step by step, so that it can stop and go on anywhere."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from resnet_desktop.core.errors import TrainingError
from resnet_desktop.finetune.job import Job, Phase, Recipe
from resnet_desktop.trainer import checkpoint as checkpoints
from resnet_desktop.trainer.augment import Augmenter
from resnet_desktop.trainer.checkpoint import Checkpoint, Position
from resnet_desktop.trainer.control import CancelledRunError, Control
from resnet_desktop.trainer.data import Pictures
from resnet_desktop.trainer.network import training_mode
from resnet_desktop.trainer.optim import PEAK, learning_rate, make_optimizer, set_learning_rate
from resnet_desktop.trainer.reporter import Reporter
from resnet_desktop.trainer.resnet import ResNet

EVALUATION_BATCH = 200
PRECISION = {"bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Logits ``[n, classes]`` on a set of pictures, and what they come to (fractions of 1; loss in nats)."""

    logits: Tensor
    labels: Tensor
    loss: float
    acc1: float
    acc5: float


@dataclass
class Engine:
    """One run of training on data that is resident on the device."""

    job: Job
    recipe: Recipe
    network: ResNet
    training: Pictures
    validation: Pictures
    augmenter: Augmenter
    reporter: Reporter
    control: Control
    folder: Path
    device: torch.device
    position: Position = field(default_factory=Position)
    best: dict[str, Tensor] | None = None
    best_acc1: float = -1.0
    history: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.optimizer = make_optimizer(self.network, self.recipe)
        # Gradients of float16 underflow without a scale; elsewhere the scaler does nothing.
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.recipe.precision == "float16")
        self.averaged: AveragedModel | None = None
        if self.recipe.ema:
            average = get_ema_multi_avg_fn(self.recipe.ema)  # type: ignore[no-untyped-call]
            self.averaged = AveragedModel(self.network, multi_avg_fn=average, use_buffers=True)
        self.peak = self.job.learning_rate or PEAK[self.recipe.optimizer]
        self.phases = [phase for phase in self.recipe.schedule for _ in range(phase.epochs)]
        self.total_steps = sum(self._steps(phase) for phase in self.phases)

    def train(self) -> None:
        """Train from the position to the end of the schedule, or until asked to stop.

        Raises:
            CancelledRunError: asked to cancel; a checkpoint was saved and spoken of.
            TrainingError: the loss is no number.
        """
        while self.position.epoch < len(self.phases) and not self.control.stop_requested:
            epoch = self.position.epoch
            try:
                self._train_one_epoch(epoch, self.phases[epoch])
            except CancelledRunError:
                self.save()
                raise
            self.save()

    def save(self) -> Path:
        """Save a checkpoint at the current position."""
        state = Checkpoint(
            self.position,
            self.network.state_dict(),
            self.optimizer.state_dict(),
            self.best,
            self.best_acc1,
            self.history,
            self.scaler.state_dict(),
            {} if self.averaged is None else self.averaged.state_dict(),
        )
        path = checkpoints.save(self.folder, state)
        self.reporter.say("checkpoint", path=str(path))
        return path

    def restore(self, state: Checkpoint) -> None:
        """Go on from a checkpoint."""
        self.network.load_state_dict(state.network)
        self.optimizer.load_state_dict(state.optimizer)
        if state.scaler:
            self.scaler.load_state_dict(state.scaler)
        if self.averaged is not None and state.averaged:
            self.averaged.load_state_dict(state.averaged)
        self.position, self.best, self.best_acc1 = state.position, state.best, state.best_acc1
        self.history = state.history

    def use_best(self) -> None:
        """Put the best weights so far into the network; it is the one that is judged from now on."""
        if self.best is not None:
            self.network.load_state_dict(self.best)
            self.averaged = None

    @property
    def _judged(self) -> nn.Module:
        """What is evaluated and kept: the averaged network where there is one."""
        return self.network if self.averaged is None else self.averaged.module

    def _steps(self, phase: Phase) -> int:
        return max(1, len(self.training) // min(phase.batch_size, len(self.training)))

    def _train_one_epoch(self, epoch: int, phase: Phase) -> None:
        self.reporter.say("epoch_started", epoch=epoch + 1, epochs=len(self.phases))
        started, steps = time.monotonic(), self._steps(phase)
        before = sum(self._steps(p) for p in self.phases[:epoch])
        training_mode(self.network)
        losses: list[Tensor] = []
        first = self.position.step
        for step, chosen in self._batches(epoch, phase, first):
            self.control.check()
            if self.control.stop_requested:
                break
            rate = learning_rate(self.peak, self.recipe.warmup, (before + step) / self.total_steps)
            set_learning_rate(self.optimizer, rate)
            losses.append(self._step(epoch, step, phase, chosen))
            self.position = Position(epoch, step + 1)
            self._report(epoch, step + 1, steps, losses, (step + 1 - first) * len(chosen), time.monotonic() - started)
        loss = float(torch.stack(losses).mean()) if losses else math.nan
        self._finish_epoch(epoch, phase, loss, rate if losses else 0.0, started)

    def _batches(self, epoch: int, phase: Phase, first: int) -> Iterator[tuple[int, Tensor]]:
        """Steps from ``first`` on with the pictures of each; the order is a function of seed and epoch."""
        count = len(self.training)
        order = torch.randperm(count, generator=self._generator(epoch, -1))
        size = min(phase.batch_size, count)
        for step in range(first, self._steps(phase)):
            yield step, order[step * size : (step + 1) * size].to(self.device)

    def _generator(self, epoch: int, step: int) -> torch.Generator:
        """A generator on the CPU whose state depends on seed, epoch and step alone."""
        seed = (self.job.seed * 1_000_003 + epoch) * 1_000_003 + step + 1
        return torch.Generator().manual_seed(seed % 2**63)

    def _step(self, epoch: int, step: int, phase: Phase, chosen: Tensor) -> Tensor:
        """One step of the optimizer; the loss, detached."""
        generator = self._generator(epoch, step)
        torch.manual_seed(generator.initial_seed())  # dropout draws from the global generator
        x = self.augmenter.training(self.training.pixels[chosen], phase.size, generator)
        labels = self.training.labels[chosen]
        x, others, share = self.augmenter.mixed(x, labels, generator)
        with self._autocast():
            logits = self.network(x)
        smoothing = self.recipe.label_smoothing
        loss = functional.cross_entropy(logits.float(), labels, label_smoothing=smoothing)
        if share < 1:
            loss = torch.lerp(functional.cross_entropy(logits.float(), others, label_smoothing=smoothing), loss, share)
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.averaged is not None:
            self.averaged.update_parameters(self.network)
        return loss.detach()

    def _autocast(self) -> contextlib.AbstractContextManager[object]:
        dtype = PRECISION.get(self.recipe.precision)
        if dtype is None:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype)

    def _report(self, epoch: int, step: int, steps: int, losses: list[Tensor], seen: int, seconds: float) -> None:
        loss = _finite(float(losses[-1]))
        speed = round(seen / max(seconds, 1e-9), 1)
        self.reporter.progress(epoch=epoch + 1, step=step, steps=steps, loss=round(loss, 5), images_per_second=speed)

    def _finish_epoch(self, epoch: int, phase: Phase, loss: float, rate: float, started: float) -> None:
        result = self.evaluate(self.validation, phase.size, phase.size)
        # Networks of an earlier phase saw smaller pictures: the best is sought anew among those of each size.
        if epoch and self.phases[epoch - 1].size != phase.size:
            self.best_acc1 = -1.0
        if result is None or result.acc1 >= self.best_acc1:
            self.best = {k: v.detach().clone() for k, v in self._judged.state_dict().items()}
            self.best_acc1 = result.acc1 if result else -1.0
        row: dict[str, Any] = {
            "epoch": epoch + 1,
            "training_loss": round(loss, 5) if math.isfinite(loss) else None,
            "validation_loss": round(_finite(result.loss), 5) if result else None,
            "acc1": round(result.acc1, 5) if result else None,
            "acc5": round(result.acc5, 5) if result else None,
            "learning_rate": rate,
            "seconds": round(time.monotonic() - started, 2),
        }
        self.history.append({**row, "size": phase.size})
        self.position = Position(epoch + 1, 0)
        self.reporter.say("epoch_finished", **row)

    def evaluate(self, pictures: Pictures, resize: int, crop: int) -> Evaluation | None:
        """The network's answers on ``pictures``, in evaluation mode; None if there are none."""
        if not len(pictures):
            return None
        network = self._judged
        network.eval()
        found = []
        with torch.inference_mode(), self._autocast():
            for start in range(0, len(pictures), EVALUATION_BATCH):
                self.control.check()
                x = self.augmenter.evaluation(pictures.pixels[start : start + EVALUATION_BATCH], resize, crop)
                found.append(network(x).float())
        logits = torch.cat(found)
        ranks = (logits > logits.gather(1, pictures.labels[:, None])).sum(1)
        loss = float(functional.cross_entropy(logits, pictures.labels))
        acc1, acc5 = float((ranks < 1).float().mean()), float((ranks < 5).float().mean())
        return Evaluation(logits.cpu(), pictures.labels.cpu(), loss, acc1, acc5)


def _finite(loss: float) -> float:
    """The loss itself. Raises TrainingError if it is no finite number."""
    if not math.isfinite(loss):
        raise TrainingError(
            "loss_not_finite", "The loss is no longer a number: training has diverged.", "Lower the learning rate."
        )
    return loss
