"""A group of classes as the target of a heatmap: exact, at every depth and by every way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from resnet_desktop.bundle.builders.architectures import Architecture
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.explain.cam import target as targets
from resnet_desktop.explain.cam.explainer import Explainer, Subject
from resnet_desktop.explain.checks.heatmap_checks import check_heatmap
from resnet_desktop.explain.residual.analysis import BlockAnalyzer
from resnet_desktop.inference.classifier import Classifier

TINY = Architecture("tiny", "bottleneck", (2, 1), (8, 16))
BundleMaker = Callable[..., Bundle]
PhotoMaker = Callable[..., NDArray[np.uint8]]
GROUP = (0, 2, 3)


@pytest.fixture
def explainer(make_bundle: BundleMaker) -> Explainer:
    return Explainer(Classifier(make_bundle(TINY), provider="cpu"))


@pytest.fixture
def subject(explainer: Explainer, photo: PhotoMaker) -> Subject:
    classifier = explainer.classifier
    batch = classifier.new_batch(1)
    classifier.bundle.metadata.transforms.apply(photo(90, 70, 3), "crop", out=batch[0])
    raw = classifier.predict(batch)
    return Subject(batch[0], classifier.prediction(raw, 0, 0.0, (90, 70)))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_gradient_is_that_of_the_score(temperature: float) -> None:
    logits = np.random.default_rng(0).normal(0, 3, (4, 7)).astype(np.float32)
    found = targets.gradient(logits, GROUP, 5, temperature)
    step = 2.0**-7

    def lead(moved: NDArray[np.float32]) -> NDArray[np.float64]:
        own, other = (targets.score(moved, target, temperature) for target in (GROUP, 5))
        return own - other

    for i in range(7):
        up, down = logits.copy(), logits.copy()
        up[:, i] += step
        down[:, i] -= step
        np.testing.assert_allclose(found[:, i], (lead(up) - lead(down)) / (up - down)[:, i], atol=2e-4)


def test_the_score_of_one_class_is_its_logit_and_a_groups_probability_is_the_sum() -> None:
    logits = np.array([[400.0, -400.0, 3.0, 399.0]], np.float32)
    assert targets.score(logits, 2, 2.0) == pytest.approx(3.0)
    assert targets.score(logits, (2,), 2.0) == pytest.approx(3.0)
    assert np.isfinite(targets.score(logits, (0, 1), 0.01)).all()
    probabilities = np.array([0.5, 0.25, 0.125, 0.125])
    assert targets.probability(probabilities, (1, 3)) == pytest.approx(0.375)


@pytest.mark.parametrize("target", [(), (0, 5), (-1,), 9])
def test_what_is_no_group(explainer: Explainer, subject: Subject, target: targets.Target) -> None:
    with pytest.raises(IndexError):
        explainer.explain(subject, target)
    with pytest.raises(IndexError):
        explainer.heatmap(subject.prediction, target)


def test_the_closed_form_and_the_gradient_graph_agree(explainer: Explainer, subject: Subject) -> None:
    assert explainer.classifier.bundle.features is not None
    closed = explainer.heatmap(subject.prediction, GROUP)
    assert closed.target == GROUP
    name = explainer.classifier.bundle.features.name
    run = explainer.sessions.gradient(
        subject.input[None], explainer.seed_at(subject.prediction.logits[None], GROUP), (name,)
    )
    weights = run.gradients[name][0].mean(axis=(1, 2))
    expected = (weights[:, None, None] * run.activations[name][0]).sum(axis=0)
    np.testing.assert_allclose(closed.cam, expected, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_allclose(closed.cam, explainer.explain(subject, GROUP).cam, rtol=1e-5, atol=1e-7)


def test_the_map_is_the_mean_of_its_classes_weighted_by_their_probabilities(
    explainer: Explainer, subject: Subject
) -> None:
    shares = subject.prediction.probabilities[list(GROUP)].astype(np.float64)
    shares /= shares.sum()
    for layer in ("layer1.0", "layer2.0"):
        parts = [explainer.explain(subject, i, layer=layer).cam for i in GROUP]
        expected = sum(share * part for share, part in zip(shares, parts, strict=True))
        found = explainer.explain(subject, GROUP, layer=layer).cam
        np.testing.assert_allclose(found, expected, atol=2e-4 * np.abs(found).max())


@pytest.mark.parametrize("method", ["gradcam", "layercam", "smoothgradcam", "scorecam", "occlusion", "fusion"])
def test_a_group_of_one_class_is_that_class(explainer: Explainer, subject: Subject, method: str) -> None:
    one = explainer.explain(subject, 1, method=method).cam
    group = explainer.explain(subject, (1,), method=method).cam
    np.testing.assert_allclose(group, one, atol=1e-4 * max(float(np.abs(one).max()), 1e-6))


def test_all_classes_together_have_no_evidence_left_to_find(explainer: Explainer, subject: Subject) -> None:
    """Their probability is 1 whatever the photo shows: hiding parts of it changes nothing."""
    everything = tuple(range(explainer.classifier.bundle.classes))
    assert np.abs(explainer.explain(subject, everything, method="occlusion").cam).max() < 1e-5


def test_a_contrast_of_groups_is_the_difference(explainer: Explainer, subject: Subject) -> None:
    one, other = (explainer.explain(subject, group, layer="layer1.0").cam for group in (GROUP, (1, 4)))
    both = explainer.explain(subject, GROUP, against=(1, 4), layer="layer1.0").cam
    np.testing.assert_allclose(both, one - other, atol=2e-4 * np.abs(one - other).max())


def test_blocks_checks_and_depths_know_groups(explainer: Explainer, subject: Subject) -> None:
    probability = float(subject.prediction.probabilities[list(GROUP)].sum())
    found = BlockAnalyzer(explainer).analyse(subject, GROUP)
    assert found.probability == pytest.approx(probability, abs=1e-6)
    assert found.label == " or ".join(explainer.classifier.bundle.metadata.categories[i] for i in GROUP)
    assert len(explainer.depths(subject, GROUP)) == 3
    check = check_heatmap(explainer, subject, explainer.explain(subject, GROUP))
    assert check.probability == pytest.approx(probability, abs=1e-5)
