"""One run from job to bundle: scan, load, train, evaluate, export, prove."""

from __future__ import annotations

import dataclasses
import json
import platform
from pathlib import Path

import numpy
import torch
from filelock import FileLock, Timeout

from resnet_desktop import __version__
from resnet_desktop.core import atomic
from resnet_desktop.core.errors import DataError, JobError, ResNetDesktopError, TrainingError
from resnet_desktop.finetune.dataset import Sample, Scan, scan
from resnet_desktop.finetune.job import Job, Phase, Recipe
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.trainer import checkpoint as checkpoints
from resnet_desktop.trainer import machine
from resnet_desktop.trainer.augment import Augmenter
from resnet_desktop.trainer.control import Control
from resnet_desktop.trainer.data import Pictures, load_pictures
from resnet_desktop.trainer.engine import Engine
from resnet_desktop.trainer.network import base_transforms, build_network
from resnet_desktop.trainer.reporter import Reporter

PRESET_EPOCHS = {"quick": 5, "balanced": 20, "best": 60}
FINE_TUNE_RATE = {"head": 1e-3, "last-stage": 3e-4, "last-two-stages": 2e-4, "all": 1e-4}
MARGIN = 1.15
"""Stored pictures are this much larger than the network's input, so that random crops keep some detail."""


def fill(job: Job) -> Job:
    """The job with every choice made, by preset and machine: what the run folder stores."""
    recipe = job.recipe or Recipe()
    scratch = job.train == "scratch"
    transforms = recipe.transforms if scratch else base_transforms(job.base)
    if transforms is None:
        size = job.input_size or 128
        transforms = Transforms(resize=size, crop=size)
    schedule = recipe.schedule
    if not schedule or not scratch:
        epochs = job.epochs or PRESET_EPOCHS[job.preset]
        schedule = (Phase(epochs, job.input_size or transforms.crop, job.batch_size or 64),)
    device = machine.choose_device(job.device)
    precision = machine.choose_precision(recipe.precision, device)
    optimizer = recipe.optimizer if scratch else "adamw"
    recipe = dataclasses.replace(
        recipe, schedule=schedule, transforms=transforms, precision=precision, optimizer=optimizer
    )
    rate = job.learning_rate or (None if scratch else FINE_TUNE_RATE[job.train])
    workers = machine.choose_workers(job.workers)
    return dataclasses.replace(job, recipe=recipe, learning_rate=rate, device=str(device), workers=workers)


class Run:
    """A run folder and what happens in it."""

    def __init__(self, job: Job, reporter: Reporter, control: Control) -> None:
        self.job = fill(job)
        self.folder = Path(job.output)
        self.reporter = reporter
        self.control = control
        assert self.job.recipe is not None, "filled in just now"
        self.recipe = self.job.recipe

    def go(self) -> None:
        """Carry out the whole run; the last event is ``finished``.

        Raises:
            CancelledRunError: asked to cancel, with a checkpoint saved if training had begun.
            ResNetDesktopError: whatever cannot be done, said in words.
        """
        atomic.write_text(self.folder / "job.json", json.dumps(self.job.as_dict(), indent=1) + "\n")
        self.reporter.say("started", job=self.job.as_dict(), device=self._device_name(), versions=versions())
        found, training, validation = self._load()
        engine = self._engine(found, training, validation)
        state = checkpoints.load_latest(self.folder / "checkpoints")
        if state is not None:
            engine.restore(state)
        engine.train()
        engine.use_best()
        # Exporting needs onnx and ONNX Runtime; a run that is cancelled never pays for importing them.
        from resnet_desktop.trainer.export import export

        export(engine, found, self.folder)

    def _load(self) -> tuple[Scan, Pictures, Pictures]:
        """Find the pictures, load those to train and validate on, and say what was found."""
        found = scan(self.job)
        side = self._stored_side()
        workers = self.job.workers or 1
        training, bad_training = load_pictures(found.training, side, workers)
        self.control.check()
        validation, bad_validation = load_pictures(found.validation, side, workers)
        skipped = [_skipped_row(*pair) for pair in (*bad_training, *bad_validation)]
        self.reporter.say(
            "scanned",
            classes=found.counts(),
            training=len(training),
            validation=len(validation),
            test=len(found.test),
            skipped=skipped,
        )
        if not len(training):
            raise DataError("no_images", "None of the pictures to train on can be read.")
        return found, training, validation

    def _stored_side(self) -> int:
        """Pixels along a side of the stored squares: no more than the transforms let through, or training needs."""
        largest = max(phase.size for phase in self.recipe.schedule)
        native = self.recipe.transforms.native if self.recipe.transforms else None
        return min(native or largest * 8, round(largest * MARGIN))

    def _engine(self, found: Scan, training: Pictures, validation: Pictures) -> Engine:
        device = torch.device(self.job.device)
        torch.manual_seed(self.job.seed)
        network = build_network(self.job, len(found.labels)).to(device)
        assert self.recipe.transforms is not None, "filled in"
        return Engine(
            job=self.job,
            recipe=self.recipe,
            network=network,
            training=training.to(device),
            validation=validation.to(device),
            augmenter=Augmenter(self.recipe, self.recipe.transforms, device),
            reporter=self.reporter,
            control=self.control,
            folder=self.folder / "checkpoints",
            device=device,
        )

    def _device_name(self) -> str:
        return torch.cuda.get_device_name() if self.job.device.startswith("cuda") else self.job.device


def lock_folder(folder: Path) -> FileLock:
    """Lock a run folder for this process. The system drops the lock of a process that died.

    Raises:
        TrainingError: another process trains there.
        JobError: the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        lock.acquire(timeout=0)
    except Timeout as error:
        raise TrainingError("run_locked", f"Another process is training in {folder}.") from error
    except OSError as error:
        raise JobError("bad_job", f"The run folder {folder} cannot be used: {error.strerror or error}.") from error
    return lock


def versions() -> dict[str, str]:
    """The versions that a result may depend on."""
    return {
        "resnet_desktop": __version__,
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "python": platform.python_version(),
    }


def _skipped_row(sample: Sample, error: ResNetDesktopError) -> dict[str, str]:
    return {"path": sample.name, "code": error.code, "message": error.message}
