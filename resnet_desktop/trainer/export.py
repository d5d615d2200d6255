"""From a trained network to a bundle that is proven to answer as the network does.

The bundle is written by the graph builder, read back, and run in ONNX Runtime on real photos through the app's own
preprocessing. The PyTorch network that it is held against holds the same stored (rounded) values; what the rounding
itself changes is measured beside it.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from resnet_desktop.bundle import bundle as bundles
from resnet_desktop.bundle.bundle import Bundle
from resnet_desktop.bundle.metadata import Metadata
from resnet_desktop.bundle.portable import write_portable
from resnet_desktop.bundle.resnet_graph import Storage, build_resnet, stored_arrays
from resnet_desktop.core import atomic
from resnet_desktop.core.errors import TrainingError
from resnet_desktop.finetune.dataset import Sample, Scan
from resnet_desktop.finetune.job import DataSource
from resnet_desktop.inference.session import Session
from resnet_desktop.trainer import assess, judge
from resnet_desktop.trainer.assess import Answers
from resnet_desktop.trainer.doubts import doubted
from resnet_desktop.trainer.engine import Engine
from resnet_desktop.trainer.feeds import FeatureFeed
from resnet_desktop.trainer.machine import versions
from resnet_desktop.trainer.network import load_arrays
from resnet_desktop.trainer.report import write_report
from resnet_desktop.trainer.resnet import ResNet, named_arrays

PARITY_PHOTOS = 64
PARITY_LIMIT = 1e-4
"""Largest difference in probability between the bundle and PyTorch with the same stored values."""
TORCH_BATCH = 8
STORAGE: Storage = "float16"

Floats = NDArray[np.float32]


@dataclasses.dataclass(frozen=True, slots=True)
class Parity:
    """Largest differences in probability: bundle against stored values, and stored against full-precision values."""

    photos: int
    bundle: float
    storage: float
    same_classes: bool


def export(engine: Engine, found: Scan) -> Bundle:
    """Write ``model.onnx``, ``results.json``, ``report.html`` and ``export/``, prove the bundle, say ``finished``.

    Raises:
        TrainingError: ``parity_failed``; the bundle is not kept.
        StorageError: the disk refuses.
        CancelledRunError: asked to cancel; the checkpoint of the end of training is there.
    """
    folder, transforms = engine.folder, engine.recipe.transforms
    assert transforms is not None, "filled in before"
    engine.network.eval()
    arrays = named_arrays(engine.network)
    model = build_resnet(
        engine.network.architecture, arrays, height=transforms.crop, width=transforms.crop, storage=STORAGE
    )
    arch = engine.network.architecture.name
    metadata = Metadata(arch=arch, categories=found.labels, transforms=transforms)
    engine.control.check()
    draft = bundles.write(folder / "draft.onnx", model, metadata)
    try:
        session = Session(draft)
        validation, test = _ask(engine, draft, session, found)
        fitted = assess.fit(validation, test)
        parity = _parity(engine, found, draft, session, arrays)
    finally:
        draft.path.unlink(missing_ok=True)
    judged, which = (test, "test") if len(test) else (validation, "validation")
    metrics = assess.metrics(judged, which, fitted, found.labels)
    provenance = {**_provenance(engine, found), "parity": dataclasses.asdict(parity), "metrics": metrics}
    told = {"metrics": metrics, "history": engine.history, "suspects": _doubts(engine, found)}
    results = assess.results(validation, test, fitted, found.labels, told)
    atomic.write_text(folder / "results.json", json.dumps(results, ensure_ascii=False) + "\n")
    metadata = dataclasses.replace(
        metadata, temperature=fitted.temperature, novelty=fitted.novelty, provenance=provenance
    )
    bundle = bundles.write(folder / "model.onnx", model, metadata)
    write_portable(folder / "export", bundle)
    pictures = {s.name: s for s in (*found.training, *found.validation, *found.test)}
    report = write_report(folder / "report.html", bundle, results, pictures, engine.control.check)
    where = {"bundle": str(bundle.path), "report": str(report), "results": str(folder / "results.json")}
    engine.reporter.say("finished", **where, metrics=metrics)
    return bundle


def _ask(engine: Engine, draft: Bundle, session: Session, found: Scan) -> tuple[Answers, Answers]:
    """The draft's answers on validation and test pictures."""
    total, workers = len(found.validation) + len(found.test), engine.job.workers or 1
    tell = _teller(engine, total)
    validation = assess.ask(draft, session, found.validation, workers, tell)
    before = len(found.validation)
    return validation, assess.ask(draft, session, found.test, workers, lambda done: tell(before + done))


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


def _doubts(engine: Engine, found: Scan) -> list[dict[str, Any]]:
    if not isinstance(engine.training, FeatureFeed):
        return []
    return doubted(engine.training, found.labels, engine.control.check)


def _provenance(engine: Engine, found: Scan) -> dict[str, Any]:
    """What the bundle tells about its making; sources by name, not by place: a path is nobody's business."""
    job = engine.job.as_dict()
    recipe = {k: v for k, v in job.items() if k not in ("output", "data", "exclude", "relabel", "control", "classes")}
    return {
        "data": [_source_name(source) for source in engine.job.data if source.role != "test"],
        "test_data": [_source_name(source) for source in engine.job.data if source.role == "test"],
        "pictures": {"training": len(engine.training), "validation": len(engine.validation), "test": len(found.test)},
        "recipe": recipe,
        "base": None if engine.job.train == "scratch" else Path(engine.job.base).name,
        "base_sha256": engine.base or None,
        "seed": engine.job.seed,
        "device": str(engine.device),
        "minutes": round(sum(row["seconds"] for row in engine.history) / 60, 1),
        "history": engine.history,
        "versions": versions(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def _source_name(source: DataSource) -> str:
    return Path(source.path).name


def _parity(engine: Engine, found: Scan, bundle: Bundle, session: Session, arrays: dict[str, Any]) -> Parity:
    """Hold the bundle against PyTorch on real photos. Raises TrainingError above ``PARITY_LIMIT``."""
    whole: tuple[Sample, ...] = found.validation or found.training
    samples = whole[:: max(1, len(whole) // PARITY_PHOTOS)][:PARITY_PHOTOS]
    rows = [x for _, x in assess.batches(samples, bundle.metadata.transforms, engine.job.workers or 1)]
    check = engine.control.check
    hidden = () if engine.job.head.hidden is None else (engine.job.head.hidden,)
    network = ResNet(engine.network.architecture, len(found.labels), hidden=hidden)
    outputs: list[Floats] = []
    for x in rows:
        check()
        outputs.append(session.run(x)[bundle.output_name])
    ours = judge.softmax(np.concatenate(outputs))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    load_arrays(network, stored_arrays(arrays, STORAGE))
    stored = judge.softmax(_torch_logits(network, rows, check))
    load_arrays(network, arrays)
    full = judge.softmax(_torch_logits(network, rows, check))
    parity = Parity(
        sum(len(x) for x in rows),
        float(np.abs(ours - stored).max()),
        float(np.abs(stored - full).max()),
        bool((ours.argmax(1) == stored.argmax(1)).all()),
    )
    if parity.bundle > PARITY_LIMIT or not parity.same_classes:
        raise TrainingError(
            "parity_failed",
            f"The exported model differs from the trained network by {parity.bundle:.2g} in probability.",
            "This is a fault of the program: please report it.",
        )
    return parity


def _torch_logits(network: ResNet, rows: list[Floats], check: Callable[[], object]) -> Floats:
    """Logits of PyTorch in float32 on the CPU."""
    network.eval()
    found = []
    with torch.inference_mode():
        for x in rows:
            check()
            found.append(network(torch.from_numpy(x)).numpy())
    whole: Floats = np.concatenate(found)
    return whole
