"""The training loop: batches in, a trained network out, step by step, so that it can stop and go on anywhere."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from resnet_desktop.jobs.job import Job, Phase, Recipe
from resnet_desktop.runs.control import CancelledRunError, Control
from resnet_desktop.runs.error_messages import DIVERGES, batch_split, diverges, finite, out_of_memory
from resnet_desktop.runs.reporter import Reporter
from resnet_desktop.trainer import choices
from resnet_desktop.trainer.distributed.process_group import ProcessGroup
from resnet_desktop.trainer.evaluation import error_details
from resnet_desktop.trainer.evaluation.evaluate import Evaluation, Evaluator, StoppedError
from resnet_desktop.trainer.evaluation.linear_probe import START_KEPT, HeadStart, leads
from resnet_desktop.trainer.inputs import memory
from resnet_desktop.trainer.inputs.feeds import FeatureFeed, Feed, HeadOnly, Plan
from resnet_desktop.trainer.loop import checkpoint as checkpoints
from resnet_desktop.trainer.loop.budget import Budget
from resnet_desktop.trainer.loop.checkpoint import Checkpoint, Position
from resnet_desktop.trainer.loop.course import Course
from resnet_desktop.trainer.loop.early_stopping import gets_no_better, is_as_good
from resnet_desktop.trainer.loop.remaining_work import RemainingWork
from resnet_desktop.trainer.network.build import trained_names, training_mode
from resnet_desktop.trainer.network.classifier import Classifier
from resnet_desktop.trainer.step import balance
from resnet_desktop.trainer.step.attempt import Attempt, Rehearsals
from resnet_desktop.trainer.step.average import Average
from resnet_desktop.trainer.step.optim import PEAK, learning_rate, make_optimizer, set_learning_rate
from resnet_desktop.trainer.step.train_step import TrainStep
from resnet_desktop.trainer.teacher.teacher import Teacher

CHECKPOINT_SECONDS = 300.0
"""Time between two checkpoints inside a long epoch."""
SHORT_SECONDS = 2.0
"""Epochs on features are quicker than a checkpoint: at most one in so many seconds."""
LONG_SAVING, SAVING_SHARE = 0.5, 0.05
"""Where a checkpoint takes so many seconds (a large network), all take this part of the time."""
WORST = (-1.0, -math.inf)
FEW = 200
"""Validation pictures below which the best epoch is that of the least loss: of few, many epochs name equally many."""


@dataclass
class Engine:
    """One run of training on data that is resident in memory.

    ``training`` and ``validation`` are pictures or features (then only the head is computed), ``labels`` the classes'
    names, ``folder`` the run folder, ``ending`` what comes after the last step; ``base`` and ``data`` stand for what is
    learnt from; ``preparing``: seconds that the features took; ``budget``: what the time is limited by, and
    ``teacher``: who is learnt from, if anything is; ``head_start``: where the head began, if not at random.
    """

    job: Job
    recipe: Recipe
    network: Classifier
    training: Feed
    validation: Feed
    reporter: Reporter
    control: Control
    folder: Path
    device: torch.device
    labels: tuple[str, ...] = ()
    base: str = ""
    data: str = ""
    world: ProcessGroup = field(default_factory=ProcessGroup)
    ending: RemainingWork = field(default_factory=RemainingWork)
    preparing: float = 0.0
    budget: Budget | None = None
    teacher: Teacher | None = None
    head_start: HeadStart | None = None
    position: Position = field(default_factory=Position)
    best: dict[str, Tensor] | None = None
    best_score: tuple[float, float] = WORST
    history: list[dict[str, Any]] = field(default_factory=list)
    head: HeadOnly | None = None

    def __post_init__(self) -> None:
        self.names = trained_names(self.network)
        self.optimizer = make_optimizer(self.network, self.recipe)
        if isinstance(self.training, FeatureFeed):
            self.head = HeadOnly(self.network, self.training.plain)
        model: nn.Module = self.network if self.head is None else self.head
        self.averaged = Average(self.names, self.recipe.ema) if self.recipe.ema else None
        weights = balance.class_weights(self.training.labels, max(1, len(self.labels)), self.recipe.balance)
        self.stepper = TrainStep(self.recipe, model, self.optimizer, self.device, self.world, weights)
        self.evaluator = Evaluator(model, self.recipe, self.device, self.world, self._check_evaluation)
        self.peak = self.job.learning_rate or PEAK[self.recipe.optimizer]
        sizes = len(self.training), len(self.validation)
        self.course = Course(self.recipe.schedule, *sizes, self.ending, self.budget, self.world)
        self.attempt = Attempt(self.network)
        self.rehearsals = Rehearsals(self.attempt, self.world, lambda plan: self.stepper.rehearse(self.training, plan))
        self._stopped = self._may_give_up = False
        self._saved, self._saving = Position(), 0.0

    def train(self) -> None:
        """Train from the position to the end of the schedule, or until asked to stop, or until it gets no better.

        Raises:
            CancelledRunError: asked to cancel; a checkpoint was saved and spoken of.
            TrainingError: the loss is no number, or there is no memory for a single picture.
        """
        if self.head_start is not None and self.best is None and self.position == Position():
            self._judge_start(self.head_start)
        while self._goes_on():
            epoch = self.position.epoch
            try:
                self._train_one_epoch(epoch, self.course.phase(epoch))
            except CancelledRunError:
                self.save()
                raise
            if not self._stopped and self.course.pace.seconds_since_saved > self._seconds_between_saves():
                self.save()
        self._say_ending()
        if self._stopped or self.position != self._saved:
            self.save()

    def save(self) -> None:
        """Save a checkpoint at the current position. Raises TrainingError for weights that are no numbers.

        What has diverged must not take the place of what has not.
        """
        if not self.world.first:
            return
        began = time.monotonic()
        trained = self._trained()
        finite(float(torch.stack([values.float().abs().max() for values in trained.values()]).max()))
        state = Checkpoint(
            position=self.position,
            network=trained,
            optimizer=self.optimizer.state_dict(),
            best=self.best,
            best_score=self.best_score,
            history=self.history,
            scaler=self.stepper.scaler.state_dict(),
            averaged=None if self.averaged is None else self.averaged.values,
            accumulate=self.stepper.accumulate,
            stopped=self._stopped and self.position != Position(),  # else there is nothing yet to finish with
            base=self.base,
            data=self.data,
            scaling=None if self.head is None else (self.head.shift, self.head.scale),
            schedule=self.course.kept(),
            head_start=None if self.head_start is None else self.head_start.as_dict(),
        )
        path = checkpoints.save(self.folder / "checkpoints", state)
        self.course.saved()
        self._saved, self._saving = self.position, time.monotonic() - began
        self.reporter.say("checkpoint", path=str(path))

    def restore(self, state: Checkpoint) -> None:
        """Go on from a checkpoint. Raises TrainingError if it is of another network or of other data."""
        if state.base != self.base or set(state.network) != set(self.names):
            raise checkpoints.another("network: the base model or the job has changed")
        if state.data and state.data != self.data:
            raise checkpoints.another("split: the photos, their classes or the job have changed")
        if checkpoints.is_adam(state.optimizer) != checkpoints.is_adam(self.optimizer.state_dict()):
            raise checkpoints.another("optimizer: the job has changed")
        try:
            self.network.load_state_dict(state.network, strict=False)
            self.optimizer.load_state_dict(state.optimizer)
            if state.scaler:
                self.stepper.scaler.load_state_dict(state.scaler)
        except (RuntimeError, ValueError, KeyError) as error:
            raise checkpoints.another("shape: the classes or the job have changed") from error
        if self.head is not None and state.scaling is not None:
            self.head.shift, self.head.scale = (value.to(self.device) for value in state.scaling)
        if self.averaged is not None and state.averaged is not None:
            self.averaged.values = {name: value.to(self.device) for name, value in state.averaged.items()}
        self.position, self.best, self.best_score = state.position, state.best, state.best_score
        self._saved = self.position
        self.history, self.stepper.accumulate = state.history, state.accumulate
        self._stopped = state.stopped and state.best is not None
        self.course.restore(state.schedule)
        self.head_start = None if state.head_start is None else HeadStart(**state.head_start)

    def use_best(self) -> None:
        """Put the best weights so far into the network, which is the one that is judged and exported from now on."""
        if self.best is not None:
            self.network.load_state_dict(self.best, strict=False)
            self.averaged = None
        if self.head is not None:
            self.head.fold()

    @property
    def best_by(self) -> str:
        """What the best epoch is chosen by: ``accuracy``, or the ``loss`` where it is measured on few pictures."""
        return "loss" if len(self.validation) < FEW else "accuracy"

    def evaluate(self, feed: Feed, resize: int, crop: int) -> Evaluation | None:
        """The network's answers on a feed, in evaluation mode; None if there are none."""
        if self.averaged is None:
            return self.evaluator(feed, resize, crop)
        with self.averaged.inside(self.network):
            return self.evaluator(feed, resize, crop)

    def make_step(self, epoch: int, step: int, plan: Plan) -> Tensor:
        """One step of the optimizer; the loss, detached. A batch that does not fit is split and done again."""
        size = self.course.phase(self.position.epoch).size
        while not self.rehearsals((size, len(plan), self.stepper.accumulate), plan):
            self._split_batch(len(plan))
        seed = self._generator(epoch, step).initial_seed()
        torch.manual_seed((seed + self.world.rank) % 2**63)  # dropout draws from the global generator
        while (loss := self.attempt(lambda: self.stepper(self.training, plan))) is None:
            self._split_batch(len(plan), agreed=self.world.size == 1)  # else the others wait in the middle of theirs
            torch.manual_seed((seed + self.world.rank) % 2**63)
        if self.averaged is not None:
            self.averaged.update(self.network)
        return loss

    def plans(self, epoch: int, phase: Phase, first: int = 0) -> Iterator[tuple[int, Plan]]:
        """Steps from ``first`` on, to the end of the pictures, with the batch of each: a function of seed and epoch."""
        order = balance.order(self.training.labels, self.recipe.balance, self._generator(epoch, -1))
        size = self.course.batch(phase)
        for step in range(first, self.course.whole_epoch(phase)):
            chosen = order[step * size : (step + 1) * size]
            yield step, self.training.plan(chosen, phase.size, self._generator(epoch, step))

    def _seconds_between_saves(self) -> float:
        """What must have passed since the last checkpoint at the end of an epoch."""
        if self.head is not None:
            return SHORT_SECONDS
        return self._saving / SAVING_SHARE if self._saving > LONG_SAVING else 0.0

    def _trained(self) -> dict[str, Tensor]:
        state = self.network.state_dict()
        return {name: state[name] for name in self.names}

    def _generator(self, epoch: int, step: int) -> torch.Generator:
        """A generator on the CPU whose state depends on seed, epoch and step alone."""
        seed = (self.job.seed * 1_000_003 + epoch) * 1_000_003 + step + 1
        return torch.Generator().manual_seed(seed % 2**63)

    def _train_one_epoch(self, epoch: int, phase: Phase) -> None:
        self.reporter.say("epoch_started", epoch=epoch + 1, epochs=len(self.course))
        started, first, rate = time.monotonic(), self.position.step, 0.0
        training_mode(self.network)
        losses: list[Tensor] = []
        for step, plan in self.plans(epoch, phase, first):
            if self._told_to_stop() or self._ends_at(epoch, step):
                break
            progress = self.course.schedule.progress(epoch, step)
            rate = learning_rate(self.peak, self.recipe.warmup, progress, self.recipe.curve)
            set_learning_rate(self.optimizer, rate)
            losses.append(self.make_step(epoch, step, plan))
            self.position = Position(epoch, step + 1)
            self.course.step_taken(phase, len(plan))
            self._report(epoch, step + 1, losses, rate)
            if self.course.pace.seconds_since_saved > CHECKPOINT_SECONDS:
                self.save()
        if self._stopped:
            if self.position == Position():
                raise CancelledRunError  # no step has been made: the run learns when it goes on
            self._keep_unjudged()
            return
        loss = float(self.world.total(torch.stack(losses).mean())) if losses else math.nan
        if losses:
            finite(loss)
        self._finish_epoch(epoch, phase, loss, rate, started)

    def _goes_on(self) -> bool:
        """Whether there is another epoch to train."""
        epoch = self.position.epoch
        if not self._stopped and epoch < len(self.course) and not self.position.step:
            self.course.fit(epoch, 0)
        return not self._stopped and epoch < len(self.course) and not self._gets_no_better()

    def _ends_at(self, epoch: int, step: int) -> bool:
        """Whether the epoch has no more steps."""
        if step:
            self.course.fit(epoch, step)
        return step >= self.course.steps(epoch)

    def _check_evaluation(self) -> None:
        """Before each of its batches: that of an epoch is given up where the run shall stop. Raises."""
        if self._told_to_stop() and self._may_give_up:
            raise StoppedError

    def _told_to_stop(self) -> bool:
        """Whether the run shall finish early. Raises CancelledRunError. All processes get the same answer."""
        order = 0
        if self.world.first:
            try:
                self.control.check()
                order = int(self.control.stop_requested)
            except CancelledRunError:
                order = 2
        order = self.world.agree(order)
        if order == 2:
            raise CancelledRunError
        self._stopped = self._stopped or order == 1
        return self._stopped

    def _split_batch(self, size: int, *, agreed: bool = True) -> None:
        """Send each batch through the network in twice as many parts. Raises TrainingError if it is one picture."""
        memory.release(self.device)
        self.optimizer.zero_grad(set_to_none=True)
        least = choices.least_batch(self.network, self.course.phase(self.position.epoch).size)
        if not agreed or size // self.world.size < 2 * least * self.stepper.accumulate:
            raise out_of_memory()
        self.stepper.accumulate *= 2
        message = batch_split(size, math.ceil(size / self.stepper.accumulate))
        self.reporter.say("warning", code="batch_halved", message=message)

    def _judge_start(self, start: HeadStart) -> None:
        """A head that was fitted may be better than all that comes after: keep the network as it begins."""
        size = self.course.phase(0).size
        result = self.evaluate(self.validation, size, size)
        if result is not None:
            self.head_start = start.judged(result.acc1, finite(result.loss))
            self._keep((result.acc1, -result.loss))

    def _report(self, epoch: int, step: int, losses: list[Tensor], rate: float) -> None:
        if not self.reporter.due:
            return  # reading the loss would make the processor wait for the device at every step
        loss = finite(float(losses[-1]) * self.world.size)
        self.reporter.progress(
            epoch=epoch + 1,
            step=step,
            steps=self.course.steps(epoch),
            loss=round(loss, 5),
            images_per_second=round(self.course.pace.images_per_second, 1),
            learning_rate=rate,
            memory_mb=memory.used_megabytes(self.device),
            seconds_left=self.course.seconds_left(epoch, step),
        )

    def _say_ending(self) -> None:
        """Training is over, now: the last checkpoint and what the export has to load take their time."""
        if leads(self.head_start, self.best_score):
            self.reporter.say("warning", code="start_kept", message=START_KEPT)
        pictures, seconds = self.course.ending()
        steps = {"epoch": len(self.history), "step": 0, "steps": pictures, "loss": None}
        self.reporter.say("progress", part="exporting", **steps, seconds_left=seconds)

    def _keep(self, score: tuple[float, float]) -> None:
        source = self.averaged.values if self.averaged and self.averaged.values else self._trained()
        self.best = {name: value.detach().clone() for name, value in source.items()}
        self.best_score = score

    def _keep_unjudged(self) -> None:
        """The run stops: judging what was learnt last would take its time; it is kept where there is nothing else."""
        if self.best is None:
            self._keep(WORST)

    def _finish_epoch(self, epoch: int, phase: Phase, loss: float, rate: float, started: float) -> None:
        begun, self._may_give_up = time.monotonic(), True
        try:
            result = self.evaluate(self.validation, phase.size, phase.size)
        except StoppedError:
            self._keep_unjudged()
            return
        finally:
            self._may_give_up = False
        self.course.judged(phase, time.monotonic() - begun)
        # Networks of an earlier phase saw smaller pictures: the best is sought anew among those of each size.
        if self.history and self.history[-1]["size"] != phase.size:
            self.best_score = WORST
        score = (result.acc1, -finite(result.loss)) if result else WORST
        # Labels that are smoothed make an epoch's loss larger than the start's: where it names more, it is better.
        names_more = leads(self.head_start, self.best_score) and score[0] > self.best_score[0]
        if names_more or is_as_good(score, self.best_score, self.best_by):
            self._keep(score)
        row: dict[str, Any] = {
            "epoch": epoch + 1,
            "training_loss": round(loss, 5) if math.isfinite(loss) else None,
            "validation_loss": round(result.loss, 5) if result else None,
            "acc1": round(result.acc1, 5) if result else None,
            "acc5": round(result.acc5, 5) if result else None,
            "learning_rate": rate,
            "seconds": round(time.monotonic() - started, 2),
        }
        self.history.append({**row, "size": phase.size})
        if diverges(self.history, len(self.labels)):
            self.reporter.say("warning", code="loss_rises", message=DIVERGES.format(epoch=epoch + 1, loss=loss))
        self.position = Position(epoch + 1, 0)
        if result is not None and self.world.first:
            row["details"] = error_details.kept(
                self.folder, epoch + 1, result, self.validation, self.labels, self.reporter
            )
        self.reporter.say("epoch_finished", **row)

    def _gets_no_better(self) -> bool:
        """Whether to end early, for nothing has improved; it is said."""
        patience, epoch = self.recipe.patience, self.position.epoch
        if not gets_no_better(self.history, patience, self.course.phase(epoch).size):
            return False
        message = f"No improvement for {patience} epochs: training ends after epoch {epoch}."
        self.reporter.say("warning", code="early_stopped", message=message)
        return True
