"""Two models on the same photos: what each says, and where they say different things.

Answers are the same where they are called the same, whatever the case: models may know different classes. Of a model
that finds several labels in a photo, all that are present are the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resnet_desktop.core.progress import Cancelled, Progress, stop_if
from resnet_desktop.session.results import Failure, Result, Source

if TYPE_CHECKING:
    from resnet_desktop.inference.classifier import Classifier, Prediction
    from resnet_desktop.session.engine import Engine

Numbered = Sequence[tuple[int, Source]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says of a photo: a class, or all labels that are present; and the best one's fraction of 1."""

    labels: tuple[str, ...]
    probability: float

    @property
    def text(self) -> str:
        """All of it in words."""
        return ", ".join(self.labels)

    @property
    def compared(self) -> frozenset[str]:
        """By what answers are compared."""
        return frozenset(map(folded, self.labels))


@dataclass(frozen=True, slots=True)
class ComparedPhoto:
    """A photo by its number in the list, and what the two models say of it."""

    number: int
    answers: tuple[Answer | Failure, Answer | Failure]

    @property
    def agrees(self) -> bool | None:
        """Whether both say the same; None where one of them has no answer."""
        first, second = self.answers
        if isinstance(first, Failure) or isinstance(second, Failure):
            return None
        return first.compared == second.compared

    @property
    def least(self) -> float:
        """The lower of both probabilities; 0 where one has no answer."""
        return min(0.0 if isinstance(answer, Failure) else answer.probability for answer in self.answers)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two models on a list of photos.

    Attributes:
        models: what they are called.
        classes: how many each knows.
        shared: how many of these are called the same in both.
        photos: those on which they differ first, the surest difference before the others; then those without two
            answers; then those on which they agree, the least sure before the others.
    """

    models: tuple[str, str]
    classes: tuple[int, int]
    shared: int
    photos: tuple[ComparedPhoto, ...]

    def count(self, agrees: bool | None) -> int:
        """On how many photos they agree, differ (False), or cannot be compared (None)."""
        return sum(photo.agrees is agrees for photo in self.photos)

    @property
    def share(self) -> float | None:
        """On which fraction of the photos with two answers they agree; None where there is none."""
        same, different = self.count(True), self.count(False)
        return same / (same + different) if same + different else None

    def right(self, labels: Mapping[int, str]) -> tuple[int, int, int]:
        """How often each says what the photo's label does, and of how many photos with two answers."""
        judged = [photo for photo in self.photos if photo.number in labels and photo.agrees is not None]
        hits = [0, 0]
        for photo in judged:
            for place, answer in enumerate(photo.answers):
                hits[place] += isinstance(answer, Answer) and answer.compared == {folded(labels[photo.number])}
        return hits[0], hits[1], len(judged)


def compare(
    engine: Engine,
    models: tuple[str, str],
    photos: Numbered,
    known: Mapping[int, Result],
    cancelled: Cancelled,
    progress: Progress,
) -> Agreement:
    """Ask two models of every photo, the present one only of those whose answer is not ``known``.

    Args:
        engine: stays with its model.
        models: names in the library or paths.
        photos: numbered.
        known: answers of the model that is open, by the photos' numbers.
        cancelled: asked often.
        progress: told of photos asked, of both models together.

    Raises:
        ModelError, ProviderError, StorageError, CancelledError.
    """
    answers, names, classes = [], [], []
    for place, wanted in enumerate(models):
        classifier = engine.beside(wanted, cancelled)
        found = {number: answer_of(known[number]) for number in known if engine.is_open(classifier)}
        asked = _Asked(classifier, photos, found)
        for done in asked.ask(engine, cancelled):
            progress(place * len(photos) + done, 2 * len(photos))
        stop_if(cancelled)
        answers.append(asked.answers)
        names.append(classifier.bundle.path.stem)
        classes.append(classifier.bundle.metadata.categories)
    known_to_both = {folded(label) for label in classes[0]} & {folded(label) for label in classes[1]}
    compared = [ComparedPhoto(number, (answers[0][number], answers[1][number])) for number, _ in photos]
    compared.sort(key=_order)
    sizes = len(classes[0]), len(classes[1])
    return Agreement((names[0], names[1]), sizes, len(known_to_both), tuple(compared))


def answer_of(said: Result | Prediction) -> Answer:
    """The answer that is compared: the best class, or all labels that are present."""
    scores = said.present or said.scores[:1]
    return Answer(tuple(score.label for score in scores), scores[0].probability)


def folded(label: str) -> str:
    """The label as it is compared."""
    return " ".join(label.casefold().split())


def _order(photo: ComparedPhoto) -> tuple[int, float]:
    if photo.agrees is None:
        return 1, 0.0
    return (2, photo.least) if photo.agrees else (0, -photo.least)


class _Asked:
    """The answers of one model, as far as they are there."""

    def __init__(self, classifier: Classifier, photos: Numbered, known: Mapping[int, Answer]) -> None:
        self._classifier = classifier
        self._missing = [(number, source) for number, source in photos if number not in known]
        self._known = len(photos) - len(self._missing)
        self.answers: dict[int, Answer | Failure] = dict(known)

    def ask(self, engine: Engine, cancelled: Cancelled) -> Iterator[int]:
        """Ask of the rest; yields of how many photos the answer is there."""
        for outcome in engine.classify_with(self._classifier, (source for _, source in self._missing), cancelled):
            number = self._missing[outcome.index][0]
            if outcome.prediction is not None:
                self.answers[number] = answer_of(outcome.prediction)
            elif outcome.error is not None:
                self.answers[number] = Failure.of(outcome.error)
            yield self._known + outcome.index + 1
