"""Every method at layers of a small network, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from resnet_desktop.bundle.builders.architectures import Architecture
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.core.errors import LayerError
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.explain.cam import activation_maps as cams
from resnet_desktop.explain.cam.explainer import Explainer, Subject
from resnet_desktop.explain.cam.methods import METHODS
from resnet_desktop.explain.cam.perturbation import SAMPLES
from resnet_desktop.imaging.heat.overlay import scale_map, upsample
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.inference.session import Session
from tests.unit.explain.block_graphs import CLASSES, Net, opened, post_activation

TINY = Architecture("tiny", "bottleneck", (2, 1), (8, 16))
BundleMaker = Callable[..., Bundle]
PhotoMaker = Callable[..., NDArray[np.uint8]]


@pytest.fixture
def explainer(make_bundle: BundleMaker) -> Explainer:
    """Of a tiny network on the CPU."""
    return Explainer(Classifier(make_bundle(TINY), provider="cpu"))


@pytest.fixture
def subject(explainer: Explainer, photo_file: Callable[..., Path]) -> Subject:
    """A picture that the network saw."""
    return explainer.subject(photo_file(width=90, height=70, seed=3))


def _foreign(net: Net, folder: Path, *, batch: int | str = "N") -> tuple[Explainer, Subject]:
    explainer = Explainer(Classifier(opened(folder, net.model(batch=batch)), provider="cpu"))
    pixels = np.random.default_rng(2).integers(0, 256, (16, 16, 3), np.uint8)
    prepared = explainer.classifier.bundle.metadata.transforms.apply(pixels)
    return explainer, Subject(prepared, explainer.classifier.classify_pixels(pixels))


def _plain(explainer: Explainer, subject: Subject, layer: str) -> NDArray[np.float32]:
    """The layer's activations from a session of its own."""
    found = Session(explainer.classifier.bundle, extra_outputs=[layer]).run(subject.input[None])
    return np.asarray(found[layer][0])


def test_a_subject_is_the_photo_as_the_classifier_sees_it(
    explainer: Explainer, photo_file: Callable[..., Path]
) -> None:
    path = photo_file(width=90, height=70, seed=3)
    subject = explainer.subject(path)
    expected = explainer.classifier.classify(path)
    assert np.array_equal(subject.prediction.logits, expected.logits)
    assert subject.prediction.full_size == (90, 70)
    assert subject.input.shape == (3, 64, 64)
    again = explainer.classifier.predict(subject.input[None])
    assert np.array_equal(again.logits[0], expected.logits)


@pytest.mark.parametrize("method", cams.GRADIENT_MAPS)
@pytest.mark.parametrize("layer", ["relu", "layer1.1", "layer2.0"])
def test_gradient_methods_are_their_formula_at_that_layer(
    explainer: Explainer, subject: Subject, method: str, layer: str
) -> None:
    heatmap = explainer.explain(subject, 2, layer=layer, method=method)
    assert heatmap.activations is not None
    assert heatmap.gradient is not None
    np.testing.assert_allclose(heatmap.activations, _plain(explainer, subject, layer), rtol=1e-4, atol=1e-4)
    gradient = explainer.sessions.gradient(subject.input[None], explainer.seed(2), [layer]).gradients[layer][0]
    np.testing.assert_allclose(heatmap.gradient, gradient, rtol=1e-4, atol=1e-5 * np.abs(gradient).max())
    expected = cams.GRADIENT_MAPS[method](heatmap.activations, gradient)
    np.testing.assert_allclose(heatmap.cam, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())
    assert (heatmap.layer, heatmap.method, heatmap.target, heatmap.against) == (layer, method, 2, None)
    assert heatmap.cam.shape == heatmap.activations.shape[1:]
    assert heatmap.seconds > 0


def test_the_gradient_is_the_slope_of_the_logit(explainer: Explainer, subject: Subject) -> None:
    """Where all cells of a channel move together, the logit moves by the sum of the channel's gradient."""
    run = explainer.sessions.gradient(subject.input[None], explainer.seed(1), ["layer2.0"])
    features = explainer.classifier.bundle.features
    assert features is not None
    activations = run.activations["layer2.0"][0].astype(np.float64)
    for channel in range(0, features.channels, 13):
        slopes = []
        for step in (-1.0, 1.0):
            moved = activations.copy()
            moved[channel] += step
            slopes.append(step * (features.fc_weight.astype(np.float64) @ moved.mean(axis=(1, 2)))[1] / 2)
        assert run.gradients["layer2.0"][0, channel].sum() == pytest.approx(sum(slopes), rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("against", [None, 4])
def test_the_last_stage_needs_no_second_graph(explainer: Explainer, subject: Subject, against: int | None) -> None:
    for method in (*cams.GRADIENT_MAPS, "eigencam"):
        heatmap = explainer.explain(subject, 1, method=method, against=against)
        assert heatmap.layer == "layer2.0"
    assert len(explainer.sessions) == 0
    direct, asked = explainer.heatmap(subject.prediction, 1), explainer.explain(subject, 1)
    np.testing.assert_allclose(asked.cam, direct.cam, rtol=1e-5, atol=1e-6 * np.abs(direct.cam).max())
    assert asked.method == direct.method == "gradcam"


def test_a_prediction_without_activations_is_explained_all_the_same(explainer: Explainer, subject: Subject) -> None:
    lean = Explainer(Classifier(explainer.classifier.bundle, provider="cpu", keep_activations=False))
    found = lean.explain(
        Subject(
            subject.input, lean.classifier.prediction(lean.classifier.predict(subject.input[None]), 0, 0.0, (90, 70))
        ),
        1,
    )
    np.testing.assert_allclose(found.cam, explainer.explain(subject, 1).cam, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layer", ["layer1.0", "layer2.0"])
@pytest.mark.parametrize("method", ["gradcam", "hirescam", "xgradcam", "smoothgradcam", "occlusion"])
def test_contrast(explainer: Explainer, subject: Subject, layer: str, method: str) -> None:
    one = explainer.explain(subject, 0, against=3, layer=layer, method=method)
    other = explainer.explain(subject, 3, against=0, layer=layer, method=method)
    scale = np.abs(one.cam).max()
    assert scale > 0
    np.testing.assert_allclose(one.cam, -other.cam, rtol=1e-3, atol=1e-4 * scale)
    assert (one.target, one.against) == (0, 3)
    if method != "occlusion":  # of one class it looks at the probability
        parts = [explainer.explain(subject, target, layer=layer, method=method).cam for target in (0, 3)]
        np.testing.assert_allclose(one.cam, parts[0] - parts[1], rtol=1e-3, atol=1e-3 * np.abs(parts).max())
    same = explainer.explain(subject, 2, against=2, layer=layer, method=method)
    assert same.empty


def test_score_cam_multiplies_the_photo_by_every_channel(explainer: Explainer, subject: Subject) -> None:
    told: list[tuple[int, int]] = []
    found = explainer.explain(
        subject, 3, layer="layer1.0", method="scorecam", progress=lambda done, total: told.append((done, total))
    )
    activations = _plain(explainer, subject, "layer1.0")
    session = Session(explainer.classifier.bundle)
    scores: dict[int, float] = {}
    for k, channel in enumerate(activations):
        mask = scale_map(upsample(channel - channel.min(), (64, 64))).values
        if mask.any():
            scores[k] = float(session.run((mask * subject.input)[None])["logits"][0, 3])
    baseline = float(session.run(np.zeros_like(subject.input)[None])["logits"][0, 3])
    increase = {k: np.exp(score - baseline) for k, score in scores.items()}
    expected = sum(value / sum(increase.values()) * activations[k] for k, value in increase.items())
    np.testing.assert_allclose(found.cam, expected, rtol=2e-3, atol=1e-4)
    assert told[-1] == (len(scores), len(scores))
    assert found.gradient is None
    assert found.activations is not None


def test_smooth_grad_cam_is_the_mean_of_grad_cam(explainer: Explainer, subject: Subject) -> None:
    found = explainer.explain(subject, 1, layer="layer1.1", method="smoothgradcam")
    deviation = 0.15 * (subject.input.max() - subject.input.min())
    noise = np.random.default_rng(0).standard_normal((SAMPLES, *subject.input.shape), np.float32)
    expected = np.zeros(found.cam.shape)
    for one in noise:
        noisy = Subject(subject.input + np.float32(deviation) * one, subject.prediction)
        expected += explainer.explain(noisy, 1, layer="layer1.1").cam / SAMPLES
    np.testing.assert_allclose(found.cam, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    assert found.activations is found.gradient is None


def test_fusion_takes_the_last_layer_of_each_size(explainer: Explainer, subject: Subject) -> None:
    found = explainer.explain(subject, 1, method="fusion")
    maps = [
        explainer.explain(subject, 1, layer=name, method="layercam").cam for name in ("relu", "layer1.1", "layer2.0")
    ]
    assert found.cam.shape == maps[0].shape == (32, 32)
    scaled = [upsample(scale_map(cam).values, (32, 32)) for cam in maps]
    np.testing.assert_allclose(found.cam, np.maximum.reduce(scaled), atol=1e-3)
    assert found.layer == "layer2.0"
    early = explainer.explain(subject, 1, layer="layer1.0", method="fusion")
    np.testing.assert_allclose(
        early.cam,
        np.maximum(
            scale_map(maps[0]).values,
            upsample(
                scale_map(explainer.explain(subject, 1, layer="layer1.0", method="layercam").cam).values, (32, 32)
            ),
        ),
        atol=1e-3,
    )


def test_occlusion_asks_for_the_probability(explainer: Explainer, subject: Subject) -> None:
    found = explainer.explain(subject, 2, method="occlusion")
    assert (found.layer, found.cam.shape, found.activations, found.gradient) == ("input", (14, 14), None, None)
    covered = subject.input.copy()
    edges = np.rint(np.arange(15) * 64 / 14).astype(int)
    covered[:, : edges[3], : edges[3]] = subject.input.mean(axis=(1, 2))[:, None, None]
    raw = explainer.classifier.predict(np.stack([subject.input, covered])).logits
    whole, without = explainer.classifier.probabilities(raw)[:, 2]
    assert found.cam[0, 0] == pytest.approx(whole - without, rel=1e-3, abs=1e-6)  # no other patch covers the corner


@pytest.mark.parametrize("method", ["scorecam", "occlusion", "smoothgradcam"])
def test_methods_of_many_runs_can_be_cancelled(explainer: Explainer, subject: Subject, method: str) -> None:
    done: list[int] = []
    with pytest.raises(CancelledError):
        explainer.explain(
            subject,
            1,
            layer="layer1.0",
            method=method,
            cancelled=lambda: len(done) >= 2,
            progress=lambda count, _: done.append(count),
        )
    assert len(done) == 2
    for name in METHODS:
        with pytest.raises(CancelledError):
            explainer.explain(subject, 1, layer="layer1.0", method=name, cancelled=lambda: True)


@pytest.mark.parametrize("method", ["gradcam", "layercam", "eigencam"])
def test_depths_are_the_maps_of_all_blocks(explainer: Explainer, subject: Subject, method: str) -> None:
    found = explainer.depths(subject, 1, method=method)
    assert [heatmap.layer for heatmap in found] == ["layer1.0", "layer1.1", "layer2.0"]
    assert len(explainer.sessions) == 1
    for heatmap in found:
        alone = explainer.explain(subject, 1, layer=heatmap.layer, method=method)
        np.testing.assert_allclose(heatmap.cam, alone.cam, rtol=1e-3, atol=1e-4 * np.abs(alone.cam).max())
        assert heatmap.method == method


def test_depths_of_a_contrast_and_of_slow_methods(explainer: Explainer, subject: Subject) -> None:
    found = explainer.depths(subject, 0, against=2)
    np.testing.assert_allclose(found[0].cam, -explainer.depths(subject, 2, against=0)[0].cam, rtol=1e-4, atol=1e-7)
    for method in ("scorecam", "occlusion", "smoothgradcam", "fusion", "guesscam"):
        with pytest.raises(LayerError) as caught:
            explainer.depths(subject, 0, method=method)
        assert caught.value.code == "unknown_method"


def test_layers_by_name(explainer: Explainer, tmp_path: Path) -> None:
    assert explainer.layer(None).name == "layer2.0"
    assert explainer.layer("layer1").name == "layer1.1"
    assert explainer.layer("layer1.0").name == "layer1.0"
    for name in ("layer", "layer9", "", "fc"):
        with pytest.raises(LayerError) as caught:
            explainer.layer(name)
        assert caught.value.code == "unknown_layer"
    foreign = Explainer(Classifier(opened(tmp_path, post_activation().model()), provider="cpu"))
    names = [layer.name for layer in foreign.layers if layer.residual]
    assert names == ["stage 1, block 1", "stage 2, block 1", "stage 2, block 2"]
    assert foreign.layer("stage 2").name == "stage 2, block 2"
    assert foreign.layer(foreign.layers[0].tensor) is foreign.layers[0]


@pytest.mark.parametrize(("target", "against"), [(5, None), (-1, None), (0, 5), (0, -1)])
@pytest.mark.parametrize("method", ["gradcam", "eigencam", "occlusion"])
def test_classes_that_are_not_there(
    explainer: Explainer, subject: Subject, target: int, against: int | None, method: str
) -> None:
    with pytest.raises(IndexError):
        explainer.explain(subject, target, method=method, against=against)
    with pytest.raises(IndexError):
        explainer.depths(subject, target, against=against)


def test_a_method_that_is_not_there(explainer: Explainer, subject: Subject) -> None:
    with pytest.raises(LayerError) as caught:
        explainer.explain(subject, 0, method="guesscam")
    assert caught.value.code == "unknown_method"
    assert "gradcam++" in str(caught.value)


def test_probabilities_are_explained_in_front_of_the_softmax(tmp_path: Path) -> None:
    net, peeled = post_activation(), post_activation()
    peeled.nodes[-1].output[0] = "scores"
    peeled.op("Softmax", "scores", output="y", axis=1)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    explainer, subject = _foreign(net, tmp_path / "a")
    other, same = _foreign(peeled, tmp_path / "b")
    assert other.classifier.bundle.metadata.output == "probabilities"
    for layer in ("stage 1, block 1", None):
        expected = explainer.explain(subject, 2, layer=layer, method="hirescam").cam
        found = other.explain(same, 2, layer=layer, method="hirescam").cam
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def test_a_network_that_ends_in_pooled_class_maps_is_explained(tmp_path: Path) -> None:
    flat, cells = Net(), Net()
    for net, name in ((flat, "flat"), (cells, "cells")):
        maps = net.relu(net.conv(net.relu(net.conv("x", 3, 6, stride=2)), 6, CLASSES, kernel=1))
        pooled = net.op("GlobalAveragePool", maps, output="" if net is flat else "y")
        if net is flat:
            net.op("Flatten", pooled, output="y", axis=1)
        else:
            net.answer = (CLASSES, 1, 1)
        (tmp_path / name).mkdir()
    explainer, subject = _foreign(flat, tmp_path / "flat")
    other, same = _foreign(cells, tmp_path / "cells")
    for layer in explainer.layers:
        twin = next(found for found in other.layers if found.name == layer.name)
        expected = explainer.explain(subject, 2, layer=layer.name, method="gradcam").cam
        np.testing.assert_allclose(other.explain(same, 2, layer=twin.name, method="gradcam").cam, expected, rtol=1e-5)


def test_operators_without_a_rule_leave_the_gradient_free_methods(tmp_path: Path) -> None:
    net = Net()
    early = net.relu(net.conv("x", 3, 4))
    bent = net.op("Cosh", net.conv(early, 4, 4))
    net.head(net.relu(net.conv(bent, 4, 4)), 4)
    explainer, subject = _foreign(net, tmp_path)
    first, last = explainer.layers[0], explainer.layers[-1]
    assert explainer.why_no_gradient(first) == "Cosh"
    assert explainer.why_no_gradient(last) is None
    assert explainer.methods(first) == ("eigencam", "scorecam", "occlusion")
    assert explainer.methods(last) == tuple(METHODS)
    assert explainer.methods(None) == ("occlusion",)
    for method, info in METHODS.items():
        if info.needs_gradient:
            with pytest.raises(LayerError, match="Cosh") as caught:
                explainer.explain(subject, 0, layer=first.name, method=method)
            assert caught.value.code == "no_gradient_rule"
        else:
            assert np.isfinite(explainer.explain(subject, 0, layer=first.name, method=method).cam).all()
    assert [heatmap.layer for heatmap in explainer.depths(subject, 0)] == [last.name]
    assert len(explainer.depths(subject, 0, method="eigencam")) == len(explainer.layers)
    assert explainer.explain(subject, 0, method="fusion").cam.shape == (16, 16)


def test_a_network_without_places_can_still_be_covered(tmp_path: Path) -> None:
    net = Net()
    net.op("Gemm", net.op("Flatten", "x"), net.random(6, 3 * 16 * 16), net.random(6), output="y", transB=1)
    explainer, subject = _foreign(net, tmp_path)
    assert explainer.layers == ()
    found = explainer.explain(subject, 0, method="occlusion", against=1)
    assert np.abs(found.cam).max() > 0
    for call in (explainer.explain, explainer.depths):
        with pytest.raises(LayerError) as caught:
            call(subject, 0)
        assert caught.value.code == "unknown_layer"


@pytest.mark.parametrize("method", METHODS)
def test_a_graph_that_fixes_its_batch_at_one(tmp_path: Path, method: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    fixed, subject = _foreign(post_activation(), tmp_path / "a", batch=1)
    free, same = _foreign(post_activation(), tmp_path / "b")
    name = fixed.layers[2].name
    found = fixed.explain(subject, 1, layer=name, method=method).cam
    expected = free.explain(same, 1, layer=name, method=method).cam
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
