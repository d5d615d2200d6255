"""The heatmap of the last stage, from the same run as the prediction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from resnet_desktop.bundle.builders.architectures import Architecture
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.core.errors import LayerError
from resnet_desktop.explain.cam.activation_maps import closed_form, closed_form_weights
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.inference.classifier import Classifier

TINY = Architecture("tiny", "bottleneck", (2, 1), (8, 16))
BundleMaker = Callable[..., Bundle]
PhotoMaker = Callable[..., NDArray[np.uint8]]


def one_hot(target: int, classes: int = 5) -> NDArray[np.float32]:
    """The gradient of one class's logit with respect to all logits."""
    seed = np.zeros(classes, np.float32)
    seed[target] = 1.0
    return seed


@pytest.fixture
def classifier(make_bundle: BundleMaker) -> Classifier:
    """A tiny network, ready on the CPU."""
    return Classifier(make_bundle(TINY), provider="cpu")


def test_the_map_is_the_definition_written_out(classifier: Classifier, photo: PhotoMaker) -> None:
    prediction = classifier.classify_pixels(photo())
    features = classifier.bundle.features
    assert features is not None
    assert prediction.activations is not None
    for target in range(classifier.bundle.classes):
        expected = np.zeros((features.height, features.width))
        for channel in range(features.channels):
            alpha = float(features.fc_weight[target, channel]) / (features.height * features.width)
            expected += alpha * prediction.activations[channel].astype(np.float64)
        found = closed_form(features, prediction.activations, one_hot(target))
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_map_adds_up_to_its_logit(classifier: Classifier, photo: PhotoMaker) -> None:
    prediction = classifier.classify_pixels(photo(90, 70, 3))
    features = classifier.bundle.features
    assert features is not None
    for target, logit in enumerate(prediction.logits):
        heatmap = Explainer(classifier).heatmap(prediction, target)
        assert heatmap.cam.sum() + features.fc_bias[target] == pytest.approx(logit, rel=1e-4, abs=1e-4)
        assert heatmap.target == target
        assert heatmap.method == "gradcam"
        assert heatmap.layer == features.layer == "layer2.0"
        assert heatmap.gradient is not None
        assert heatmap.activations is not None
        assert heatmap.gradient.shape == heatmap.activations.shape == (64, *heatmap.cam.shape)
        weighted = (heatmap.gradient.mean(axis=(1, 2))[:, None, None] * heatmap.activations).sum(axis=0)
        np.testing.assert_allclose(heatmap.cam, weighted, rtol=1e-4, atol=1e-5)
        assert heatmap.empty == (heatmap.cam.max() <= 0)


def test_a_class_with_nothing_but_counter_evidence_has_an_empty_map(
    make_bundle: BundleMaker, photo: PhotoMaker
) -> None:
    bundle = make_bundle(TINY)
    classifier = Classifier(bundle, provider="cpu")
    prediction = classifier.classify_pixels(photo())
    assert bundle.features is not None
    assert prediction.activations is not None
    # the activations come out of a ReLU: against weights that are all negative no cell can be positive
    negative = replace(bundle.features, fc_weight=-np.abs(bundle.features.fc_weight))
    assert closed_form(negative, prediction.activations, one_hot(0)).max() <= 0


@pytest.mark.parametrize("target", [-1, 5, 1000])
def test_a_class_that_is_not_there(classifier: Classifier, photo: PhotoMaker, target: int) -> None:
    with pytest.raises(IndexError):
        Explainer(classifier).heatmap(classifier.classify_pixels(photo()), target)


def test_activations_of_another_network(classifier: Classifier) -> None:
    features = classifier.bundle.features
    assert features is not None
    with pytest.raises(ValueError, match=r"the activations of layer2\.0"):
        closed_form(features, np.zeros((3, 4, 4), np.float32), one_hot(0))
    assert closed_form_weights(features, one_hot(0)).shape == (features.channels,)


def test_a_head_with_hidden_layers_has_no_closed_form(make_bundle: BundleMaker, photo: PhotoMaker) -> None:
    classifier = Classifier(make_bundle(TINY, hidden=(9,)), provider="cpu")
    with pytest.raises(LayerError) as caught:
        Explainer(classifier).heatmap(classifier.classify_pixels(photo()), 0)
    assert caught.value.code == "no_closed_form"


def test_a_prediction_without_activations_has_no_heatmap(classifier: Classifier, photo: PhotoMaker) -> None:
    lean = Classifier(classifier.bundle, provider="cpu", keep_activations=False)
    with pytest.raises(LayerError) as caught:
        Explainer(lean).heatmap(lean.classify_pixels(photo()), 0)
    assert caught.value.code == "no_closed_form"
