"""From a layer to a bundle that is proven to answer as it does, and judged.

The bundle is the base's own graph with the new layer. It is written, read back, and run in ONNX Runtime on real photos
through the app's own preprocessing. Photos that were set apart are asked of that very file; where none were, each photo
is judged by a layer that has not seen it, and the file has learnt from all of them.
"""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.file.portable import write_portable
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.bundle.graph.head import logits_graph, with_head
from resnet_desktop.core import atomic
from resnet_desktop.core.errors import TrainingError
from resnet_desktop.data.dataset import Sample
from resnet_desktop.head import about
from resnet_desktop.head.taught import Taught
from resnet_desktop.inference.session import Session
from resnet_desktop.runs.about import OF_THE_RUN
from resnet_desktop.runs.control import Control
from resnet_desktop.runs.evaluation import calibrate, evaluate_bundle, novelty, parity, scores
from resnet_desktop.runs.evaluation.evaluate_bundle import Answers, Fitted
from resnet_desktop.runs.linear.folds import NEVER
from resnet_desktop.runs.linear.logistic import Floats, Linear
from resnet_desktop.runs.report import label_errors
from resnet_desktop.runs.report.page import write_report
from resnet_desktop.runs.reporter import Reporter

CROSSED = "cross-validation"
"""What photos are called that were judged by layers that had not seen them, and what the figures are then of."""


def export(taught: Taught, folder: Path, reporter: Reporter, control: Control) -> Bundle:
    """Write ``model.onnx``, ``results.json``, ``report.html`` and ``export/``, prove the bundle, say ``finished``.

    Raises:
        TrainingError: ``parity_failed``; the bundle is not kept.
        DataError: none of the photos can be read any more.
        StorageError: the disk refuses.
        CancelledRunError: asked to cancel.
    """
    control.check()
    transforms = taught.extract.transforms
    model = with_head(
        logits_graph(taught.base.bundle), taught.learnt.layer.weight, taught.learnt.layer.bias, taught.base.head
    )
    arch = taught.base.bundle.metadata.arch or "graph"
    metadata = Metadata(arch=arch, categories=taught.found.labels, transforms=transforms)
    draft = bundles.write(folder / "draft.onnx", model, metadata)
    try:
        told = _Told(taught, reporter, control)
        centres, scores = _familiar(taught, control)
        session = Session(draft, extra_outputs=(taught.base.head.features,))
        validation, test = (_asked(taught, draft, session, part, centres, told) for part in _apart(taught))
        fitted = _fitted(taught, centres, scores, validation, test)
        proof = _proof(taught, draft, session, fitted.temperature, told)
    finally:
        draft.path.unlink(missing_ok=True)
    del session
    taught.extract.close()  # the report loads models of its own
    results = _results(taught, folder, validation, test, fitted, dataclasses.asdict(proof), reporter)
    atomic.write_text(folder / "results.json", json.dumps(results, ensure_ascii=False) + "\n")
    card = {key: value for key, value in results["about"].items() if key not in OF_THE_RUN}
    card |= {key: results[key] for key in ("history", "metrics", "per_class")}
    finished = dataclasses.replace(metadata, temperature=fitted.temperature, novelty=fitted.novelty, provenance=card)
    bundle = _written(bundles.write(folder / "model.onnx", model, finished), draft)
    write_portable(folder / "export", bundle)
    report = write_report(folder / "report.html", bundle, taught.job.base, results, taught.found.samples, control.check)
    where = {"bundle": str(bundle.path), "report": str(report), "results": str(folder / "results.json")}
    reporter.say("finished", **where, metrics=results["metrics"])
    return bundle


class _Told:
    """Listens to commands and says how far judging is, in photos."""

    def __init__(self, taught: Taught, reporter: Reporter, control: Control) -> None:
        self._reporter, self._control, self._started = reporter, control, time.monotonic()
        proven = min(parity.PROOF_PHOTOS, len(taught.found.validation or taught.found.training))
        self._total = sum(map(len, _apart(taught))) + 2 * proven
        self._before = 0

    def __call__(self, done: int) -> None:
        """So many of this part's photos are done. Raises CancelledRunError."""
        self._control.check()
        done += self._before
        if self._reporter.due and done:
            speed = done / max(1e-9, time.monotonic() - self._started)
            steps = {"step": min(done, self._total), "steps": self._total}
            left = round(max(0, self._total - done) / speed, 1)
            speeds = {"images_per_second": round(speed, 1), "seconds_left": left}
            self._reporter.progress(part="exporting", epoch=0, **steps, loss=None, **speeds)

    def part(self, photos: int) -> None:
        """A part with so many photos is done; the next one counts from 0."""
        self._before += photos


def _apart(taught: Taught) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """The photos that the file itself is asked about."""
    return taught.found.validation, taught.found.test


def _familiar(taught: Taught, control: Control) -> tuple[Floats, novelty.Scores]:
    """Prototypes of what was learnt from, and how near each of these photos comes to those of the others."""
    plain, classes = taught.training.plain, len(taught.found.labels)
    return novelty.prototypes(plain, classes, control.check), novelty.out_of_sample(plain, classes, control.check)


def _asked(
    taught: Taught, draft: Bundle, session: Session, samples: tuple[Sample, ...], centres: Floats, told: _Told
) -> Answers:
    workers, layer = max(1, taught.job.workers or 1), taught.base.head.features
    found = evaluate_bundle.ask(draft, session, samples, workers, centres, told, layer)
    told.part(len(samples))
    return found


def crossed(taught: Taught) -> Answers:
    """The answers out of fold, of the photos that are in a fold."""
    asked = np.flatnonzero((taught.fold != NEVER) & np.isfinite(taught.learnt.logits).all(1))
    samples = tuple(taught.training.samples[i] for i in asked)
    return Answers(samples, taught.training.labels[asked], taught.learnt.logits[asked], np.zeros(len(asked)))


def _fitted(taught: Taught, centres: Floats, scores: novelty.Scores, validation: Answers, test: Answers) -> Fitted:
    """Temperature from the answers out of fold; the warning from photos that the prototypes do not stand for."""
    out = crossed(taught)
    temperature = calibrate.fit_temperature(out.logits, out.labels) if len(out) else 1.0
    familiar = validation.familiar if len(validation) else scores
    if not len(centres) or not len(familiar):
        return Fitted(temperature)
    rule = novelty.rule(centres, familiar, test.familiar, scores, taught.base.head.features)
    return Fitted(temperature, rule)


def _proof(taught: Taught, draft: Bundle, session: Session, temperature: float, told: _Told) -> parity.Parity:
    """Hold the bundle against the base's features, weighed by the layer. Raises TrainingError, DataError."""
    proving, workers = taught.found.validation or taught.found.training, max(1, taught.job.workers or 1)
    rows = parity.inputs(proving, draft.metadata.transforms, workers)
    features: list[Floats] = []
    for x in rows:
        told(sum(len(some) for some in features))
        features.append(taught.extract.run(x))
    seen, layer = np.concatenate(features), taught.learnt.layer
    stored = Linear(_rounded(layer.weight), layer.bias) if taught.base.head.half else layer
    witness = parity.Witness(rows, stored(seen), layer(seen), temperature)
    told.part(len(seen))
    return witness.prove(draft, session, temperature, lambda: told(len(seen)))


def _rounded(weight: Floats) -> Floats:
    """As they are stored: float16 where they fit into it."""
    if np.abs(weight).max(initial=0.0) > np.finfo(np.float16).max:
        return weight
    return weight.astype(np.float16).astype(np.float32)


def _written(bundle: Bundle, draft: Bundle) -> Bundle:
    """The file that is handed over, read back: it must hold the weights of the draft that was proven."""
    found = bundles.read(bundle.path)
    proven = draft.metadata.weights_sha256
    if not bundles.verify(found).ok or found.metadata.weights_sha256 != proven:
        found.path.unlink(missing_ok=True)
        message = "The exported model does not hold the weights that were written."
        raise TrainingError("parity_failed", message, "The disk may be failing: choose a folder on another one.")
    return found


def _results(
    taught: Taught,
    folder: Path,
    validation: Answers,
    test: Answers,
    fitted: Fitted,
    proof: dict[str, Any],
    reporter: Reporter,
) -> dict[str, Any]:
    """All of ``results.json``."""
    labels, role = taught.found.labels, "validation"
    if taught.crossed or not len(validation):
        validation, role = crossed(taught), CROSSED
    judged, which = (test, "test") if len(test) else (validation, role)
    metrics = evaluate_bundle.metrics(judged, which, fitted, labels) | {"chosen_by": False}
    if which == CROSSED and len(judged):
        metrics["folds"] = taught.folds
    doubts, rows = ({"pictures": 0, "wrong": None, "why": ""}, []) if role == CROSSED else _doubted(taught, fitted)
    told = {"metrics": metrics, "history": [], "suspects": rows, "doubts": doubts}
    results = evaluate_bundle.results(validation, test, fitted, labels, told, role)
    apart = (*taught.validation, *taught.found.test)
    read = {sample.name for sample in (*validation.samples, *test.samples)}
    lost = [sample for sample in apart if sample.name not in read]
    if lost:
        pictures = "1 held-out photo" if len(lost) == 1 else f"{len(lost):,} held-out photos"
        message = f"{pictures} cannot be read: the model is evaluated on the other {len(read):,}."
        reporter.say("warning", code="pictures_lost", message=message)
    card = about.provenance(taught, test.samples, lost) | {"parity": proof}
    return results | {"about": card | about.data(taught, folder, test.samples, lost)}


def _doubted(taught: Taught, fitted: Fitted) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Likely wrong labels among the photos that were learnt from, by layers that have not seen them."""
    out, names = crossed(taught), taught.found.labels
    known = scores.judgeable(out.labels, len(names))[out.labels]
    if known.sum() < label_errors.LEAST:
        return {"pictures": 0, "wrong": None, "why": "few"}, []
    p, wrong = scores.softmax(out.logits, fitted.temperature), out.logits.argmax(1) != out.labels
    rows = [
        {
            "path": out.samples[i].name,
            "label": names[int(out.labels[i])],
            "predicted": names[int(p[i].argmax())],
            "probability": round(float(p[i].max()), 5),
            "role": "training",
        }
        for i in np.flatnonzero(scores.suspects(p, out.labels)).tolist()
    ]
    return {"pictures": int(known.sum()), "wrong": round(float(wrong[known].mean()), 4), "why": ""}, rows
