"""One run from job to bundle: scan, load, train, evaluate, export, prove."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from resnet_desktop.core import atomic
from resnet_desktop.core.errors import JobError
from resnet_desktop.data.checks import coverage_warnings
from resnet_desktop.data.checks.inspection import scan_with_remarks
from resnet_desktop.data.dataset import Sample, Scan, survey
from resnet_desktop.data.split import split_file
from resnet_desktop.jobs.job import Job, Recipe
from resnet_desktop.runs.control import Control
from resnet_desktop.runs.preparation import Preparation, say_scanned
from resnet_desktop.runs.reporter import Reporter
from resnet_desktop.trainer import choices, machine
from resnet_desktop.trainer.distributed.process_group import ProcessGroup
from resnet_desktop.trainer.evaluation import linear_probe
from resnet_desktop.trainer.evaluation.frozen_features import Extractor, features_cache
from resnet_desktop.trainer.evaluation.linear_probe import HeadStart
from resnet_desktop.trainer.export import disk_space
from resnet_desktop.trainer.inputs import memory
from resnet_desktop.trainer.inputs.augment import Augmenter
from resnet_desktop.trainer.inputs.feeds import FeatureFeed, Feed, PictureFeed, ViewFeed
from resnet_desktop.trainer.inputs.picture_tensor import Skipped, load_pictures, square
from resnet_desktop.trainer.loop import checkpoint as checkpoints
from resnet_desktop.trainer.loop import compiling
from resnet_desktop.trainer.loop.budget import Budget
from resnet_desktop.trainer.loop.engine import Engine
from resnet_desktop.trainer.loop.remaining_work import RemainingWork
from resnet_desktop.trainer.loop.spent import Spent
from resnet_desktop.trainer.network.build import base_checksum, build_network, count_parameters, read_base
from resnet_desktop.trainer.network.classifier import Classifier
from resnet_desktop.trainer.network.graph_network import GraphNetwork
from resnet_desktop.trainer.step import balance
from resnet_desktop.trainer.teacher.bank import Bank, BankMaker, crops_that_fit, draw_crops
from resnet_desktop.trainer.teacher.taught_feed import TaughtFeed
from resnet_desktop.trainer.teacher.teacher import Teacher, read_teacher

TEACHER_SHARE, TEACHER_MOST = 0.25, 0.5
"""Of a limited time, how much passes before the teacher is asked no more, and what the run must not go beyond."""
RESIDENT_SHARE = 0.3
"""Pictures lie on the device while they take no more than this part of its free memory."""


class Run:
    """A run folder and what happens in it.

    Raises:
        JobError: the device does not work here, or nothing can be learnt from the base.
        ModelError: the base cannot be read.
    """

    def __init__(self, job: Job, reporter: Reporter, control: Control, world: ProcessGroup | None = None) -> None:
        self.world = world or ProcessGroup()
        # What is chosen by measuring, such as the precision, must be the same everywhere.
        self.job: Job = self.world.told(choices.fill(job) if self.world.first else None)
        self.folder = Path(job.output)
        self.reporter = reporter
        self.control = control
        self._preparation = Preparation(reporter, control, self._keep_time)
        self._preparing = self._answer = 0.0
        self.spent = Spent(self.folder, control) if self.job.max_minutes else None
        self._teacher: Teacher | None = None
        self.device = self.world.device(torch.device(self.job.device))

    @property
    def recipe(self) -> Recipe:
        """The recipe of the job, which is filled in."""
        assert self.job.recipe is not None, "filled in at the start"
        return self.job.recipe

    @property
    def workers(self) -> int:
        """Threads of this process that decode: those of the machine are shared with its other processes."""
        return max(1, (self.job.workers or 1) // self.world.neighbours)

    def go(self) -> None:
        """Carry out the whole run; the last event is ``finished``.

        Raises:
            CancelledRunError: asked to cancel, with a checkpoint saved if training had begun.
            ResNetDesktopError: whatever cannot be done, said in words.
        """
        self._store_job()
        name = machine.device_name(str(self.device))
        self.reporter.say("started", job=self.job.as_dict(), device=name, versions=machine.versions())
        if self.world.first and self.recipe.teacher is not None:
            read_teacher(self.job, survey(self.job).labels)  # before any photo is opened
        found: Scan = self.world.told(self._scan() if self.world.first else None)
        engine = self.engine(found)
        if self.world.first:
            adam, averaged = checkpoints.is_adam(engine.optimizer.state_dict()), engine.averaged is not None
            disk_space.check(self.folder, disk_space.needed(engine.network, engine.names, adam=adam, averaged=averaged))
        state = self.world.told(checkpoints.load_latest(self.folder / "checkpoints") if self.world.first else None)
        if state is not None:
            engine.restore(state)
            self._tell_of_damage(state)
        engine.train()
        engine.use_best()
        if self.world.first:
            self.world.go_on_alone()
            # Exporting needs onnx and ONNX Runtime; a run that is cancelled never pays for importing them.
            from resnet_desktop.trainer.export.export import export

            export(engine, found)

    def _tell_of_damage(self, state: checkpoints.Checkpoint) -> None:
        if checkpoints.newest(self.folder / "checkpoints") != state.position:
            message = "The last checkpoint is damaged: resuming from the one before it."
            self.reporter.say("warning", code="checkpoint_damaged", message=message)

    def _scan(self) -> Scan:
        """Find and split the pictures; the split is stored, so that a resumed run has the same one."""
        found = self._preparation.scan(
            lambda cancelled, progress: scan_with_remarks(self.job, cancelled=cancelled, progress=progress)
        )
        self._preparation.keep(self.folder, found)
        return found

    def engine(self, found: Scan) -> Engine:
        """Build the network, load what it learns from, and say what was found."""
        torch.manual_seed(self.job.seed)
        network = build_network(self.job, len(found.labels)).to(self.device)
        if self.world.size > 1 and self.device.type == "cuda" and self.job.train in ("scratch", "all"):
            network = torch.nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        if self.world.first and self.folder_is_new:
            self._prove(network, found)
        self.job = self._scheduled(len(found.training), network)
        self._store_job()
        assert self.recipe.transforms is not None, "filled in at the start"
        augmenter = Augmenter(self.recipe, self.recipe.transforms, self.device)
        load = self._features if self.job.train == "head" else self._pictures
        training, validation, skipped = load(found, network, augmenter)
        counts = len(training), len(validation)
        say_scanned(self.reporter, self.folder, found, counts, skipped, count_parameters(network))
        self._warn(found, training, validation)
        chosen = balance.chosen(self.recipe.balance, training.labels)
        ending = self._ending(found)
        head_start = self._begin_head(network, training.samples, len(found.labels), augmenter, chosen)
        engine = Engine(
            job=self.job,
            recipe=dataclasses.replace(self.recipe, balance=chosen, compile="off"),
            network=network,
            training=training,
            validation=validation,
            reporter=self.reporter,
            control=self.control,
            folder=self.folder,
            device=self.device,
            labels=found.labels,
            base=base_checksum(self.job),
            data=split_file.digest(found),
            world=self.world,
            preparing=self._preparing,
            ending=ending,
            budget=self._budget(training, validation, ending),
            teacher=self._teacher,
            head_start=head_start,
        )
        self._settle_compiling(engine)
        return engine

    def _budget(self, training: Feed, validation: Feed, ending: RemainingWork) -> Budget | None:
        """What fits the schedule to the time, where the job limits it."""
        if self.spent is None or self.job.max_minutes is None:
            return None
        phases = self.recipe.schedule
        pictures, limit = len(training), 60 * self.job.max_minutes
        steps = [max(1, pictures // min(phase.batch_size, pictures)) for phase in phases]
        return Budget(limit, self.spent, phases, steps, len(validation), ending)

    @property
    def folder_is_new(self) -> bool:
        """Whether nothing has been learnt here yet."""
        return checkpoints.newest(self.folder / "checkpoints") is None

    def _prove(self, network: Classifier, found: Scan) -> None:
        """Hold the network that was made from the base's graph against ONNX Runtime. Raises TrainingError, JobError."""
        if isinstance(network, GraphNetwork) and network.base is not None:
            # ONNX Runtime takes time to import
            from resnet_desktop.trainer.evaluation.base_proof import prove

            prove(read_base(self.job.base), network.base, found.training, self.workers)

    def _warn(self, found: Scan, training: Feed, validation: Feed) -> None:
        """Say what the run can do, but should perhaps not be asked to."""
        for code, message in coverage_warnings.warnings(
            found.labels, training.labels.tolist(), validation.labels.tolist()
        ):
            self.reporter.say("warning", code=code, message=message)
        if self.recipe.cutmix and self.job.train == "head":
            message = "CutMix needs whole photos, but only the head is trained, on features: CutMix is off."
            self.reporter.say("warning", code="cutmix_unused", message=message)

    def _scheduled(self, pictures: int, network: Classifier) -> Job:
        """The job with its schedule; how it is fitted to the memory must be the same in all processes."""
        processes = self.world.size
        filled = choices.fill_schedule(self.job, pictures, network, self.device, processes)
        job: Job = self.world.told(filled)
        return job

    def _settle_compiling(self, engine: Engine) -> None:
        """Compile where the job says so, or where it pays; the answer is stored, for a resumed run takes the same."""
        wanted = self.recipe.compile
        if wanted == "auto":
            wanted = "on" if self.world.agree(int(compiling.pays(engine))) else "off"
            self.job = dataclasses.replace(self.job, recipe=dataclasses.replace(self.recipe, compile=wanted))
            engine.job = self.job
            self._store_job()
        if wanted == "on" and engine.network.traceable:
            engine.stepper.compile()
        elif wanted == "on":
            message = "The base computes sizes on the way, which torch.compile cannot take: it is not used."
            self.reporter.say("warning", code="compile_unused", message=message)

    def _pictures(self, found: Scan, network: Classifier, augmenter: Augmenter) -> tuple[Feed, Feed, Skipped]:
        """All pictures as pixels, on the device where they fit."""
        del network
        side, workers = choices.stored_side(self.recipe), self.workers
        whole = len(found.training) + len(found.validation)
        tell = self._preparation.teller("reading")
        seen = self.recipe.transforms
        assert seen is not None, "filled in at the start"
        training, skipped = load_pictures(found.training, square(side, seen), workers, lambda done: tell(done, whole))
        before = len(found.training)
        validation, more = load_pictures(found.validation, seen, workers, lambda done: tell(before + done, whole))
        resident = training.pixels.nbytes + validation.pixels.nbytes
        if self.device.type != "cpu" and resident < RESIDENT_SHARE * memory.free_bytes(self.device):
            training, validation = training.to(self.device), validation.to(self.device)
        learnt, asked = PictureFeed(training, augmenter, self.device), ViewFeed(validation, augmenter, self.device)
        self._teacher = read_teacher(self.job, found.labels)
        if self._teacher is not None and len(training):
            learnt = TaughtFeed(training, augmenter, self.device, self._bank(self._teacher, training.pixels, augmenter))
        return learnt, asked, [*skipped, *more]

    def _bank(self, teacher: Teacher, pixels: Tensor, augmenter: Augmenter) -> Bank:
        """The teacher's answers, asked for or remembered; how many crops they are of is stored."""
        asked, started = self.recipe.teacher, time.monotonic() - self.control.seconds_paused
        assert asked is not None, "there is a teacher"
        crops = crops_that_fit(asked.crops, len(pixels), len(teacher.classes))
        renderer = Augmenter(self.recipe, teacher.bundle.metadata.transforms, torch.device("cpu"))
        maker = BankMaker(self.folder, teacher, pixels, self.device, renderer, self.world)
        draws = draw_crops(augmenter, self.job.seed, len(pixels), crops)
        bank = maker(draws, self._preparation.teller("teacher"), self._has_time_to_ask)
        recipe = dataclasses.replace(self.recipe, teacher=dataclasses.replace(asked, crops=bank.crops))
        self.job = dataclasses.replace(self.job, recipe=recipe)
        self._store_job()
        self._preparing = time.monotonic() - started - self.control.seconds_paused
        return bank

    def _has_time_to_ask(self, crops: int, seconds: float) -> bool:
        """Whether the teacher may be asked about another crop of all pictures, which takes so long; ``crops`` are done.

        Raises:
            JobError: the first alone, or those that were asked for, would leave too little time to learn.
        """
        limit, teacher = 60 * (self.job.max_minutes or math.inf), self.recipe.teacher
        assert teacher is not None, "there is one"
        if not crops and self.folder_is_new and seconds * (teacher.crops or 1) > TEACHER_MOST * limit:
            message = (
                f"The teacher would take {seconds * (teacher.crops or 1) / 60:,.0f} of the {limit / 60:g} minutes "
                "that 'max_minutes' gives the run."
            )
            raise JobError("bad_job", message, "Allow more time or fewer 'crops', or leave the teacher out.")
        if teacher.crops is not None or self.spent is None:
            return True
        return self.spent.seconds + seconds <= TEACHER_SHARE * limit

    def _features(self, found: Scan, network: Classifier, augmenter: Augmenter) -> tuple[Feed, Feed, Skipped]:
        """Frozen features of all pictures, computed or remembered."""
        extract = self._extractor(network, augmenter, self._ending(found).seconds)
        cache, started = features_cache(), time.monotonic() - self.control.seconds_paused
        try:
            training, skipped = extract(found.training, self.recipe.views, cache, len(found.validation))
            validation, more = extract(found.validation, 1, cache)
        finally:
            cache.close()
        self._preparing = time.monotonic() - started - self.control.seconds_paused
        self._answer = extract.seconds_per_picture()
        if cache.problem:
            self.reporter.say("warning", code="cache_unused", message=f"Features are not cached: {cache.problem}")
        feeds = [FeatureFeed(f.values, f.labels, f.samples, augmenter, self.device) for f in (training, validation)]
        return feeds[0], feeds[1], [*skipped, *more]

    def _extractor(
        self, network: Classifier, augmenter: Augmenter, rest: Callable[[float], float] | None = None
    ) -> Extractor:
        network.eval()
        return Extractor(
            network,
            augmenter,
            self.recipe,
            base=base_checksum(self.job),
            seed=self.job.seed,
            side=choices.stored_side(self.recipe, choices.PASSING_MARGIN),
            workers=self.workers,
            told=self._preparation.teller("features", rest),
            world=self.world,
        )

    def _begin_head(
        self, network: Classifier, samples: Sequence[Sample], classes: int, augmenter: Augmenter, balance: str
    ) -> HeadStart | None:
        """Let a new linear head begin where it already tells the classes apart; None where it begins at random."""
        new = self.world.agree(int(self.folder_is_new))
        if not new or not linear_probe.wanted(network, self.job.train):
            return None
        started = time.monotonic() - self.control.seconds_paused
        extract, told = self._extractor(network, augmenter), self._preparation.teller("learning")
        begin = linear_probe.LinearProbe(network, extract, classes, balance, self.job.seed, self.world, told)
        found, alike = begin(samples, self.job.max_minutes)
        if alike:
            self.reporter.say("warning", code="features_alike", message=linear_probe.ALIKE)
        self._preparing += time.monotonic() - started - self.control.seconds_paused
        return found

    def _ending(self, found: Scan) -> RemainingWork:
        """What comes after training; where features are at hand, an epoch does not tell how long an answer takes."""
        ending = RemainingWork.of(found, has_features=self.job.train == "head")
        return dataclasses.replace(ending, answer=self._answer)

    def _keep_time(self) -> None:
        if self.spent is not None and self.world.first:
            self.spent.keep()

    def _store_job(self) -> None:
        if self.world.first:
            atomic.write_text(self.folder / "job.json", json.dumps(self.job.as_dict(), indent=1) + "\n")
