"""The model at work, for the session thread: the only module of the window that imports the inference floors.

It is imported on that thread once the window is there, since NumPy, ONNX and ONNX Runtime take about a second to load.
Everything here runs on the session thread alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.format.topics import topics_of
from resnet_desktop.bundle.library import remembered_labels
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.core.errors import ProviderError
from resnet_desktop.core.progress import Cancelled, Progress, never, stop_if, unheard
from resnet_desktop.imaging.transforms import Fit
from resnet_desktop.inference import providers
from resnet_desktop.inference.batch import Outcome, classify_many
from resnet_desktop.inference.classifier import Classifier, Prediction
from resnet_desktop.inference.opening import open_admitted
from resnet_desktop.inference.providers import Choice
from resnet_desktop.inference.runtime import on_threads
from resnet_desktop.inference.tuning import choice
from resnet_desktop.session import result_rows
from resnet_desktop.session.analysis import Analysis
from resnet_desktop.session.recent import Recent
from resnet_desktop.session.result_rows import Row
from resnet_desktop.session.results import Accuracy, Failure, FileState, Limits, ModelInfo, Result, Source, file_of
from resnet_desktop.session.saved import file_state
from resnet_desktop.session.similar import Features, Likeness


class Engine:
    """A classifier, the analysis of its answers, and the activations of the last few photos.

    Args:
        limits: of what is classified and said.
        on_fallback: called with a sentence when another provider than the wanted one has to do the work.
    """

    def __init__(self, limits: Limits, *, on_fallback: Callable[[str], None]) -> None:
        self.limits = limits
        """Those of the next model that is opened."""
        self._on_fallback = on_fallback
        self.closing: Cancelled = never
        """Asked while a model that is new here is tried; once True, that is given up."""
        self._opened: tuple[Classifier, Recent, Analysis] | None = None
        self._installed: Bundle | None = None
        """The model as installed, where a faster form of it answers."""
        self._choices: dict[str, Choice] = {}
        self._workers: int | None = None
        self._memory = limits.memory
        self._provider, self._opened_with = "auto", limits
        self._answers = ""
        self.fit: Fit = "crop"
        self._features = Features()

    @property
    def ready(self) -> bool:
        """Whether a model is open."""
        return self._opened is not None

    @property
    def analysis(self) -> Analysis:
        """Explanations by the model that is open. Only when ``ready``."""
        assert self._opened is not None
        return self._opened[2]

    @property
    def provider(self) -> str:
        """Short name of the provider that runs the model now."""
        return providers.short_name(self._classifier.provider)

    def open_model(self, wanted: str, provider: str) -> ModelInfo:
        """Open a model; on failure the one before it stays.

        Args:
            wanted: a name in the library or a path; empty for the default.
            provider: ``auto`` or a provider's name; one that does not run here is reported and replaced by ``auto``.

        Raises:
            ModelError, ProviderError, StorageError.
            CancelledError: the window closes.
        """
        path, problem = _model_file(wanted)
        classifier, installed, unlike = self._classifier_of(path, provider, self.limits, self.closing)
        bundle, limits = classifier.bundle, self.limits
        self._provider, self._opened_with = provider, limits
        self._workers, self._memory = limits.threads or None, limits.memory
        recent = Recent(classifier)  # not the engine itself: a circle would keep the old model's memory for a while
        self._opened = classifier, recent, Analysis(classifier, recent.prediction)
        self._installed = installed
        self._answers = _answers(bundle, limits)
        self._features.clear()
        return replace(self.info(), problem=problem or unlike)

    def beside(self, wanted: str, cancelled: Cancelled) -> Classifier:
        """Another model, run as the present one is, which stays; or that one, if it is wanted. Only when ``ready``.

        Raises:
            ModelError, ProviderError, StorageError, CancelledError.
        """
        path, _ = _model_file(wanted)
        if self._installed is not None and path.absolute() == self._installed.path.absolute():
            return self._classifier
        return self._classifier_of(path, self._provider, self._opened_with, cancelled)[0]

    def is_open(self, classifier: Classifier) -> bool:
        """Whether this is the model that is open, and not one beside it."""
        return classifier is self._classifier

    def classify_with(
        self, classifier: Classifier, sources: Iterable[Source], cancelled: Cancelled
    ) -> Iterator[Outcome]:
        """Classify pictures, within the limits of the model that is open. Raises ProviderError, ModelError."""
        return classify_many(classifier, sources, workers=self._workers, memory=self._memory, cancelled=cancelled)

    @property
    def max_pixels(self) -> int:
        """Larger images are refused."""
        return self._classifier.max_pixels

    def info(self) -> ModelInfo:
        """What is open now. Only when ``ready``."""
        classifier = self._classifier
        bundle, installed = classifier.bundle, self._installed
        assert installed is not None
        answered = remembered_labels.recall(installed) is not None
        return ModelInfo(
            name=installed.path.stem,
            path=installed.path,
            arch=bundle.metadata.arch or "",
            classes=bundle.classes,
            side=bundle.input_shape[1],
            provider=self.provider,
            reason=classifier.session.fallback_reason or classifier.choice.reason,
            statuses=classifier.choice.statuses,
            has_labels=bundle.named or answered,
            is_prepared=bundle.prepared or answered,
            explains=bundle.features is not None,
            categories=bundle.metadata.categories,
            layers=self.analysis.layers(),
            accuracy=Accuracy.of(bundle.metadata.provenance),
            topics=topics_of(bundle.metadata),
            answers=self._answers,
            thresholds=bundle.metadata.present_from,
            variant=bundle.variant,
        )

    def set_fit(self, fit: Fit) -> None:
        """What the network sees of a photo from now on."""
        self.fit = fit
        if self._opened is not None:
            self._recent.clear()
            self._features.clear()
            self._classifier.fit = fit
            self.analysis.forget_photos()

    def classify_many(
        self, items: Iterator[tuple[int, Source]], cancelled: Callable[[], bool]
    ) -> Iterator[tuple[int, Result | Failure]]:
        """Classify numbered pictures, in their order; see ``inference.batch``. Raises ProviderError, ModelError."""
        numbers: list[tuple[int, FileState | None]] = []

        def sources() -> Iterator[Source]:
            for number, source in items:
                numbers.append((number, _state(source)))
                yield source

        for outcome in self.classify_with(self._classifier, sources(), cancelled):
            number, state = numbers[outcome.index]
            if outcome.prediction is not None:
                yield number, self._kept(number, outcome.prediction, state)
            elif outcome.error is not None:
                yield number, Failure.of(outcome.error)

    def classify(self, number: int, source: Source) -> Result:
        """Classify one picture. Raises ImageError, ProviderError, ModelError."""
        state = _state(source)
        return self._kept(number, self._classifier.classify(source), state)

    def full_rows(
        self, photos: Sequence[tuple[str, Source]], top: int, cancelled: Cancelled, progress: Progress
    ) -> list[Row]:
        """Rows of photos (path, picture) with ``top`` classes each, or all where that is 0; classified anew.

        Raises:
            ProviderError, ModelError, CancelledError.
        """
        classifier, rows = self._classifier, []
        count, model = top or classifier.bundle.classes, classifier.bundle.path.stem
        for outcome in classify_many(classifier, (source for _, source in photos), cancelled=cancelled):
            (path, source), prediction = photos[outcome.index], outcome.prediction
            if prediction is not None:
                notes = [note.as_dict() for note in prediction.notes]
                scores = classifier.best(prediction.probabilities, count)
                rows.append(
                    result_rows.answered(
                        path,
                        prediction,
                        provider=prediction.provider,
                        model=model,
                        variant=classifier.bundle.variant,
                        notes=notes,
                        scores=scores,
                        about=result_rows.part_as_dict(source),
                    )
                )
            elif outcome.error is not None:
                error, about = outcome.error.as_dict(), result_rows.part_as_dict(source)
                rows.append(result_rows.failed(path, error, about))
            progress(len(rows), len(photos))
        stop_if(cancelled)
        return rows

    def similar(
        self,
        wanted: Sequence[int],
        photos: Sequence[tuple[int, Source]],
        cancelled: Cancelled = never,
        progress: Progress = unheard,
    ) -> tuple[Likeness, ...]:
        """The photos nearest to those ``wanted``, all of which are among the numbered ``photos``; see ``Features``.

        Photos that were not classified in this session are classified. Raises ProviderError, ModelError,
        CancelledError.
        """
        missing = [(number, source) for number, source in photos if number not in self._features]
        for done, _ in enumerate(self.classify_many(iter(missing), cancelled), start=1):
            progress(done, len(missing))
        stop_if(cancelled)
        return self._features.near(wanted, [number for number, _ in photos])

    def remembers(self, number: int) -> bool:
        """Whether the picture's evidence can be had without running the model again."""
        return self._opened is not None and number in self._recent

    def _classifier_of(
        self, path: Path, provider: str, limits: Limits, cancelled: Cancelled
    ) -> tuple[Classifier, Bundle, str]:
        """A model file that has been tried, run as the user chose; it as installed; why it does not run as chosen.

        Raises:
            ModelError, ProviderError, StorageError, CancelledError.
        """
        installed = open_admitted(path, cancelled)
        opened = choice.opened(installed, limits.tuned, provider, cancelled)
        classifier = Classifier(
            opened.bundle,
            provider=self._choice(opened.provider),
            top_k=limits.top_k,
            fit=self.fit,
            max_pixels=limits.max_pixels,
            group_threshold=limits.group_threshold,
            range=opened.bundle.metadata.transforms.range or limits.range,
            way=opened.way,
            on_fallback=self._on_fallback,
            factory=on_threads(limits.threads),
        )
        return classifier, installed, opened.problem

    @property
    def _classifier(self) -> Classifier:
        assert self._opened is not None
        return self._opened[0]

    @property
    def _recent(self) -> Recent:
        assert self._opened is not None
        return self._opened[1]

    def _choice(self, provider: str) -> Choice:
        """Providers are proven once, not again for each model."""
        if provider not in self._choices:
            try:
                self._choices[provider] = providers.choose(provider)
            except ProviderError as error:
                if provider == "auto":
                    raise
                self._on_fallback(str(error))
                instead = self._choice("auto")
                self._choices[provider] = replace(instead, reason=f"{error} {instead.reason}")
        return self._choices[provider]

    def _kept(self, number: int, prediction: Prediction, state: FileState | None) -> Result:
        self._recent.keep(number, prediction)
        self._features.add(number, prediction)
        return Result(
            prediction.scores,
            prediction.unfamiliar,
            providers.short_name(prediction.provider),
            prediction.seconds,
            prediction.full_size,
            prediction.group,
            prediction.sure,
            tuple(note.message for note in prediction.notes),
            state,
            tuple(note.code for note in prediction.notes),
            prediction.provider,
            prediction.present,
        )


def _answers(bundle: Bundle, limits: Limits) -> str:
    """Stands for all that answers depend on; see ``ModelInfo``."""
    known = [file_state(bundle.path), bundle.metadata.to_props()]  # not where it lies: it may be renamed
    said = [limits.top_k, limits.max_pixels, limits.group_threshold, limits.range]
    return hashlib.sha256(json.dumps([known, said], default=str).encode()).hexdigest()


def _state(source: Source) -> FileState | None:
    file = file_of(source)
    return None if file is None else file_state(file)


def _model_file(wanted: str) -> tuple[Path, str]:
    """The file of a model by name or path, or of the default one; and what is wrong with the default, or nothing."""
    library = Library()
    if wanted:
        return library.find(wanted), ""
    default = library.default()
    problem = default.problem
    return default.path, "" if problem is None else f"{problem} Using {default.path.stem} until then."
