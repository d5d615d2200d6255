"""From a trained network to a bundle that is proven to answer as the network does.

The bundle is written by the graph builder, read back, and run in ONNX Runtime on real photos through the app's own
preprocessing: everything that is said of the model is measured on the file as it will be used.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from resnet_desktop.bundle import bundle as bundles
from resnet_desktop.bundle.bundle import Bundle
from resnet_desktop.bundle.metadata import Metadata
from resnet_desktop.bundle.portable import write_portable
from resnet_desktop.bundle.resnet_graph import POOLED, Storage, build_resnet
from resnet_desktop.core import atomic
from resnet_desktop.finetune.dataset import Scan
from resnet_desktop.inference.session import Session
from resnet_desktop.trainer import about, assess, novelty, parity
from resnet_desktop.trainer.assess import Answers, Fitted
from resnet_desktop.trainer.doubts import doubted
from resnet_desktop.trainer.engine import Engine
from resnet_desktop.trainer.feeds import FeatureFeed
from resnet_desktop.trainer.report import write_report
from resnet_desktop.trainer.resnet import ResNet, named_arrays

PROTOTYPE_PHOTOS = 256
"""Training pictures whose features are computed for the warning about unfamiliar ones, where none are at hand."""
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
    arrays = centred(named_arrays(engine.network))
    model = build_resnet(
        engine.network.architecture, arrays, height=transforms.crop, width=transforms.crop, storage=STORAGE
    )
    metadata = Metadata(arch=engine.network.architecture.name, categories=found.labels, transforms=transforms)
    engine.control.check()
    draft = bundles.write(folder / "draft.onnx", model, metadata)
    try:
        session = Session(draft, extra_outputs=(POOLED,))
        validation, test, fitted = _asked(engine, draft, session, found)
        proof = _proof(engine, found, draft, session, arrays)
    finally:
        draft.path.unlink(missing_ok=True)
    results = _results(engine, found, (validation, test), fitted, dataclasses.asdict(proof))
    atomic.write_text(folder / "results.json", json.dumps(results, ensure_ascii=False) + "\n")
    metadata = dataclasses.replace(
        metadata, temperature=fitted.temperature, novelty=fitted.novelty, provenance=_card(results)
    )
    bundle = bundles.write(folder / "model.onnx", model, metadata)
    write_portable(folder / "export", bundle)
    base = None if engine.job.train == "scratch" else engine.job.base
    report = write_report(folder / "report.html", bundle, base, results, found.samples, engine.control.check)
    where = {"bundle": str(bundle.path), "report": str(report), "results": str(folder / "results.json")}
    engine.reporter.say("finished", **where, metrics=results["metrics"])
    return bundle


def centred(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The same weights with a last layer whose logits add up to 0, so that heatmaps mean what they seem to mean.

    No probability changes when the same number is added to all logits, so that training leaves it as it happens to be;
    but the evidence for one class would be evidence for all of them in that part. With two classes it drowned the rest.
    """
    numbered = (name for name in arrays if name.startswith("head.") and name.endswith(".weight"))
    last = max(numbered, key=lambda name: int(name.split(".")[1]), default="fc.weight").removesuffix(".weight")
    changed = {name: arrays[name] - arrays[name].mean(0, keepdims=True) for name in (f"{last}.weight", f"{last}.bias")}
    return arrays | changed


def _asked(engine: Engine, draft: Bundle, session: Session, found: Scan) -> tuple[Answers, Answers, Fitted]:
    """The draft's answers on validation and test pictures, and what they teach about its confidence."""
    workers, feed = engine.job.workers or 1, engine.training
    learnt = () if isinstance(feed, FeatureFeed) else found.training[:: -(-len(found.training) // PROTOTYPE_PHOTOS)]
    tell = _teller(engine, len(learnt) + len(found.validation) + len(found.test))
    if isinstance(feed, FeatureFeed):
        features = feed.plain.cpu().numpy()
    else:
        features = assess.pooled(draft, session, learnt, workers, tell)
    centres = novelty.prototypes(features, len(found.labels), engine.control.check)
    first, second = len(learnt), len(learnt) + len(found.validation)
    validation = assess.ask(draft, session, found.validation, workers, centres, lambda done: tell(first + done))
    test = assess.ask(draft, session, found.test, workers, centres, lambda done: tell(second + done))
    return validation, test, assess.fit(validation, test, centres)


def _teller(engine: Engine, total: int) -> Callable[[int], None]:
    """Listens to commands and says how far the last evaluation is."""
    started, epochs = time.monotonic(), len(engine.history)

    def tell(done: int) -> None:
        engine.control.check()
        if engine.reporter.due and done:
            speed = done / max(1e-9, time.monotonic() - started)
            speeds = {"images_per_second": round(speed, 1), "seconds_left": round((total - done) / speed, 1)}
            engine.reporter.progress(part="exporting", epoch=epochs, step=done, steps=total, loss=None, **speeds)

    return tell


def _proof(engine: Engine, found: Scan, draft: Bundle, session: Session, arrays: dict[str, Any]) -> parity.Parity:
    """Hold the draft against PyTorch. Raises TrainingError ``parity_failed``."""
    hidden = () if engine.job.head.hidden is None else (engine.job.head.hidden,)
    network = ResNet(engine.network.architecture, len(found.labels), hidden=hidden)
    photos = found.validation or found.training
    workers = engine.job.workers or 1
    return parity.prove(draft, session, network, arrays, STORAGE, photos, workers, engine.control.check)


def _results(
    engine: Engine, found: Scan, answers: tuple[Answers, Answers], fitted: Fitted, proof: dict[str, Any]
) -> dict[str, Any]:
    """All of ``results.json``."""
    validation, test = answers
    judged, which = (test, "test") if len(test) else (validation, "validation")
    suspects: list[dict[str, Any]] = []
    if isinstance(engine.training, FeatureFeed):
        suspects = doubted(engine.training, found.labels, engine.control.check)
    told = {
        "metrics": assess.metrics(judged, which, fitted, found.labels),
        "history": engine.history,
        "suspects": suspects,
    }
    results = assess.results(validation, test, fitted, found.labels, told)
    card = about.provenance(engine, found, test.samples) | {"parity": proof}
    return results | {"about": card | about.data(engine, found, test.samples)}


def _card(results: dict[str, Any]) -> dict[str, Any]:
    """What rides in the bundle: how it was made and how good it is, but no name of a picture."""
    told = {key: value for key, value in results["about"].items() if key not in about.OF_THE_RUN}
    return told | {key: results[key] for key in ("history", "metrics", "per_class")}
