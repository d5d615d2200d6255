"""Heatmaps at every stage, the lesion test, the depth slider and Score-CAM, against the plain fused graph."""

from __future__ import annotations

import importlib.util
import resource
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.builders.resnet import stored_arrays
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.explain.autodiff.gradient_sessions import gradient_graph
from resnet_desktop.explain.cam.explainer import Explainer, Subject
from resnet_desktop.explain.residual.analysis import BlockAnalyzer
from resnet_desktop.explain.residual.lesion import LesionTest
from resnet_desktop.inference.classifier import Classifier
from tests.benchmarks.classify import bare_session, ready
from tests.benchmarks.material import CLASSES, Arrays
from tests.benchmarks.measure import Spread, by_turns
from tests.benchmarks.report import Row, Section

PLAIN = "plain forward, bare session.run"
STAGES = {"layer4.2": "<= 1.05", "layer3.5": "<= 1.35", "layer2.3": "<= 1.65", "layer1.2": "<= 1.8"}
TARGET = 17
BLOCKS = 16


def _subject(bundle: Bundle) -> tuple[Explainer, Subject]:
    explainer = Explainer(Classifier(bundle, provider="cpu"))
    picture = ready(bundle, 1)
    raw = explainer.classifier.predict(picture)
    prediction = explainer.classifier.prediction(raw, 0, 0.0, (224, 224))
    return explainer, Subject(picture[0], prediction)


def stages(bundle: Bundle, rounds: int) -> Section:
    """Prediction and heatmap in one run, for the last block of every stage."""
    bare, picture = bare_session(bundle), ready(bundle, 1)
    each = {layer: _subject(bundle) for layer in STAGES}  # one for each, so that every session stays open

    def heatmap(layer: str) -> None:
        _ours(*each[layer], layer)

    cases: dict[str, Callable[[], object]] = {PLAIN: lambda: bare.run(None, {"input": picture})}
    cases |= {f"prediction and Grad-CAM at {layer}": partial(heatmap, layer) for layer in STAGES}
    timings = by_turns(cases, rounds)
    goals = {f"prediction and Grad-CAM at {layer}": goal for layer, goal in STAGES.items()}
    rows = [
        Row(
            c,
            timings.spread(c, 1e3),
            "ms",
            ratio=None if c == PLAIN else timings.ratio(c, PLAIN),
            goal=goals.get(c, ""),
        )
        for c in cases
    ]
    rows += _building(bundle)
    return Section("Heatmaps (ResNet-50, 224 x 224, batch 1, CPU)", PLAIN, rows)


def _building(bundle: Bundle) -> list[Row]:
    rows = []
    for layer in ("layer3.5", "layer1.0"):
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            gradient_graph(bundle, (layer,))
            seconds.append(time.perf_counter() - start)
        rows.append(Row(f"building the second graph, {layer}", Spread.of(seconds), "s", digits=2, goal="< 0.5"))
    return rows


def against_torch(bundle: Bundle, arrays: Arrays, rounds: int) -> Section:
    """PyTorch's gradient to the same layer, and its backward pass to all weights, over ours."""
    if not importlib.util.find_spec("torch"):
        return Section("Heatmaps in PyTorch", note="not installed here: PyTorch")
    explainer, subject = _subject(bundle)
    torch_cases = _torch(arrays, subject.input[None])
    rows = []
    for layer in STAGES:
        ours = f"ours, {layer}"
        cases: dict[str, Callable[[], object]] = {ours: partial(_ours, explainer, subject, layer)}
        cases |= {f"{name}, {layer}": run for name, run in torch_cases(layer).items()}
        timings = by_turns(cases, max(5, rounds // 3))
        rows.append(Row(ours, timings.spread(ours, 1e3), "ms"))
        for kind, goal in (("autograd.grad to the layer", ">= 1.5"), ("full backward", ">= 3")):
            both = [case for case in cases if kind in case]
            best = min(both, key=lambda case: timings.spread(case).median)
            rows.append(Row(best, timings.spread(best, 1e3), "ms", ratio=timings.ratio(best, ours), goal=goal))
    return Section("Heatmaps in PyTorch (the faster layout of the two)", "ours", rows)


def _ours(explainer: Explainer, subject: Subject, layer: str) -> None:
    if layer == "layer4.2":
        raw = explainer.classifier.predict(subject.input[None])
        explainer.heatmap(explainer.classifier.prediction(raw, 0, 0.0, (224, 224)), TARGET)
    else:
        explainer.explain(subject, TARGET, layer=layer)


def _torch(arrays: Arrays, picture: np.ndarray) -> Callable[[str], dict[str, Callable[[], object]]]:
    import torch

    from resnet_desktop.trainer.network.resnet import ResNet

    state = {name: torch.from_numpy(array) for name, array in stored_arrays(arrays, "float16").items()}
    layouts = {"channels-first": torch.contiguous_format, "channels-last": torch.channels_last}

    def cases(layer: str) -> dict[str, Callable[[], object]]:
        found: dict[str, Callable[[], object]] = {}
        for name, layout in layouts.items():
            network = ResNet(ARCHITECTURES["resnet50"], CLASSES).eval()
            network.load_state_dict(state, strict=False)
            network.to(memory_format=layout)  # type: ignore[call-overload]
            x = torch.from_numpy(picture).contiguous(memory_format=layout)
            kept: list[torch.Tensor] = []
            network.get_submodule(layer).register_forward_hook(lambda _m, _i, out, kept=kept: kept.append(out))

            def grad(network: ResNet = network, x: torch.Tensor = x, kept: list[torch.Tensor] = kept) -> object:
                kept.clear()
                logit = network(x)[0, TARGET]
                return torch.autograd.grad(logit, kept[0])

            def full(network: ResNet = network, x: torch.Tensor = x, kept: list[torch.Tensor] = kept) -> object:
                kept.clear()
                network.zero_grad(set_to_none=True)
                return network(x)[0, TARGET].backward()

            found[f"PyTorch, {name}, autograd.grad to the layer"] = grad
            found[f"PyTorch, {name}, full backward"] = full
        return found

    return cases


def blocks(bundle: Bundle, rounds: int) -> Section:
    """The lesion test of all blocks in one run, against a whole run for each."""
    explainer, subject = _subject(bundle)
    bare, picture = bare_session(bundle), ready(bundle, 1)
    analyzer = BlockAnalyzer(explainer)
    test = LesionTest(explainer.classifier, analyzer.blocks)
    whole = f"{BLOCKS} whole runs"

    def runs() -> None:
        for _ in range(BLOCKS):
            bare.run(None, {"input": picture})

    lesions, everything = f"lesion test of {BLOCKS} blocks", "all of the block chart"
    timings = by_turns(
        {
            whole: runs,
            lesions: lambda: test.logits(subject.input),
            everything: lambda: analyzer.analyse(subject, TARGET),
        },
        max(5, rounds // 3),
    )
    rows = [Row(whole, timings.spread(whole, 1e3), "ms")]
    rows.append(Row(lesions, timings.spread(lesions, 1e3), "ms", ratio=timings.ratio(lesions, whole), goal="<= 0.7"))
    rows.append(Row(everything, timings.spread(everything, 1e3), "ms", ratio=timings.ratio(everything, whole)))
    return Section("Residual blocks (ResNet-50, 224 x 224, CPU)", whole, rows)


def depths(bundle: Bundle, rounds: int) -> Section:
    """What moving the depth slider costs: a map with its session ready, and all depths in one run."""
    explainer, subject = _subject(bundle)
    each = {layer: _subject(bundle) for layer in ("layer3.5", "layer2.3", "layer1.2")}
    cases: dict[str, Callable[[], object]] = {
        f"a map at {layer}, its session ready": partial(each[layer][0].explain, each[layer][1], TARGET, layer=layer)
        for layer in each
    }
    cases["the maps of all blocks, one run"] = lambda: explainer.depths(subject, TARGET)
    timings = by_turns(cases, max(5, rounds // 3))
    rows = [Row(c, timings.spread(c, 1e3), "ms", goal="<= 150" if "ready" in c else "") for c in cases]
    return Section("Depth slider (ResNet-50, 224 x 224, CPU)", rows=rows)


def score_cam(bundle: Bundle) -> Section:
    """Score-CAM over the 2,048 channels of the last stage: how long, how much memory, how soon it can be stopped."""
    explainer, subject = _subject(bundle)
    explainer.explain(subject, TARGET, method="gradcam")
    before = _peak_mb()
    told: list[float] = []
    start = time.perf_counter()
    explainer.explain(subject, TARGET, method="scorecam", progress=lambda _d, _t: told.append(time.perf_counter()))
    whole = time.perf_counter() - start
    grown = _peak_mb() - before
    asked = time.perf_counter() + 2.0
    try:
        explainer.explain(subject, TARGET, method="scorecam", cancelled=lambda: time.perf_counter() > asked)
    except CancelledError:
        stopped = time.perf_counter() - asked
    else:
        raise AssertionError("it was not stopped")
    gaps = np.diff([start, *told])
    rows = [
        Row("Score-CAM, 2,048 channels", Spread.of([whole]), "s"),
        Row("longest time between two words of progress", Spread.of([float(gaps.max())]), "s", digits=2),
        Row("from cancel to the end", Spread.of([stopped]), "s", digits=2, goal="< 0.5"),
        Row("memory at its peak, more than before", Spread.of([grown]), "MB", digits=0, goal="bounded"),
    ]
    return Section("Score-CAM (ResNet-50, 224 x 224, CPU)", rows=rows)


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
