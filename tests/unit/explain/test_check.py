"""All tests of a heatmap at once, and what is said of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from resnet_desktop.bundle.builders.architectures import Architecture
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.explain.cam.explainer import Explainer, Subject
from resnet_desktop.explain.checks.faithfulness import Curves, scorer, without_hottest
from resnet_desktop.explain.checks.heatmap_checks import HeatmapCheck, check_heatmap
from resnet_desktop.explain.checks.sanity import SanityReport, SanityStep
from resnet_desktop.inference.classifier import Classifier

TINY = Architecture("tiny", "bottleneck", (2, 1), (8, 16))
Asked = tuple[Explainer, Subject]


@pytest.fixture
def asked(make_bundle: Callable[..., Bundle], photo: Callable[..., NDArray[np.uint8]]) -> Asked:
    """A tiny network and what it saw of a picture."""
    explainer = Explainer(Classifier(make_bundle(TINY), provider="cpu"))
    pixels = photo(90, 70, 3)
    batch = explainer.classifier.new_batch(1)
    explainer.classifier.bundle.metadata.transforms.apply(pixels, out=batch[0])
    raw = explainer.classifier.predict(batch)
    return explainer, Subject(batch[0], explainer.classifier.prediction(raw, 0, 0.0, (90, 70)))


@pytest.fixture
def check(asked: Asked) -> HeatmapCheck:
    """The tests of its best class's map."""
    explainer, subject = asked
    return check_heatmap(explainer, subject, explainer.explain(subject, subject.prediction.top.index))


def areas(check: HeatmapCheck, deletion: float, insertion: float, random: float = 0.4) -> HeatmapCheck:
    """The same with other areas."""

    def other(found: Curves) -> Curves:
        return replace(found, deletion_area=deletion, insertion_area=insertion, random_area=random)

    return replace(check, probability=0.8, blur=other(check.blur), mean=other(check.mean))


def correlations(check: HeatmapCheck, *values: float) -> HeatmapCheck:
    """The same with other similarities to the maps of scrambled networks."""
    cam = np.zeros((4, 4), np.float32)
    return replace(check, sanity=SanityReport(tuple(SanityStep("fc", value, value, cam) for value in values)))


def test_the_curves_start_from_the_prediction_and_all_is_json(asked: Asked, check: HeatmapCheck) -> None:
    _, subject = asked
    probability = subject.prediction.top.probability
    assert check.probability == pytest.approx(probability, abs=1e-5)
    for curves in (check.blur, check.mean):
        assert curves.deletion[0] == curves.insertion[-1] == pytest.approx(probability, abs=1e-5)
    written = json.loads(json.dumps(check.as_dict()))
    assert written["verdict"] == check.verdict
    assert [curve["baseline"] for curve in written["deletion_insertion"]] == ["blur", "mean"]
    assert len(written["deletion_insertion"][0]["deletion"]) == len(check.blur.fractions)
    assert written["hottest_removed"]["fraction"] == pytest.approx(0.1, abs=0.001)
    assert [step["scrambled"] for step in written["sanity"]["steps"]] == ["fc", "layer2", "layer1", "stem"]
    assert written["seconds"] > 0


def test_progress_goes_from_nothing_to_all(asked: Asked) -> None:
    explainer, subject = asked
    told: list[tuple[int, int]] = []
    check_heatmap(explainer, subject, explainer.explain(subject, 0), progress=lambda *step: told.append(step))
    done = [step for step, _ in told]
    assert done == sorted(done)
    assert {total for _, total in told} == {100}
    assert done[-1] == 100
    assert len(set(done)) > 8


@pytest.mark.parametrize("after", [0, 40, 80])
def test_it_can_be_cancelled_anywhere(asked: Asked, after: int) -> None:
    explainer, subject = asked
    reached = [0]

    def note(done: int, total: int) -> None:
        reached[0] = done

    with pytest.raises(CancelledError):
        check_heatmap(
            explainer, subject, explainer.explain(subject, 0), cancelled=lambda: reached[0] >= after, progress=note
        )
    assert after <= reached[0] < 100


def test_the_photo_without_its_hottest_tenth(asked: Asked) -> None:
    explainer, subject = asked
    heatmap = explainer.explain(subject, 0)
    removed = without_hottest(explainer, subject, heatmap, baseline="mean")
    assert removed.mask.mean() == pytest.approx(0.1, abs=1 / removed.mask.size)
    np.testing.assert_array_equal(removed.input[:, ~removed.mask], subject.input[:, ~removed.mask])
    colour = subject.input.mean(axis=(1, 2))
    np.testing.assert_allclose(
        removed.input[:, removed.mask], np.repeat(colour[:, None], removed.mask.sum(), 1), rtol=1e-5
    )
    row, column = np.unravel_index(int(heatmap.cam.argmax()), heatmap.cam.shape)
    step = removed.mask.shape[0] // heatmap.cam.shape[0]
    assert removed.mask[row * step + step // 2, column * step + step // 2]
    raw = explainer.classifier.predict(removed.input[None])
    np.testing.assert_array_equal(removed.prediction.logits, raw.logits[0])
    assert without_hottest(explainer, subject, heatmap, fraction=0.0).mask.sum() == 0


def test_evidence_against_another_class_is_measured_as_a_share_of_two(asked: Asked) -> None:
    explainer, subject = asked
    found = check_heatmap(explainer, subject, explainer.explain(subject, 1, against=3))
    one, other = (float(subject.prediction.probabilities[i]) for i in (1, 3))
    assert found.probability == pytest.approx(one / (one + other), rel=1e-4)
    assert "“thing 1” against “thing 3”" in found.verdict
    one, other = (float(found.removed.prediction.probabilities[i]) for i in (1, 3))
    assert found.probability_removed == pytest.approx(one / (one + other), rel=1e-4)
    shares = scorer(explainer.classifier, 3, 1)(subject.input[None])
    assert shares[0] == pytest.approx(1 - found.probability, rel=1e-4)


def test_a_map_that_passes_everything(check: HeatmapCheck) -> None:
    good = correlations(areas(check, deletion=0.2, insertion=0.6), 0.1, 0.0)
    assert (good.removal_wins, good.grade) == (4, "good")
    assert "the prediction relies on what the map shows" in good.verdict
    assert "changes, as it should" in good.verdict


@pytest.mark.parametrize(
    ("deletion", "insertion", "wins", "grade", "words"),
    [
        (0.2, 0.41, 2, "mixed", "In 2 of 4 tests"),
        (0.39, 0.41, 0, "poor", "hardly more than random parts"),
        (0.6, 0.2, 0, "poor", "hardly more than random parts"),
    ],
)
def test_maps_that_random_maps_match(
    check: HeatmapCheck, deletion: float, insertion: float, wins: int, grade: str, words: str
) -> None:
    found = correlations(areas(check, deletion, insertion), 0.1, 0.0)
    assert (found.removal_wins, found.grade) == (wins, grade)
    assert words in found.verdict


def test_maps_that_scrambling_does_not_change(check: HeatmapCheck) -> None:
    photo = correlations(areas(check, 0.2, 0.6), 0.9, 0.8)
    assert photo.grade == "poor"
    assert "more of the photo itself" in photo.verdict
    blind = correlations(areas(check, 0.2, 0.6), 1.0, 0.0, -0.1)
    assert blind.grade == "mixed"
    assert "whatever the class" in blind.verdict


def test_little_to_take_away_and_nothing_to_show(check: HeatmapCheck) -> None:
    unlikely = correlations(replace(areas(check, 0.2, 0.6), probability=0.02), 0.0)
    assert (unlikely.removal_wins, unlikely.grade) == (None, "mixed")
    assert "only 2\u00a0% here" in unlikely.verdict
    empty = correlations(replace(check, empty=True), 0.0)
    assert empty.grade == "poor"
    assert empty.verdict.startswith("This layer shows no evidence for")


def test_the_verdict_is_two_to_four_sentences(check: HeatmapCheck) -> None:
    for found in (
        check,
        correlations(check, 1.0),
        correlations(replace(check, empty=True), 0.0),
        replace(check, sanity=SanityReport(())),
    ):
        assert 2 <= found.verdict.count(". ") + 1 <= 4
        assert found.verdict.endswith(".")
