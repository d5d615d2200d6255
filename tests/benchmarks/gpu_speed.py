"""How fast: from ready tensors, from JPEG files, heatmaps; ours against bare ONNX Runtime and PyTorch."""

from __future__ import annotations

import itertools
import logging
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.explain.cam.heatmap import Subject
from resnet_desktop.inference import runtime
from resnet_desktop.inference.batch import classify_many, cores, default_batch_size
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.inference.providers import sentence
from tests.benchmarks.classify import ready as ready_images
from tests.benchmarks.gpu_sessions import EXHAUSTIVE, Bare, Run, halved, torch_run
from tests.benchmarks.gpu_setting import Images, Setting, Table, repeated, shown, speeds
from tests.benchmarks.measure import Spread, by_turns

OURS, OURS_MAPS = "ours, logits", "ours, with what heatmaps need"
BARE = "bare ONNX Runtime, I/O binding, all on the device"
BARE_COPIES = "bare ONNX Runtime, I/O binding, copies to and fro"
BARE_SEARCH = "bare ONNX Runtime, all on the device, exhaustive search"
HALF = "bare ONNX Runtime, float16 graph, all on the device"
EAGER, COMPILED = "PyTorch eager, bfloat16", "torch.compile, bfloat16"
FILES = 32
"""Batches of photos in a timed case on a GPU."""


def ready(setting: Setting) -> Table:
    """Images a second from ready tensors, by batch."""
    columns = tuple(f"batch {batch}" for batch in setting.batches)
    table = Table("Images a second, ResNet-50 at 224 x 224, ready tensors, float32 unless said", columns)
    builders: dict[str, Callable[[Images], Run]] = {}
    if setting.no_runtime:
        table.notes.append(f"Not measured: {setting.no_runtime}.")
    else:
        builders |= _runtime_builders(setting)
    if setting.no_torch:
        table.notes.append(f"Not measured: {setting.no_torch}.")
    else:
        builders[EAGER] = lambda batch: torch_run(setting, setting.arrays, batch, compiled=False)
        if setting.compiles:
            builders[COMPILED] = lambda batch: torch_run(setting, setting.arrays, batch, compiled=True)
    for batch in setting.batches:
        _add_batch(setting, table, builders, batch)
    return table


def _runtime_builders(setting: Setting) -> dict[str, Callable[[Images], Run]]:
    bundle = setting.random_bundle
    plain = bundles.serialized(bundle)
    ours = setting.classifier(bundle, keep_activations=False)
    with_maps = setting.classifier(bundle)
    bare, half = Bare(setting, plain), Bare(setting, halved(bundle, setting.folder))
    found: dict[str, Callable[[Images], Run]] = {
        OURS: lambda batch: lambda: ours.predict(batch),
        OURS_MAPS: lambda batch: lambda: with_maps.predict(batch),
        BARE: bare.resident,
        BARE_COPIES: bare.copied,
        HALF: half.resident,
    }
    if setting.on_gpu:
        found[BARE_SEARCH] = Bare(setting, plain, EXHAUSTIVE).resident
    return found


def _add_batch(setting: Setting, table: Table, builders: dict[str, Callable[[Images], Run]], batch: int) -> None:
    """Measure one batch size and put its column into the table."""
    images, times = ready_images(setting.random_bundle, batch), setting.repeats(batch)
    cases: dict[str, Callable[[], None]] = {}
    failures: tuple[type[Exception], ...] = (*runtime.failures(), OSError, ImportError, subprocess.SubprocessError)
    for name, build in builders.items():
        try:
            run = build(images)
            run()
        except failures as error:
            logging.info("%s", name, exc_info=error)
            table.notes.append(f"{name}, batch {batch}: {type(error).__name__}: {sentence(error)}")
            continue
        cases[name] = _finished(setting, repeated(run, times))
    timings = by_turns(cases, setting.rounds)
    found = speeds(timings, dict.fromkeys(cases, batch * times))
    for name in builders:
        table.rows.setdefault(name, []).append(shown(found[name]) if name in found else "–")
    numbers = {name: [value.low, value.median, value.high] for name, value in found.items()}
    for base in (BARE, BARE_COPIES):
        if OURS in cases and base in cases:
            ratio = timings.ratio(base, OURS)  # seconds of the base over ours: our speed over the base's
            table.rows.setdefault(f"ours over: {base}", []).append(f"{ratio.median:.2f}")
            numbers[f"ours over: {base}"] = [ratio.low, ratio.median, ratio.high]
    table.numbers[str(batch)] = numbers


def _finished(setting: Setting, run: Callable[[], None]) -> Callable[[], None]:
    """A case that ends when the device has done its work."""

    def whole() -> None:
        run()
        setting.wait()

    return whole


def files(setting: Setting) -> Table:
    """Images a second from JPEG files, all cores decoding."""
    table = Table(f"Images a second from JPEG files of 512 pixels, {cores()} cores decoding", ("found", "share"))
    if setting.no_runtime:
        table.notes.append(f"Not measured: {setting.no_runtime}.")
        return table
    plain = setting.classifier(setting.random_bundle, keep_activations=False)
    with_maps = setting.classifier(setting.random_bundle)
    batch = default_batch_size(setting.provider)
    count = FILES * batch if setting.on_gpu else len(setting.photo_files)
    tensor = ready_images(setting.random_bundle, batch)
    cases: dict[str, Callable[[], None]] = {
        "decoding alone": lambda: _decode(plain, setting, count),
        f"the network alone, batch {batch}": repeated(lambda: plain.predict(tensor), max(1, count // batch)),
        "ours, logits": lambda: _classify(plain, setting, count),
        "ours, with what heatmaps need": lambda: _classify(with_maps, setting, count),
    }
    done = dict.fromkeys(cases, count)
    done[f"the network alone, batch {batch}"] = max(1, count // batch) * batch
    timings = by_turns(cases, setting.rounds)
    found = speeds(timings, done)
    slower = min(list(found)[:2], key=lambda case: found[case].median)
    for name, speed in found.items():
        ratio = speed.median / found[slower].median
        table.rows[name] = [shown(speed), f"{ratio:.2f}"]
        table.numbers[name] = [speed.low, speed.median, speed.high]
    table.notes.append(f"Share: of the slower of the first two ({slower}), which bounds the whole.")
    return table


def _classify(classifier: Classifier, setting: Setting, count: int) -> None:
    sources = itertools.islice(itertools.cycle(setting.photo_files), count)
    assert all(outcome.ok for outcome in classify_many(classifier, sources))


def _decode(classifier: Classifier, setting: Setting, count: int) -> None:
    batch = classifier.new_batch(cores())
    sources = itertools.islice(itertools.cycle(setting.photo_files), count)
    with ThreadPoolExecutor(cores()) as pool:
        done = list(pool.map(lambda pair: classifier.prepare(pair[1], batch[pair[0] % cores()]), enumerate(sources)))
    assert len(done) == count


def heatmaps(setting: Setting) -> Table:
    """Heatmaps a second: in closed form with the prediction, by gradients, at all depths at once."""
    table = Table("Heatmaps a second, ResNet-50 at 224 x 224", ("found",))
    if setting.no_runtime:
        table.notes.append(f"Not measured: {setting.no_runtime}.")
        return table
    classifier = setting.classifier(setting.random_bundle)
    explainer = Explainer(classifier)
    batch = max(b for b in setting.batches if b <= 64)
    images = ready_images(setting.random_bundle, batch)
    raw = classifier.predict(images[:1])
    subject = Subject(images[0], classifier.prediction(raw, 0, 0.0, (224, 224)))
    times = 20 if setting.on_gpu else 1

    def closed() -> None:
        found = classifier.predict(images)
        for row in range(batch):
            prediction = classifier.prediction(found, row, 0.0, (224, 224))
            explainer.heatmap(prediction, prediction.top.index)

    def many(layer: str) -> None:
        inputs = images[:8]
        explainer.sessions.gradient(inputs, explainer.seed(0, count=len(inputs)), (explainer.layer(layer).tensor,))

    depths = len(explainer.depths(subject, 0))
    eight = len(images[:8])
    cases: dict[str, tuple[Callable[[], object], int]] = {
        f"last stage with its prediction, batch {batch}": (closed, batch),
        "Grad-CAM at layer3, one photo": (lambda: explainer.explain(subject, 0, layer="layer3"), 1),
        "Grad-CAM at layer1, one photo": (lambda: explainer.explain(subject, 0, layer="layer1"), 1),
        f"gradients at layer3, {eight} photos in a run": (lambda: many("layer3"), eight),
        f"all {depths} blocks of one photo": (lambda: explainer.depths(subject, 0), depths),
    }
    for name, (run, maps) in cases.items():  # one after another: few gradient sessions are kept open
        seconds = by_turns({name: repeated(run, times)}, setting.rounds).seconds[name]
        speed = Spread.of([maps * times / s for s in seconds])
        table.rows[name] = [shown(speed)]
        table.numbers[name] = [speed.low, speed.median, speed.high]
    return table
