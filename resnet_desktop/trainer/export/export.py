"""From a trained network to a bundle that is proven to answer as the network does.

The bundle is written by the graph builder, read back, and run in ONNX Runtime on real photos through the app's own
preprocessing: everything that is said of the model is measured on the file as it will be used.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from resnet_desktop.bundle.builders.resnet import Storage
from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.file.portable import write_portable
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.core import atomic
from resnet_desktop.core.errors import ModelError, TrainingError
from resnet_desktop.data.dataset import Sample, Scan
from resnet_desktop.inference.session import Session
from resnet_desktop.runs.evaluation import evaluate_bundle, novelty
from resnet_desktop.runs.evaluation.evaluate_bundle import Answers, Fitted
from resnet_desktop.runs.report.page import write_report
from resnet_desktop.trainer.evaluation.label_errors import doubted
from resnet_desktop.trainer.export import parity, provenance
from resnet_desktop.trainer.export.assemble import Arrays, Made, linear_names, make
from resnet_desktop.trainer.inputs.feeds import FeatureFeed
from resnet_desktop.trainer.loop.engine import Engine
from resnet_desktop.trainer.loop.remaining_work import REPORT_SECONDS, RemainingWork, prototype_photos
from resnet_desktop.trainer.network.graph_network import GraphNetwork
from resnet_desktop.trainer.network.resnet import named_arrays

STORAGE: Storage = "float16"


def export(engine: Engine, found: Scan) -> Bundle:
    """Write ``model.onnx``, ``results.json``, ``report.html`` and ``export/``, prove the bundle, say ``finished``.

    Raises:
        TrainingError: ``parity_failed``; the bundle is not kept.
        DataError: none of the pictures can be read any more.
        StorageError: the disk refuses.
        CancelledRunError: asked to cancel; the checkpoint of the end of training is there.
    """
    folder, transforms = engine.folder, engine.recipe.transforms
    assert transforms is not None, "filled in before"
    engine.network.eval()
    told = _Told(engine, found)
    engine.control.check()
    rows = parity.inputs(told.proving, transforms, engine.job.workers or 1)
    made, witness = _made(engine, rows, told)
    told.part(2 * len(witness.stored))  # the file's own runs come at the end
    metadata = Metadata(arch=made.arch, categories=found.labels, transforms=transforms)
    draft = bundles.write(folder / "draft.onnx", made.model, metadata)
    try:
        session = Session(draft, extra_outputs=(made.features,))
        validation, test, fitted = _asked(engine, draft, session, found, told, made.features)
        witness = dataclasses.replace(witness, temperature=fitted.temperature)
        proof = witness.prove(draft, session, fitted.temperature, told.another_run)
    finally:
        draft.path.unlink(missing_ok=True)
    results = _results(engine, found, (validation, test), fitted, dataclasses.asdict(proof))
    atomic.write_text(folder / "results.json", json.dumps(results, ensure_ascii=False) + "\n")
    metadata = dataclasses.replace(
        metadata, temperature=fitted.temperature, novelty=fitted.novelty, provenance=_card(results)
    )
    bundle = _written(bundles.write(folder / "model.onnx", made.model, metadata), witness, told)
    write_portable(folder / "export", bundle)
    base = None if engine.job.train == "scratch" else engine.job.base
    report = write_report(folder / "report.html", bundle, base, results, found.samples, engine.control.check)
    where = {"bundle": str(bundle.path), "report": str(report), "results": str(folder / "results.json")}
    engine.reporter.say("finished", **where, metrics=results["metrics"])
    return bundle


def _made(engine: Engine, rows: list[parity.Floats], told: _Told) -> tuple[Made, parity.Witness]:
    """The model, and PyTorch's word on it; weights are rounded for storage as far as that changes nothing."""
    assert engine.recipe.transforms is not None, "filled in before"
    network, side = engine.network, engine.recipe.transforms.crop
    arrays = centred(named_arrays(network))
    made = make(network, arrays, side, STORAGE)
    witness = parity.witness(network, made, rows, told.over(rows, rows))
    if witness.rounding_matters and isinstance(network, GraphNetwork):
        made = make(network, arrays, side, "float32")
        witness = parity.witness(network, made, rows, engine.control.check)
    return made, witness


def centred(arrays: Arrays) -> Arrays:
    """The same weights with a last layer whose logits add up to 0, so that heatmaps mean what they seem to mean.

    No probability changes when the same number is added to all logits, so that training leaves it as it happens to be;
    but the evidence for one class would be evidence for all of them in that part. With two classes it drowned the rest.
    """
    last = linear_names(arrays)[-1]
    changed = {name: arrays[name] - arrays[name].mean(0, keepdims=True) for name in (f"{last}.weight", f"{last}.bias")}
    return arrays | changed


class _Told:
    """Listens to commands and says how far the last evaluation is; the work is counted in pictures."""

    def __init__(self, engine: Engine, found: Scan) -> None:
        self._engine, self._started = engine, time.monotonic()
        known = isinstance(engine.training, FeatureFeed)
        self.learnt = () if known else prototype_photos(found)
        self.proving = found.validation or found.training
        self._total = RemainingWork.of(found, has_features=known).pictures
        self._before = self._done = 0

    def __call__(self, done: int) -> None:
        """So many of this part's pictures are done. Raises CancelledRunError."""
        engine, self._done = self._engine, self._before + done
        engine.control.check()
        if engine.reporter.due and self._done:
            speed = self._done / max(1e-9, time.monotonic() - self._started)
            left = max(0, self._total - self._done) / speed + REPORT_SECONDS
            speeds = {"images_per_second": round(speed, 1), "seconds_left": round(left, 1)}
            steps = {"step": min(self._done, self._total), "steps": self._total}
            engine.reporter.progress(part="exporting", epoch=len(engine.history), **steps, loss=None, **speeds)

    def another_run(self) -> None:
        """One more run of this part is done, or begins. Raises CancelledRunError."""
        self(self._done - self._before + evaluate_bundle.BATCH)

    def over(self, *passes: Sequence[parity.Floats]) -> Callable[[], object]:
        """What is to be called before each run over some rows of pictures, pass by pass."""
        done = itertools.accumulate((len(x) for rows in passes for x in rows), initial=0)
        return lambda: self(next(done))

    def part(self, pictures: int) -> None:
        """A part with so many pictures is done; the next one counts from 0."""
        self._before += pictures
        self._done = self._before


def _asked(
    engine: Engine, draft: Bundle, session: Session, found: Scan, told: _Told, layer: str
) -> tuple[Answers, Answers, Fitted]:
    """The draft's answers on validation and test pictures, and what they teach about its confidence."""
    workers, feed, learnt = engine.job.workers or 1, engine.training, None
    if isinstance(feed, FeatureFeed):
        features = feed.plain.cpu().numpy()
        if len(found.validation) < novelty.ENOUGH:
            learnt = novelty.out_of_sample(features, len(found.labels), engine.control.check)
    else:
        features = evaluate_bundle.pooled(draft, session, told.learnt, workers, told, layer)
    centres = novelty.prototypes(features, len(found.labels), engine.control.check)
    told.part(len(told.learnt))
    validation = evaluate_bundle.ask(draft, session, found.validation, workers, centres, told, layer)
    told.part(len(found.validation))
    test = evaluate_bundle.ask(draft, session, found.test, workers, centres, told, layer)
    told.part(len(found.test))
    return validation, test, evaluate_bundle.fit(validation, test, centres, learnt, layer)


def _written(bundle: Bundle, witness: parity.Witness, told: _Told) -> Bundle:
    """The file that is handed over, read back and proven like the draft, at its own temperature.

    Raises TrainingError ``parity_failed``: it is not kept.
    """
    try:
        found = bundles.read(bundle.path)
        witness.prove(found, Session(found), found.metadata.temperature, told.another_run)
    except (TrainingError, ModelError):
        bundle.path.unlink(missing_ok=True)
        raise
    return found


def _results(
    engine: Engine, found: Scan, answers: tuple[Answers, Answers], fitted: Fitted, proof: dict[str, Any]
) -> dict[str, Any]:
    """All of ``results.json``."""
    validation, test = answers
    judged, which = (test, "test") if len(test) else (validation, "validation")
    doubts = doubted(engine.training, found.labels, engine.control.check)
    told = {
        "metrics": evaluate_bundle.metrics(judged, which, fitted, found.labels),
        "history": engine.history,
        "suspects": doubts.rows,
        "doubts": doubts.told(),
    }
    results = evaluate_bundle.results(validation, test, fitted, found.labels, told)
    lost = _lost(engine, found, answers)
    card = provenance.provenance(engine, found, test.samples, lost) | {"parity": proof}
    return results | {"about": card | provenance.data(engine, found, test.samples, lost)}


def _lost(engine: Engine, found: Scan, answers: tuple[Answers, Answers]) -> list[Sample]:
    """The pictures set apart that nobody can read any more; it is said, for the numbers are not of them."""
    validation, test = answers
    read = {sample.name for sample in (*validation.samples, *test.samples)}
    lost = [sample for sample in (*engine.validation.samples, *found.test) if sample.name not in read]
    if lost:
        pictures = "1 held-out photo" if len(lost) == 1 else f"{len(lost):,} held-out photos"
        message = f"{pictures} cannot be read: the model is evaluated on the other {len(read):,}."
        engine.reporter.say("warning", code="pictures_lost", message=message)
    return lost


def _card(results: dict[str, Any]) -> dict[str, Any]:
    """What rides in the bundle: how it was made and how good it is, but no name of a picture."""
    told = {key: value for key, value in results["about"].items() if key not in provenance.OF_THE_RUN}
    return told | {key: results[key] for key in ("history", "metrics", "per_class")}
