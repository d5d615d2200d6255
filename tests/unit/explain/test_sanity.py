"""Scrambled weights, and what becomes of maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES, Architecture
from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.explain.cam.explainer import Explainer, Subject
from resnet_desktop.explain.checks.randomize import scramble, weight_groups
from resnet_desktop.explain.checks.sanity import SAME_MAP, SanityReport, SanityStep, compared, sanity, scrambled
from resnet_desktop.inference.classifier import Classifier

TINY = Architecture("tiny", "bottleneck", (2, 1), (8, 16))
REPOSITORY = Path(__file__).resolve().parents[3]
BundleMaker = Callable[..., Bundle]
PhotoMaker = Callable[..., NDArray[np.uint8]]


def explained(bundle: Bundle, pixels: NDArray[np.uint8]) -> tuple[Explainer, Subject]:
    """A network and what it saw of a picture."""
    explainer = Explainer(Classifier(bundle, provider="cpu"))
    batch = explainer.classifier.new_batch(1)
    bundle.metadata.transforms.apply(pixels, out=batch[0])
    raw = explainer.classifier.predict(batch)
    prediction = explainer.classifier.prediction(raw, 0, 0.0, (pixels.shape[1], pixels.shape[0]))
    return explainer, Subject(batch[0], prediction)


def weights(model: onnx.ModelProto) -> dict[str, NDArray[np.float32]]:
    return {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}


def test_the_groups_of_a_network_with_our_names(make_bundle: BundleMaker) -> None:
    bundle = make_bundle(TINY)
    groups = weight_groups(bundle.view, bundle.output_name)
    assert [group.name for group in groups] == ["fc", "layer2", "layer1", "stem"]
    assert [group.signs for group in groups] == [True, False, False, False]
    found = [name for group in groups for name, _ in group.weights]
    layers = {name for name, tensor in bundle.view.initializers.items() if len(tensor.shape or ()) > 1}
    assert sorted(found) == sorted(layers)


def test_a_hidden_head_goes_first(make_bundle: BundleMaker) -> None:
    bundle = make_bundle(TINY, hidden=(9,))
    head, *_ = weight_groups(bundle.view, bundle.output_name)
    assert (head.name, head.signs) == ("head", True)
    assert [name for name, _ in head.weights] == ["head.1.weight", "head.0.weight"]


def test_shuffling_keeps_every_filter_at_its_scale(make_bundle: BundleMaker) -> None:
    bundle = make_bundle(TINY)
    model = onnx.load_from_string(bundles.whole_file(bundle))
    before = weights(model)
    fc, *stages = weight_groups(bundle.view, bundle.output_name)
    scramble(model, stages[0], seed=3)
    after = weights(model)
    for name, old in before.items():
        new = after[name]
        if name in dict(stages[0].weights):
            rows = [a.reshape(len(a), -1) for a in (old, new)]
            np.testing.assert_array_equal(np.sort(rows[0], axis=1), np.sort(rows[1], axis=1))
            assert not np.array_equal(old, new), name
        else:
            np.testing.assert_array_equal(old, new)
    scramble(model, fc, seed=3)
    new = weights(model)["fc.weight"]
    np.testing.assert_array_equal(np.sort(np.abs(new), axis=1), np.sort(np.abs(before["fc.weight"]), axis=1))
    assert 0.4 < (new > 0).mean() < 0.6


def test_the_same_seed_scrambles_alike(make_bundle: BundleMaker) -> None:
    bundle = make_bundle(TINY)
    found = []
    for seed in (1, 1, 2):
        model = onnx.load_from_string(bundles.whole_file(bundle))
        for group in weight_groups(bundle.view, bundle.output_name):
            scramble(model, group, seed)
        found.append(weights(model)["layer1.0.conv2.weight"])
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def foreign_model() -> onnx.ModelProto:
    """Convolutions of int8, float and from a Constant node, at two resolutions; a MatMul makes the logits."""
    rng = np.random.default_rng(0)
    tensors: dict[str, NDArray[Any]] = {
        "a": rng.integers(-128, 128, (4, 3, 3, 3)).astype(np.int8),
        "scale": np.full(4, 0.01, np.float32),
        "b": rng.normal(size=(4, 4, 3, 3)).astype(np.float16),
        "w": rng.integers(-128, 128, (4, 5)).astype(np.int8),
        "w.scale": np.array(0.01, np.float32),
    }
    constant = numpy_helper.from_array(rng.normal(size=(4, 4, 3, 3)).astype(np.float32))
    node = helper.make_node
    nodes = [
        node("DequantizeLinear", ["a", "scale"], ["a.f"], axis=0),
        node("Conv", ["x", "a.f"], ["one"], pads=[1, 1, 1, 1]),
        node("Constant", [], ["c"], value=constant),
        node("Conv", ["one", "c"], ["two"], pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Cast", ["b"], ["b.f"], to=TensorProto.FLOAT),
        node("Conv", ["two", "b.f"], ["three"], pads=[1, 1, 1, 1]),
        node("GlobalAveragePool", ["three"], ["pool"]),
        node("Flatten", ["pool"], ["flat"]),
        node("DequantizeLinear", ["w", "w.scale"], ["w.f"]),
        node("MatMul", ["flat", "w.f"], ["y"]),
    ]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 8])
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 5])
    initializers = [numpy_helper.from_array(array, name) for name, array in tensors.items()]
    graph = helper.make_graph(nodes, "foreign", [given], [made], initializers)
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 17)])


def test_a_foreign_graph_is_cut_by_resolution_and_keeps_its_types(tmp_path: Path) -> None:
    model = foreign_model()
    path = tmp_path / "foreign.onnx"
    path.write_bytes(model.SerializeToString())
    bundle = bundles.read(path)
    groups = weight_groups(bundle.view, bundle.output_name)
    assert [(group.name, [name for name, _ in group.weights]) for group in groups] == [
        ("head", ["w"]),
        ("stage 2", ["b", "c"]),
        ("stage 1", ["a"]),
    ]
    before = weights(model)
    old = numpy_helper.to_array(model.graph.node[2].attribute[0].t)
    for group in groups:
        scramble(model, group, seed=0)
    after = weights(model)
    new = numpy_helper.to_array(model.graph.node[2].attribute[0].t)
    for one, two in ((before["a"], after["a"]), (before["b"], after["b"]), (old, new)):
        assert one.dtype == two.dtype
        assert not np.array_equal(one, two)
        np.testing.assert_array_equal(np.sort(one.reshape(4, -1), axis=1), np.sort(two.reshape(4, -1), axis=1))
    # The columns of a MatMul's weight are the classes; -128 has no counterpart among int8 and becomes 127.
    columns = [np.sort(np.minimum(np.abs(values.astype(int)), 127), axis=0) for values in (before["w"], after["w"])]
    np.testing.assert_array_equal(columns[0], columns[1])
    (_, network), *_ = scrambled(Classifier(bundle, provider="cpu"), groups)
    logits = network.classifier.predict(np.ones((1, 3, 8, 8), np.float32)).logits
    assert logits.shape == (1, 5)


@pytest.mark.parametrize("name", ["plain18", "resnet56-cifar"])
def test_activations_stay_finite_and_at_their_scale(name: str, make_bundle: BundleMaker, photo: PhotoMaker) -> None:
    bundle = make_bundle(ARCHITECTURES[name])
    explainer, subject = explained(bundle, photo(80, 70, 1))
    groups = weight_groups(bundle.view, bundle.output_name)
    scale = float(np.abs(subject.prediction.logits).max())
    for _, network in scrambled(explainer.classifier, groups, seed=1):
        logits = network.classifier.predict(subject.input[None]).logits
        assert np.isfinite(logits).all()
        assert np.abs(logits).max() < 100 * max(scale, 1.0)


def test_a_map_by_gradients_notices_and_a_map_without_class_is_told(
    make_bundle: BundleMaker, photo: PhotoMaker
) -> None:
    explainer, subject = explained(make_bundle(TINY), photo(90, 70, 3))
    told: list[tuple[int, int]] = []
    gradcam = explainer.explain(subject, 1, layer="layer1.1", method="gradcam")
    report = sanity(explainer, subject, gradcam, progress=lambda done, total: told.append((done, total)))
    assert [step.name for step in report.steps] == ["fc", "layer2", "layer1", "stem"]
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert report.about_the_class
    assert report.steps[-1].cam.shape == gradcam.cam.shape
    eigen = sanity(explainer, subject, explainer.explain(subject, 1, layer="layer1.1", method="eigencam"))
    assert not eigen.about_the_class
    # Scrambling above the layer leaves what it shows as it is; scrambling the layer itself does not.
    assert [step.rank_correlation > 0.999 for step in eigen.steps] == [True, True, False, False]
    assert report.rank_correlation < eigen.rank_correlation


def test_the_closed_form_uses_the_weights_of_the_scrambled_network(make_bundle: BundleMaker, photo: PhotoMaker) -> None:
    explainer, subject = explained(make_bundle(TINY), photo(90, 70, 4))
    heatmap = explainer.explain(subject, 2)
    report = sanity(explainer, subject, heatmap)
    assert not np.allclose(report.steps[0].cam, heatmap.cam)
    name, network = next(scrambled(explainer.classifier, weight_groups(explainer.classifier.bundle.view, "logits")))
    assert name == "fc"
    raw = network.classifier.predict(subject.input[None])
    again = network.heatmap(network.classifier.prediction(raw, 0, 0.0, (90, 70)), 2)
    np.testing.assert_allclose(again.cam, report.steps[0].cam, rtol=1e-4, atol=1e-6)


def test_a_map_that_never_changes_is_not_about_the_model(make_bundle: BundleMaker, photo: PhotoMaker) -> None:
    explainer, subject = explained(make_bundle(TINY), photo())
    heatmap = explainer.explain(subject, 0)
    place = np.linspace(-1, 1, 16, dtype=np.float32)
    blob = np.exp(-(place[:, None] ** 2) - place**2)
    grey = subject.input.mean(axis=0)
    edges = np.hypot(*np.gradient(grey)).astype(np.float32)
    for stubborn in (blob, edges):
        fixed = replace(heatmap, cam=stubborn)
        report = SanityReport(tuple(compared(name, fixed, stubborn) for name in ("fc", "layer1", "stem")))
        assert not report.about_the_model
        assert not report.about_the_class
        assert report.ssim == pytest.approx(1.0)
    others = [np.random.default_rng(seed).normal(size=(16, 16)).astype(np.float32) for seed in range(4)]
    report = SanityReport(tuple(compared("fc", replace(heatmap, cam=others[0]), other) for other in others[1:]))
    assert report.about_the_model
    assert report.about_the_class


def test_the_thresholds_stand_where_they_are_said_to() -> None:
    cam = np.zeros((4, 4), np.float32)

    def report(*correlations: float) -> SanityReport:
        return SanityReport(tuple(SanityStep("fc", 0.99, correlation, cam) for correlation in correlations))

    assert not report(SAME_MAP, SAME_MAP).about_the_model
    assert report(SAME_MAP - 0.01, SAME_MAP).about_the_model
    assert report(0.97, 1.0).about_the_class
    assert not report(0.99, -1.0).about_the_class
    assert SanityReport(()).about_the_model
    written = report(0.25, 0.75).as_dict()
    assert written["rank_correlation"] == 0.5
    assert written["steps"] == [
        {"scrambled": "fc", "ssim": 0.99, "rank_correlation": 0.25},
        {"scrambled": "fc", "ssim": 0.99, "rank_correlation": 0.75},
    ]


def test_costly_methods_take_two_steps(make_bundle: BundleMaker, photo: PhotoMaker) -> None:
    explainer, subject = explained(make_bundle(TINY), photo())
    report = sanity(explainer, subject, explainer.explain(subject, 0, layer="layer1.1", method="scorecam"))
    assert [step.name for step in report.steps] == ["fc", "all"]


def test_every_step_can_be_cancelled(make_bundle: BundleMaker, photo: PhotoMaker) -> None:
    explainer, subject = explained(make_bundle(TINY), photo())
    heatmap = explainer.explain(subject, 0)
    done: list[int] = []
    with pytest.raises(CancelledError):
        sanity(explainer, subject, heatmap, cancelled=lambda: len(done) >= 2, progress=lambda i, _: done.append(i))
    assert done == [1, 2]


def test_a_network_that_overflows_ends_the_cascade(make_bundle: BundleMaker, photo: PhotoMaker) -> None:
    bundle = make_bundle(TINY)
    explainer, subject = explained(bundle, photo())
    heatmap = explainer.explain(subject, 0)
    broken = replace(subject, input=np.full_like(subject.input, np.nan))
    assert sanity(explainer, broken, heatmap).steps == ()


def test_the_bundled_model_on_a_sample_photo() -> None:
    """A trained network: Grad-CAM depends on what it learnt, EigenCAM does not ask about the class."""
    bundle = bundles.read(REPOSITORY / "models" / "resnet50-everyday40.onnx")
    explainer = Explainer(Classifier(bundle, provider="cpu"))
    subject = explainer.subject(sorted((REPOSITORY / "assets" / "samples").glob("*.jpg"))[0])
    target = subject.prediction.top.index
    report = sanity(explainer, subject, explainer.explain(subject, target))
    assert [step.name for step in report.steps] == ["fc", "layer4", "layer3", "layer2", "layer1", "stem"]
    assert report.about_the_model
    assert report.about_the_class
