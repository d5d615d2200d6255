"""Do the GPU's answers agree with the CPU's: probabilities, classes, heatmaps; and what float16 changes."""

from __future__ import annotations

from typing import Any

import numpy as np

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.core.errors import ImageError, LayerError
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.explain.cam.heatmap import Subject
from resnet_desktop.inference.classifier import Classifier
from tests.benchmarks.gpu_sessions import EXHAUSTIVE, NHWC, TF32, Bare, Run, halved
from tests.benchmarks.gpu_setting import Images, Setting, Table, repeated, shown, speeds
from tests.benchmarks.measure import by_turns

BATCH = 32
LIMIT = 2e-3
MAPPED = 24
"""Photos whose heatmaps are compared."""


def agree(setting: Setting) -> Table:
    """Predictions and heatmaps on the device against those on the CPU, over all photos."""
    bundle = setting.trained_bundle
    table = Table(f"Agreement with the CPU ({bundle.path.stem}, float32, TF32 off)", ("found", "reach"))
    if setting.no_runtime:
        table.notes.append(f"Not measured: {setting.no_runtime}.")
        return table
    cpu, other = Classifier(bundle, provider="cpu"), setting.classifier(bundle)
    batch = prepared(setting, cpu)
    ours, theirs = probabilities(cpu, batch), probabilities(other, batch)
    if other.provider != setting.provider:
        table.notes.append(f"It fell back to the CPU: {other.session.fallback_reason}")
    difference = float(np.abs(ours - theirs).max())
    same = int((ours.argmax(1) == theirs.argmax(1)).sum())
    table.rows |= {
        f"largest difference in probability, {len(batch)} photos": [f"{difference:.1e}", f"{LIMIT:g} at most"],
        "same best class": [f"{same} of {len(batch)}", "all"],
    }
    table.numbers = {"photos": len(batch), "probability": difference, "same": same, "model": bundle.path.stem}
    maps = heatmap_differences(cpu, other, batch[:MAPPED])
    for layer, value in maps.items():
        title = f"largest difference in a heatmap at {layer}, of its largest value, {min(MAPPED, len(batch))} photos"
        table.rows[title] = [f"{value:.1e}", ""]
    table.numbers["heatmaps"] = maps
    return table


def float16(setting: Setting) -> Table:
    """The graph in float16 (and with TF32, and other options), its speed at the largest batch and its agreement."""
    bundle = setting.trained_bundle
    size = max(setting.batches)
    columns = (f"images a second, batch {size}", "largest difference in probability", "same best class")
    table = Table(f"Float16 and other options ({bundle.path.stem})", columns)
    if setting.no_runtime:
        table.notes.append(f"Not measured: {setting.no_runtime}.")
        return table
    cpu = Classifier(bundle, provider="cpu")
    batch = prepared(setting, cpu)
    expected = probabilities(cpu, batch)
    half, plain = halved(bundle, setting.folder), bundles.serialized(bundle)
    graphs: dict[str, tuple[bytes, dict[str, str] | None]] = {"float32": (plain, None), "float16": (half, None)}
    if setting.on_gpu:
        graphs |= {"float32, TF32": (plain, TF32), "float32, exhaustive search": (plain, EXHAUSTIVE)}
        graphs |= {"float16, NHWC": (half, NHWC), "float16, exhaustive search": (half, EXHAUSTIVE)}
    cases: dict[str, Run] = {}
    answers: dict[str, Images] = {}
    for name, (model, options) in graphs.items():
        bare = Bare(setting, model, options)
        ready = np.resize(batch, (size, *bundle.input_shape))
        cases[name] = repeated(bare.resident(ready), setting.repeats(size))
        answers[name] = cpu.probabilities(bare.logits(batch, BATCH))
    timings = by_turns(cases, setting.rounds)
    found = speeds(timings, dict.fromkeys(cases, size * setting.repeats(size)))
    for name, p in answers.items():
        difference, same = float(np.abs(p - expected).max()), int((p.argmax(1) == expected.argmax(1)).sum())
        table.rows[name] = [shown(found[name]), f"{difference:.1e}", f"{same} of {len(batch)}"]
        table.numbers[name] = {"speed": found[name].median, "probability": difference, "same": same}
    return table


def prepared(setting: Setting, classifier: Classifier) -> Images:
    """All photos as the network sees them, ``(n, 3, H, W)``."""
    batch = classifier.new_batch(len(setting.photo_files))
    for row, path in enumerate(setting.photo_files):
        try:
            classifier.prepare(path, batch[row])
        except ImageError as error:
            raise SystemExit(f"{path} cannot be read: {error}") from error
    return batch


def probabilities(classifier: Classifier, batch: Images) -> Images:
    """Of all photos, run in batches of two sizes: the last one is smaller."""
    parts = [classifier.predict(batch[i : i + BATCH]).logits for i in range(0, len(batch), BATCH)]
    return classifier.probabilities(np.concatenate(parts))


def heatmap_differences(cpu: Classifier, other: Classifier, batch: Images) -> dict[str, float]:
    """At the last layer (closed form) and a stage before (gradients): the largest difference, of the largest value."""
    explainers = [Explainer(cpu), Explainer(other)]
    found: dict[str, float] = {}
    for layer in ("layer4", "layer3"):
        differences: list[float] = []
        for picture in batch:
            raws: list[Any] = [e.classifier.predict(picture[None]) for e in explainers]
            predictions = [
                e.classifier.prediction(raw, 0, 0.0, (1, 1)) for e, raw in zip(explainers, raws, strict=True)
            ]
            target = predictions[0].top.index
            try:
                first, second = (
                    e.explain(Subject(picture, p), target, layer=layer).cam
                    for e, p in zip(explainers, predictions, strict=True)
                )
            except LayerError as error:
                raise SystemExit(f"No heatmap at {layer}: {error}") from error
            differences.append(float(np.abs(first - second).max() / np.abs(first).max()))
        found[layer] = max(differences)
    return found
