"""Many images: one outcome each, in order, whatever goes wrong."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.core.errors import AnswerError, ProviderError
from resnet_desktop.imaging.decode import DecodeBudget, Source, encode_jpeg
from resnet_desktop.inference import providers
from resnet_desktop.inference.batch import Outcome, classify_many, default_batch_size
from resnet_desktop.inference.classifier import Classifier, RawOutputs, Seen
from resnet_desktop.inference.providers import Choice
from resnet_desktop.inference.runtime import CPU

from .making import BROKEN, failing_factory, fixed_bundle

PhotoMaker = Callable[..., NDArray[np.uint8]]
BROKEN_CHOICE = Choice(BROKEN, (), "taken for the test")


def decoders() -> list[str]:
    """The decoding threads that are alive."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("decode")]


@pytest.fixture(scope="module")
def pictures(photo: PhotoMaker) -> list[bytes]:
    """Twenty different pictures as JPEG files."""
    return [encode_jpeg(photo(48 + i, 40, seed=i)) for i in range(20)]


def check(outcomes: list[Outcome], classifier: Classifier, sources: list[Source]) -> None:
    """Every source has exactly its own outcome, in order."""
    assert [outcome.index for outcome in outcomes] == list(range(len(sources)))
    for outcome, source in zip(outcomes, sources, strict=True):
        assert outcome.source == source
        assert outcome.ok == (outcome.error is None) == (outcome.prediction is not None)
        if outcome.prediction is not None:
            alone = classifier.classify(source)
            np.testing.assert_allclose(outcome.prediction.logits, alone.logits, rtol=1e-4, atol=1e-5)
            assert outcome.prediction.full_size == alone.full_size


@pytest.mark.parametrize(("batch_size", "workers"), [(None, None), (1, 1), (1, 3), (3, 2), (8, 1), (64, 4)])
def test_one_outcome_for_each_in_order(
    classifier: Classifier, pictures: list[bytes], batch_size: int | None, workers: int | None
) -> None:
    sources: list[Source] = list(pictures)
    sources[0] = b""
    sources[7] = Path("nowhere.jpg")
    sources[8] = pictures[8][:200]
    sources[19] = b"GIF89a, it says"
    outcomes = list(classify_many(classifier, sources, batch_size=batch_size, workers=workers))
    check(outcomes, classifier, sources)
    codes = {outcome.index: outcome.error.code for outcome in outcomes if outcome.error is not None}
    assert codes.keys() == {0, 7, 8, 19}
    assert codes[0] == "empty_file"
    assert codes[7] == "missing_file"
    assert not decoders()


def test_nothing_in_nothing_out(classifier: Classifier) -> None:
    assert list(classify_many(classifier, [])) == []


def test_only_unreadable_inputs(classifier: Classifier) -> None:
    outcomes = list(classify_many(classifier, [b""] * 10, batch_size=4))
    assert [outcome.error.code for outcome in outcomes if outcome.error] == ["empty_file"] * 10


def test_predictions_carry_the_activations_and_not_the_whole_batch(
    classifier: Classifier, pictures: list[bytes]
) -> None:
    for outcome in classify_many(classifier, pictures, batch_size=8):
        assert outcome.prediction is not None
        assert outcome.prediction.activations is not None
        held = outcome.prediction.activations.base
        assert held is None or len(held) == 1
        assert outcome.prediction.seconds > 0


@pytest.mark.parametrize(("batch_size", "ahead"), [(4, 3 * 4), (None, 4 * 2)])
def test_an_endless_source_is_read_only_a_little_ahead(
    classifier: Classifier, pictures: list[bytes], batch_size: int | None, ahead: int
) -> None:
    taken = itertools.count()
    last = 0

    def endless() -> Iterator[bytes]:
        nonlocal last
        for picture in itertools.cycle(pictures):
            last = next(taken)
            yield picture

    outcomes = classify_many(classifier, endless(), batch_size=batch_size, workers=2)
    for index, outcome in enumerate(itertools.islice(outcomes, 60)):
        assert outcome.index == index
        assert last - index < ahead
    assert decoders()
    outcomes.close()
    assert not decoders()


def test_the_first_answer_does_not_wait_for_a_full_batch(bundle: Bundle, pictures: list[bytes]) -> None:
    sizes: list[int] = []
    factory = failing_factory(10**6, batch_sizes=sizes)
    classifier = Classifier(bundle, provider=BROKEN_CHOICE, factory=factory)
    outcomes = list(classify_many(classifier, pictures, batch_size=8))
    assert sizes == [1, 2, 4, 8, 5]
    check(outcomes, classifier, list(pictures))


@pytest.mark.parametrize("batch_size", [4, None])
@pytest.mark.parametrize("after", [0, 1, 5])
def test_cancelling_ends_it_and_joins_its_threads(
    classifier: Classifier, pictures: list[bytes], after: int, batch_size: int | None
) -> None:
    seen: list[Outcome] = []
    endless = itertools.cycle(pictures)
    for outcome in classify_many(classifier, endless, batch_size=batch_size, cancelled=lambda: len(seen) >= after):
        seen.append(outcome)
    assert len(seen) == after
    assert not decoders()


class Clumsy(Classifier):
    """Fails on the third image in a way that is no fault of the image."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle, provider="cpu")
        self._numbers = itertools.count(1)

    def prepare(self, source: Source, out: NDArray[np.float32], budget: DecodeBudget | None = None) -> Seen:
        """Prepare, or fail."""
        if next(self._numbers) == 3:
            raise TimeoutError("a fault of the program")
        return super().prepare(source, out, budget)


@pytest.mark.parametrize(("batch_size", "workers"), [(2, 1), (None, 1), (None, 3)])
def test_a_fault_in_a_decoder_comes_out_and_hangs_nothing(
    bundle: Bundle, pictures: list[bytes], batch_size: int | None, workers: int
) -> None:
    outcomes = classify_many(Clumsy(bundle), pictures, batch_size=batch_size, workers=workers)
    with pytest.raises(TimeoutError, match="a fault of the program"):
        list(outcomes)
    assert not decoders()


@pytest.mark.parametrize("batch_size", [2, None])
def test_a_fault_of_the_source_comes_out(classifier: Classifier, pictures: list[bytes], batch_size: int | None) -> None:
    def broken() -> Iterator[bytes]:
        yield from pictures[:3]
        raise KeyError("the list of files is gone")

    with pytest.raises(KeyError):
        list(classify_many(classifier, broken(), batch_size=batch_size))
    assert not decoders()


@pytest.mark.parametrize("good_runs", [0, 2])
def test_a_provider_that_fails_loses_no_image(bundle: Bundle, pictures: list[bytes], good_runs: int) -> None:
    told: list[str] = []
    factory = failing_factory(good_runs)
    classifier = Classifier(bundle, provider=BROKEN_CHOICE, on_fallback=told.append, factory=factory)
    outcomes = list(classify_many(classifier, pictures, batch_size=4))
    check(outcomes, Classifier(bundle, provider="cpu"), list(pictures))
    used = [outcome.prediction.provider for outcome in outcomes if outcome.prediction]
    assert used == [BROKEN] * sum([1, 2][:good_runs]) + [CPU] * (20 - sum([1, 2][:good_runs]))
    assert len(told) == 1


@pytest.mark.parametrize("batch_size", [2, None])
def test_when_the_cpu_fails_too_the_whole_ends(bundle: Bundle, pictures: list[bytes], batch_size: int | None) -> None:
    factory = failing_factory(3, cpu_too=True)
    classifier = Classifier(bundle, provider=Choice(CPU, (), ""), factory=factory)
    with pytest.raises(ProviderError):
        list(classify_many(classifier, pictures, batch_size=batch_size))
    assert not decoders()


class Meeting(Classifier):
    """Counts the runs that go on at the same time, and has each wait until two do, or until nobody else comes."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle, provider="cpu")
        self.sizes: list[int] = []
        self.most = 0
        self._now = 0
        self._counting = threading.Lock()
        self._two = threading.Event()

    def run(self, batch: NDArray[np.float32]) -> RawOutputs:
        """Run, counted."""
        with self._counting:
            first = not self.sizes
            self.sizes.append(len(batch))
            self._now += 1
            self.most = max(self.most, self._now)
            if self._now == 2:
                self._two.set()
        if not first:
            self._two.wait(10)
        raw = super().run(batch)
        with self._counting:
            self._now -= 1
        return raw


def test_on_the_cpu_images_run_side_by_side_after_the_first(bundle: Bundle, pictures: list[bytes]) -> None:
    classifier = Meeting(bundle)
    outcomes = list(classify_many(classifier, pictures, workers=2))
    assert classifier.sizes == [1] * 20
    assert classifier.most == 2
    check(outcomes, Classifier(bundle, provider="cpu"), list(pictures))


def test_the_first_image_runs_alone(bundle: Bundle, pictures: list[bytes]) -> None:
    started: list[int] = []
    alone = threading.Event()

    class Slow(Classifier):
        """Its first run waits a little for others that should not come."""

        def predict(self, batch: NDArray[np.float32]) -> RawOutputs:
            """Predict."""
            started.append(len(started))
            if len(started) == 1:
                alone.wait(0.3)
                assert len(started) == 1
            return super().predict(batch)

    check(list(classify_many(Slow(bundle, provider="cpu"), pictures, workers=3)), Classifier(bundle), list(pictures))


def test_an_unreadable_first_image_lets_the_others_go_on(classifier: Classifier, pictures: list[bytes]) -> None:
    outcomes = list(classify_many(classifier, [b"", *pictures], workers=3))
    assert [outcome.ok for outcome in outcomes] == [False] + [True] * 20


@pytest.mark.parametrize("batch", [1, 4])
def test_a_fixed_batch_is_filled_where_it_holds_several(tmp_path: Path, pictures: list[bytes], batch: int) -> None:
    bundle = fixed_bundle(tmp_path, batch)
    sizes: list[int] = []
    factory = failing_factory(10**6, cpu_too=True, batch_sizes=sizes)
    classifier = Classifier(bundle, provider=Choice(CPU, (), ""), factory=factory)
    assert classifier.session.fixed_batch == batch
    assert all(outcome.ok for outcome in classify_many(classifier, pictures))
    assert set(sizes) == {batch}
    assert (len(sizes) == 20) == (batch == 1)


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"workers": 0}])
def test_sizes_must_be_positive(classifier: Classifier, wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        classify_many(classifier, [], **wrong)  # type: ignore[arg-type]


def test_every_provider_has_a_batch_size() -> None:
    assert all(default_batch_size(name) >= 1 for name in providers.SHORT_NAMES)


class Spoiling(Classifier):
    """Shows the network numbers that are none in place of some pictures."""

    spoilt: tuple[bytes, ...] = ()

    def prepare(self, source: Source, out: NDArray[np.float32], budget: DecodeBudget | None = None) -> Seen:
        """Prepare, and spoil."""
        size = super().prepare(source, out, budget)
        if source in self.spoilt:
            out[:] = np.nan
        return size


def test_an_answer_that_is_no_number_is_one_pictures_alone(bundle: Bundle, pictures: list[bytes]) -> None:
    classifier = Spoiling(bundle, provider="cpu")
    classifier.spoilt = (pictures[2], pictures[5])
    outcomes = list(classify_many(classifier, pictures, batch_size=4))
    assert {o.index: o.error.code for o in outcomes if o.error is not None} == {2: "not_finite", 5: "not_finite"}
    check(outcomes[:2], classifier, list(pictures[:2]))
    assert [outcome.index for outcome in outcomes] == list(range(20))
    with pytest.raises(AnswerError):
        classifier.classify(pictures[2])
