"""From a trained network to a bundle that is proven to answer as the network does.

The bundle is written by the graph builder, read back, and run in ONNX Runtime on real photos through the app's own
preprocessing. The PyTorch network that it is held against holds the same stored (rounded) values; what the rounding
itself changes is measured beside it.
"""

from __future__ import annotations

import dataclasses
import datetime
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from resnet_desktop.bundle import bundle as bundles
from resnet_desktop.bundle.bundle import Bundle
from resnet_desktop.bundle.metadata import Metadata
from resnet_desktop.bundle.resnet_graph import Storage, build_resnet, stored_arrays
from resnet_desktop.core.errors import ResNetDesktopError, TrainingError
from resnet_desktop.finetune.dataset import Sample, SampleReader, Scan
from resnet_desktop.imaging.decode import decode
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.inference.session import Session
from resnet_desktop.trainer import calibrate
from resnet_desktop.trainer.engine import Engine
from resnet_desktop.trainer.network import load_arrays
from resnet_desktop.trainer.report import write_report
from resnet_desktop.trainer.resnet import ResNet, named_arrays
from resnet_desktop.trainer.run import versions

PARITY_PHOTOS = 64
PARITY_LIMIT = 1e-4
"""Largest difference in probability between the bundle and PyTorch with the same stored values."""
BATCH = 32
STORAGE: Storage = "float16"

Floats = NDArray[np.float32]


@dataclasses.dataclass(frozen=True, slots=True)
class Parity:
    """Largest differences in probability: bundle against stored values, and stored against full-precision values."""

    photos: int
    bundle: float
    storage: float
    same_classes: bool


def export(engine: Engine, found: Scan, folder: Path) -> Bundle:
    """Write ``model.onnx`` and ``report.html``, prove the bundle, say ``finished``.

    Raises:
        TrainingError: ``parity_failed``; the bundle is not kept.
    """
    assert engine.recipe.transforms is not None, "filled in before"
    transforms = engine.recipe.transforms
    engine.network.eval()
    fitted = _fit(engine, transforms)
    metadata = Metadata(
        arch=engine.recipe.arch if engine.job.train == "scratch" else engine.network.architecture.name,
        categories=found.labels,
        transforms=transforms,
        temperature=fitted.temperature,
        novelty=fitted.novelty,
        provenance=_provenance(engine, found),
    )
    arrays = named_arrays(engine.network)
    model = build_resnet(
        engine.network.architecture, arrays, height=transforms.crop, width=transforms.crop, storage=STORAGE
    )
    draft = bundles.write(folder / "draft.onnx", model, metadata)
    try:
        session = Session(draft)
        parity = _parity(engine, found, draft, session, arrays)
        metrics = _metrics(engine, found, draft, session, fitted)
        provenance = {**metadata.provenance, "parity": dataclasses.asdict(parity), "metrics": metrics}
        bundle = bundles.write(folder / "model.onnx", model, dataclasses.replace(metadata, provenance=provenance))
    finally:
        draft.path.unlink(missing_ok=True)
    report = write_report(folder / "report.html", bundle, engine.history)
    engine.reporter.say("finished", bundle=str(bundle.path), report=str(report), metrics=metrics)
    return bundle


@dataclasses.dataclass(frozen=True, slots=True)
class _Fitted:
    """What the validation pictures teach about confidence."""

    temperature: float
    novelty: dict[str, Any] | None


def _fit(engine: Engine, transforms: Transforms) -> _Fitted:
    """Temperature and energy threshold from the validation pictures, at the size that the bundle runs at."""
    result = engine.evaluate(engine.validation, transforms.resize, transforms.crop)
    if result is None:
        return _Fitted(1.0, None)
    return _Fitted(calibrate.fit_temperature(result.logits, result.labels), calibrate.fit_novelty(result.logits))


def _provenance(engine: Engine, found: Scan) -> dict[str, Any]:
    """What the bundle tells about its making; sources by name, not by place: a path is nobody's business."""
    job = engine.job.as_dict()
    recipe = {k: v for k, v in job.items() if k not in ("output", "data", "exclude", "relabel", "control", "classes")}
    return {
        "data": [Path(source.folder).name for source in engine.job.data if source.role != "test"],
        "test_data": [Path(source.folder).name for source in engine.job.data if source.role == "test"],
        "pictures": {"training": len(engine.training), "validation": len(engine.validation), "test": len(found.test)},
        "recipe": recipe,
        "base": None if engine.job.train == "scratch" else engine.job.base,
        "seed": engine.job.seed,
        "device": str(engine.device),
        "minutes": round(sum(row["seconds"] for row in engine.history) / 60, 1),
        "history": engine.history,
        "versions": versions(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def _inputs(samples: Sequence[Sample], transforms: Transforms) -> tuple[Floats, NDArray[np.int64]]:
    """Network inputs ``(n, 3, crop, crop)`` by the app's own road, and labels; unreadable pictures are left out."""
    reader = SampleReader()
    rows, labels = [], []
    try:
        for sample in samples:
            try:
                decoded = decode(reader.read(sample), shorter_side=transforms.decode_side)
            except ResNetDesktopError:
                continue  # the scan has named it already
            rows.append(transforms.apply(decoded.pixels, full_size=decoded.full_size))
            labels.append(sample.label)
    finally:
        reader.close()
    return np.stack(rows) if rows else np.empty((0, 3, transforms.crop, transforms.crop), np.float32), np.array(labels)


def _parity(engine: Engine, found: Scan, bundle: Bundle, session: Session, arrays: dict[str, Any]) -> Parity:
    """Hold the bundle against PyTorch on real photos. Raises TrainingError above ``PARITY_LIMIT``."""
    samples = (found.validation or found.training)[:: max(1, len(found.validation or found.training) // PARITY_PHOTOS)]
    x, _ = _inputs(samples[:PARITY_PHOTOS], bundle.metadata.transforms)
    temperature = bundle.metadata.temperature
    network = ResNet(
        engine.network.architecture,
        len(found.labels),
        hidden=() if engine.job.head.hidden is None else (engine.job.head.hidden,),
    )
    ours = _softmax(_run(session, bundle, x), temperature)
    load_arrays(network, stored_arrays(arrays, STORAGE))
    stored = _softmax(_torch_logits(network, x), temperature)
    load_arrays(network, arrays)
    full = _softmax(_torch_logits(network, x), temperature)
    parity = Parity(
        len(x),
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


def _metrics(engine: Engine, found: Scan, bundle: Bundle, session: Session, fitted: _Fitted) -> dict[str, Any]:
    """Accuracy and calibration of the exported bundle itself, on the test pictures or else the validation ones."""
    which = "test" if found.test else "validation"
    samples = found.test or found.validation
    if not samples:
        return {"acc1": None, "acc1_interval": None, "images": 0, "ece": None}
    logits, labels = [], []
    started = time.monotonic()
    for start in range(0, len(samples), BATCH):
        engine.control.check()
        x, y = _inputs(samples[start : start + BATCH], bundle.metadata.transforms)
        if len(x):
            logits.append(_run(session, bundle, x))
            labels.append(y)
    z, y = np.concatenate(logits), np.concatenate(labels)
    ranks = (z > z[np.arange(len(y)), y][:, None]).sum(1)
    p = _softmax(z, fitted.temperature)
    low, high = calibrate.wilson_interval(int((ranks < 1).sum()), len(y))
    return {
        "acc1": round(float((ranks < 1).mean()), 4),
        "acc1_interval": [round(low, 4), round(high, 4)],
        "acc5": round(float((ranks < 5).mean()), 4),
        "images": len(y),
        "on": which,
        "ece": round(calibrate.expected_calibration_error(p, y), 4),
        "ece_uncalibrated": round(calibrate.expected_calibration_error(_softmax(z, 1.0), y), 4),
        "per_class": {
            label: round(float((ranks[y == i] < 1).mean()), 4) for i, label in enumerate(found.labels) if (y == i).any()
        },
        "images_per_second": round(len(y) / max(1e-9, time.monotonic() - started), 1),
    }


def _run(session: Session, bundle: Bundle, x: Floats) -> Floats:
    """Logits of the bundle, in batches."""
    parts = [session.run(x[i : i + BATCH])[bundle.output_name] for i in range(0, len(x), BATCH)]
    return np.concatenate(parts)


def _torch_logits(network: ResNet, x: Floats) -> Floats:
    """Logits of PyTorch in float32 on the CPU, in batches."""
    network.eval()
    with torch.inference_mode():
        parts = [network(torch.from_numpy(x[i : i + BATCH])).numpy() for i in range(0, len(x), BATCH)]
    return np.concatenate(parts)


def _softmax(logits: Floats, temperature: float) -> Floats:
    z = logits.astype(np.float64) / temperature
    e = np.exp(z - z.max(1, keepdims=True))
    p: Floats = (e / e.sum(1, keepdims=True)).astype(np.float32)
    return p
