"""One photo, a folder of photos, a heatmap: each against bare runs of the same graph."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.imaging.decode import decode
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.inference import runtime
from resnet_desktop.inference.batch import classify_many, default_batch_size
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.inference.runtime import RunnableSession
from tests.benchmarks.measure import Spread, Timings, by_turns
from tests.benchmarks.report import Row, Section

BATCHES = (1, 2, 4, 8)
BARE_IMAGES = 48
BARE = "bare session.run"


def bare_session(bundle: Bundle) -> RunnableSession:
    """The file as it is, on the CPU, with the options that the app uses."""
    return runtime.open_session(bundles.serialized(bundle), runtime.CPU)


def ready(bundle: Bundle, images: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Prepared images of noise, float32 (images, 3, H, W)."""
    return np.random.default_rng(1).standard_normal((images, *bundle.input_shape)).astype(np.float32)


def one_photo(bundle: Bundle, photo: Path, large: Path, rounds: int) -> Section:
    """Decode to prediction, of a 512-pixel photo and of one with 12 megapixels."""
    classifier = Classifier(bundle, provider="cpu")
    bare, image = bare_session(bundle), ready(bundle, 1)
    transforms = bundle.metadata.transforms
    timings = by_turns(
        {
            BARE: lambda: bare.run(None, {"input": image}),
            "512-pixel photo, decode to prediction": lambda: classifier.classify(photo),
            "12-megapixel photo, decode to prediction": lambda: classifier.classify(large),
            "decode and transforms alone, 512 pixels": lambda: _prepare(photo, transforms),
            "decode and transforms alone, 12 megapixels": lambda: _prepare(large, transforms),
        },
        rounds,
    )
    goals = {"512-pixel photo, decode to prediction": "<= 1.15"}
    return Section("One photo (ResNet-50, 224 x 224, CPU)", BARE, _rows(timings, BARE, goals))


def options(bundle: Bundle, rounds: int) -> Section:
    """The session options of the app against ONNX Runtime's own, which let its threads spin between two runs."""
    bare, image = bare_session(bundle), ready(bundle, 1)
    default = runtime.library().InferenceSession(bundles.serialized(bundle), providers=[runtime.CPU])
    timings = by_turns(
        {
            BARE: lambda: bare.run(None, {"input": image}),
            "with ONNX Runtime's default options": lambda: default.run(None, {"input": image}),
        },
        rounds,
    )
    return Section("Session options (ResNet-50, 224 x 224, batch 1, CPU)", BARE, _rows(timings, BARE, {}))


def _prepare(photo: Path, transforms: Transforms) -> None:
    transforms.apply(decode(photo, shorter_side=transforms.decode_side).pixels)


def _rows(timings: Timings, base: str, goals: dict[str, str]) -> list[Row]:
    return [
        Row(
            case,
            timings.spread(case, 1e3),
            "ms",
            ratio=None if case == base else timings.ratio(case, base),
            goal=goals.get(case, ""),
        )
        for case in timings.seconds
    ]


def folder(bundle: Bundle, paths: list[Path], count: int, rounds: int) -> Section:
    """``count`` photos through the pipeline in ``rounds`` parts, at several batch sizes, against bare runs at each."""
    classifier = Classifier(bundle, provider="cpu")
    bare = bare_session(bundle)
    part = count // rounds
    sources = itertools.cycle(paths)

    def pipeline(batch: int) -> None:
        outcomes = list(classify_many(classifier, itertools.islice(sources, part), batch_size=batch))
        assert all(outcome.ok for outcome in outcomes)
        assert len(outcomes) == part

    def plain(batch: int) -> None:
        tensor = ready(bundle, batch)
        for _ in range(BARE_IMAGES // batch):
            bare.run(None, {"input": tensor})

    cases = {f"bare, batch {batch}": (lambda batch=batch: plain(batch)) for batch in BATCHES}
    default = default_batch_size(classifier.provider)
    batches = sorted({1, 2, 4, default})
    folders = {f"folder of photos, batch {batch}": (lambda batch=batch: pipeline(batch)) for batch in batches}
    name = f"folder of photos, batch {default}"
    timings = by_turns({**cases, **folders}, rounds)
    each = timings.per_image({**dict.fromkeys(cases, BARE_IMAGES), **dict.fromkeys(folders, part)})
    best = min(cases, key=lambda case: each.spread(case).median)
    rows = []
    for case, values in each.seconds.items():
        speeds = Spread.of([1 / value for value in values])
        ratio = None if case == best else each.ratio(best, case)  # seconds of the best over mine: my speed over its
        rows.append(Row(case, speeds, "images/s", ratio=ratio, goal=">= 0.92" if case == name else ""))
    note = f"the app uses batch {default}; {part * rounds} photos of 512 pixels, activations for heatmaps kept"
    return Section("A folder (ResNet-50, 224 x 224, CPU)", f"the best of the bare runs ({best})", rows, note)


def heatmap(bundle: Bundle, photo: Path, rounds: int) -> Section:
    """A prediction with the heatmap of its best class, against one that keeps nothing for heatmaps."""
    with_map, without = Classifier(bundle, provider="cpu"), Classifier(bundle, provider="cpu", keep_activations=False)
    explainer = Explainer(with_map)

    def explained() -> None:
        prediction = with_map.classify(photo)
        explainer.heatmap(prediction, prediction.top.index)

    base, name = "prediction alone", "prediction with last-stage heatmap"
    timings = by_turns({base: lambda: without.classify(photo), name: explained}, rounds)
    return Section("A heatmap (ResNet-50, 224 x 224, CPU)", base, _rows(timings, base, {name: "<= 1.05"}))
