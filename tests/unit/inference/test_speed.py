"""Timing of runs: what is timed really ran, and what fails is told beside what works."""

from __future__ import annotations

import pytest

from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.inference.providers import Choice
from resnet_desktop.inference.runtime import CPU
from resnet_desktop.inference.speed import LEAST_ROUNDS, measure

from .making import failing_factory


def test_batch_sizes_are_timed_by_turns(bundle: Bundle) -> None:
    sizes: list[int] = []
    factory = failing_factory(10**6, cpu_too=True, batch_sizes=sizes)
    classifier = Classifier(bundle, provider=Choice(CPU, (), ""), factory=factory)
    found = measure(classifier, [1, 3], 0.0)
    assert sizes == [1, 3] * (1 + LEAST_ROUNDS)
    assert [(speed.provider, speed.batch, len(speed.seconds)) for speed in found] == [
        (CPU, 1, LEAST_ROUNDS),
        (CPU, 3, LEAST_ROUNDS),
    ]
    assert all(speed.images_per_second > 0 for speed in found)


def test_a_provider_that_fails_on_the_way_has_no_speed(bundle: Bundle) -> None:
    classifier = Classifier(bundle, provider=Choice(CPU, (), ""), factory=failing_factory(3, cpu_too=True))
    for speed in measure(classifier, [1, 2], 0.0):
        assert speed.error is not None
        assert (speed.seconds, speed.images_per_second, speed.range) == ((), 0.0, (0.0, 0.0))


@pytest.mark.parametrize("seconds", [0.0, 60.0])
def test_it_ends_when_nothing_can_be_run(bundle: Bundle, seconds: float) -> None:
    classifier = Classifier(bundle, provider=Choice(CPU, (), ""), factory=failing_factory(0, cpu_too=True))
    assert [speed.error.code for speed in measure(classifier, [1, 2], seconds) if speed.error] == [
        "provider_failed"
    ] * 2
