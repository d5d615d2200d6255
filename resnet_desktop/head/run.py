"""One run from job to bundle: scan, features, learning, judging, export."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from resnet_desktop.core import atomic
from resnet_desktop.data.checks import coverage_warnings
from resnet_desktop.data.dataset import Sample, Scan
from resnet_desktop.head import choices, photos, verdict
from resnet_desktop.head.taught import Taught
from resnet_desktop.head.versions import versions
from resnet_desktop.jobs.job import Job, Recipe
from resnet_desktop.runs import disk_space, weights
from resnet_desktop.runs.control import Control
from resnet_desktop.runs.evaluation.parity import PROOF_PHOTOS
from resnet_desktop.runs.feature_cache import features_cache
from resnet_desktop.runs.linear import folds
from resnet_desktop.runs.linear.features import Extractor, Features
from resnet_desktop.runs.linear.learner import Learnt, learn
from resnet_desktop.runs.preparation import Preparation, say_scanned
from resnet_desktop.runs.reporter import Reporter

REPORT_SECONDS = 4.0
"""What the report's heatmaps and the writing of the files take, more or less."""


class Run:
    """A run folder and what happens in it.

    Raises:
        JobError: the job asks for more than the last layer.
        ModelError: the base cannot be read, or has no last layer to teach.
    """

    def __init__(self, job: Job, reporter: Reporter, control: Control) -> None:
        self._views_chosen = job.recipe is not None
        self.job, self.base = choices.fill(job)
        self.folder = Path(job.output)
        self.reporter, self.control = reporter, control
        self._preparation = Preparation(reporter, control)
        self._started = time.monotonic()

    @property
    def recipe(self) -> Recipe:
        """The recipe of the job, which is filled in."""
        assert self.job.recipe is not None, "filled in at the start"
        return self.job.recipe

    def go(self) -> None:
        """Carry out the whole run; the last event is ``finished``.

        Raises:
            CancelledRunError: asked to cancel; features that were computed are kept.
            ResNetDesktopError: whatever cannot be done, said in words.
        """
        self._store_job()
        self.reporter.say("started", job=self.job.as_dict(), device="cpu", versions=versions())
        disk_space.check(self.folder, 3 * self.base.bundle.size + disk_space.SMALL)
        found, groups = self._scan()
        training, validation, extract = self._features(found)
        fold = folds.folds(training.samples, _places(groups, training.samples), self.job.seed)
        judged_by_folds = not len(validation) and not found.test
        self._warn(found, training, validation, fold, judged_by_folds=judged_by_folds)
        balance = weights.chosen(self.recipe.balance, training.labels)
        learnt = self._learn(training, fold, len(found.labels), balance)
        warnings = verdict.warnings(learnt.logits, training.labels, found.labels)
        for code, message in warnings:
            self.reporter.say("warning", code=code, message=message)
        found = dataclasses.replace(found, problems=(*found.problems, *(message for _, message in warnings)))
        self.job = dataclasses.replace(self.job, recipe=dataclasses.replace(self.recipe, balance=balance))
        self._store_job()
        taught = Taught(
            self.job, self.base, found, training, validation.samples, fold, learnt, extract, self._seconds()
        )
        # Exporting needs onnx's writer and the report; a run that is cancelled never pays for importing them.
        from resnet_desktop.head.export import export

        export(taught, self.folder, self.reporter, self.control)

    def _seconds(self) -> float:
        return time.monotonic() - self._started - self.control.seconds_paused

    def _scan(self) -> tuple[Scan, photos.Groups]:
        """Find the photos, and set some apart where they are many or the user did; the split is stored."""
        scanned = self._preparation.scan(
            lambda cancelled, progress: photos.scan(self.job, cancelled=cancelled, progress=progress)
        )
        self._preparation.keep(self.folder, scanned[0])
        return scanned

    def _features(self, found: Scan) -> tuple[Features, Features, Extractor]:
        """Frozen features of all photos, computed or remembered; says what was found."""
        extract = Extractor(
            self.base.bundle,
            self.base.head,
            self.recipe,
            checksum=self.base.checksum,
            seed=self.job.seed,
            workers=max(1, self.job.workers or 1),
            device=self.job.device,
            told=self._preparation.teller("features", lambda each: REPORT_SECONDS + each * _ending(found)),
        )
        views = choices.views(self.recipe, len(found.training), chosen=self._views_chosen)
        self.job = dataclasses.replace(self.job, recipe=dataclasses.replace(self.recipe, views=views))
        cache = features_cache()
        try:
            training, skipped = extract(found.training, views, cache, len(found.validation))
            validation, more = extract(found.validation, 1, cache)
        finally:
            cache.close()
        if cache.problem:
            self.reporter.say("warning", code="cache_unused", message=f"Features are not cached: {cache.problem}")
        learnt = (self.base.head.width + 1) * len(found.labels)
        parameters = {"trainable": learnt, "total": learnt + self.base.frozen}
        counts = len(training), len(validation)
        say_scanned(self.reporter, self.folder, found, counts, [*skipped, *more], parameters)
        return training, validation, extract

    def _warn(
        self, found: Scan, training: Features, validation: Features, fold: folds.Folds, *, judged_by_folds: bool
    ) -> None:
        """Say what the run can do, but should perhaps not be asked to."""
        if judged_by_folds:
            tried = training.labels[fold != folds.NEVER]
        else:
            tried = validation.labels if len(validation) else np.array([s.label for s in found.test], np.int64)
        for code, message in coverage_warnings.warnings(found.labels, training.labels.tolist(), tried.tolist()):
            if not judged_by_folds or code not in ("class_not_tried", "nothing_set_apart"):
                self.reporter.say("warning", code=code, message=message)
        alone = folds.judged_alone(training.samples, fold, len(found.labels)) if judged_by_folds else []
        for code, message in verdict.unjudged([found.labels[i] for i in alone]):
            self.reporter.say("warning", code=code, message=message)
        steps = ("epochs", "max_minutes", "batch_size", "learning_rate")
        unused = [name for name in steps if getattr(self.job, name) is not None]
        if unused:
            are = "is" if len(unused) == 1 else "are"
            message = f"The last layer is fitted in one go, so that {' and '.join(unused)} {are} of no use here."
            self.reporter.say("warning", code="settings_unused", message=message)
        if self.recipe.cutmix:
            message = "CutMix needs whole photos, but only the head is trained, on features: CutMix is off."
            self.reporter.say("warning", code="cutmix_unused", message=message)

    def _learn(self, training: Features, fold: folds.Folds, classes: int, balance: str) -> Learnt:
        tell = self._preparation.teller("learning", ends_on_stop=False)
        return learn(training.values, training.labels, fold, classes, balance, check=self.control.check, told=tell)

    def _store_job(self) -> None:
        atomic.write_text(self.folder / "job.json", json.dumps(self.job.as_dict(), indent=1) + "\n")


def _ending(found: Scan) -> int:
    """How many photos go through a network after the features are there."""
    return len(found.validation) + len(found.test) + 2 * min(PROOF_PHOTOS, len(found.validation or found.training))


def _places(groups: photos.Groups, samples: Sequence[Sample]) -> list[list[int]]:
    """The groups as places in ``samples``, without photos that are not among them."""
    place = {sample: i for i, sample in enumerate(samples)}
    some = ([place[sample] for sample in group if sample in place] for group in groups)
    return [group for group in some if len(group) > 1]
