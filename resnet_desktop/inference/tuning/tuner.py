"""Measures what is on offer for a model on this machine: nothing is offered that was not faster here."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file import variant
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.core import atomic
from resnet_desktop.core.errors import AnswerError, ModelError, ProviderError
from resnet_desktop.core.progress import Cancelled, Progress, never
from resnet_desktop.imaging.decode import DEFAULT_MAX_PIXELS
from resnet_desktop.inference import admission, providers
from resnet_desktop.inference.batch import cores
from resnet_desktop.inference.classifier import Classifier, Prediction
from resnet_desktop.inference.providers import Choice
from resnet_desktop.inference.runtime import CPU, CUDA
from resnet_desktop.inference.tuning import kept, photos, quantizing, timing
from resnet_desktop.inference.tuning.agreement import agreement, answers
from resnet_desktop.inference.tuning.offers import AGREE, FASTER, WORST, Agreement, Offer, Refusal, Setup, Speed, Tuning
from resnet_desktop.inference.tuning.photos import LEAST
from resnet_desktop.inference.tuning.recipes import FLOAT16, HALF, INT8, Recipe
from resnet_desktop.inference.tuning.recipes import quantizing as recipes_here
from resnet_desktop.inference.way import USUAL, Way

OPENVINO = "OpenVINOExecutionProvider"
INSTALLED, CORES = "installed", "cores"
READING, MAKING, JUDGING, TIMING = "reading", "making", "judging", "timing"
"""What is being done, for whoever follows."""

Told = Callable[[str, str, int, int], None]
"""Hears what is being done, for which offer, how many steps of it are done, and of how many."""


def nobody(stage: str, name: str, done: int, total: int) -> None:
    """Progress that nobody follows."""


@dataclass(frozen=True, slots=True)
class _Made:
    """A variant that was made: its file, how, what its answers are like, and whether its warnings hold."""

    bundle: Bundle
    recipe: str
    agreement: Agreement
    warns: bool | None


def tune(
    bundle: Bundle,
    paths: Iterable[Path],
    *,
    provider: str = "auto",
    max_pixels: int = DEFAULT_MAX_PIXELS,
    cancelled: Cancelled = never,
    told: Told = nobody,
) -> Tuning:
    """Measure a model on this machine, keep what was made, and say what is on offer.

    Args:
        bundle: the model as installed, with what the user has said of it.
        paths: photos like those that it is used on; of many a random sample is taken.
        provider: as for ``Classifier``.
        max_pixels: larger photos are not read.
        cancelled: asked often; what was made is then thrown away.
        told: how far it is.

    Raises:
        ModelError, ProviderError: the model cannot be run as it is installed.
        StorageError: variants cannot be written.
        CancelledError: ``cancelled`` said so.
    """
    return _Tuner(bundle, provider, max_pixels, cancelled, told).run(paths)


class _Tuner:
    def __init__(self, bundle: Bundle, provider: str, max_pixels: int, cancelled: Cancelled, told: Told) -> None:
        self._bundle, self._cancelled, self._told = bundle, cancelled, told
        choice = providers.choose(provider)
        self._installed = Classifier(bundle, provider=choice, keep_activations=False, max_pixels=max_pixels)
        self._ours: list[Prediction] = []
        self._speed: Speed | None = None
        self._offers: list[Offer] = []
        self._refused: list[Refusal] = []

    def run(self, paths: Iterable[Path]) -> Tuning:
        read = photos.prepare(self._installed, paths, self._cancelled, self._following(READING, INSTALLED))
        if len(read.judged):
            self._ours = answers(self._installed, read.judged, self._cancelled, self._following(JUDGING, INSTALLED))
        self._photos = read
        self._time(CORES, self._bundle, self._installed.choice, None)
        for name, kind, where, recipes in self._forms():
            try:
                self._try(name, kind, where, recipes)
            except (AnswerError, ModelError, ProviderError) as error:
                self._refuse(name, error.message)
        assert self._speed is not None
        setup = Setup(None, self._installed.provider)
        self._offers.sort(key=lambda offer: -offer.speed.times_as_fast)
        tuning = Tuning(
            self._bundle.path.stem,
            self._bundle.file_sha256,
            cores(),
            len(read.learnt) if read.enough else 0,
            len(read.judged) if read.enough else 0,
            read.unreadable,
            Offer(INSTALLED, setup, self._speed),
            tuple(self._offers),
            tuple(self._refused),
        )
        kept.save(tuning)
        return tuning

    def _forms(self) -> Iterator[tuple[str, str | None, str, Sequence[Recipe]]]:
        """What can be tried here: its name, the kind of file, the provider, and recipes for the file."""
        here, listed = self._installed.provider, providers.available()
        if here == CPU:
            yield INT8, INT8, CPU, recipes_here()
        if here == CUDA:
            yield FLOAT16, FLOAT16, CUDA, (HALF,)
        if OPENVINO in listed and here != OPENVINO:
            yield "openvino", None, OPENVINO, ()
            yield "openvino-int8", INT8, OPENVINO, recipes_here()

    def _try(self, name: str, kind: str | None, provider: str, recipes: Sequence[Recipe]) -> None:
        """Measure one form, and offer it if it was faster."""
        read = self._photos
        if not read.enough:
            count = len(read.learnt) + len(read.judged)
            few = f"At least {LEAST} photos are needed to compare its answers; {count} could be read."
            self._refuse(name, few)
            return
        choice = self._installed.choice if provider == self._installed.provider else providers.choose(provider)
        if kind is None:
            found = self._judged(name, self._classifier(self._bundle, choice))
            self._time(name, self._bundle, choice, _Made(self._bundle, "", found, None))
            return
        target = kept.file_of(self._bundle.file_sha256, name, self._bundle.path.stem)
        with _workshop(target.parent.parent) as folder:
            made = self._make(name, folder, choice, recipes)
            if self._time(name, made.bundle, choice, made):
                target.parent.mkdir(parents=True, exist_ok=True)
                made.bundle.path.replace(target)
            else:
                target.unlink(missing_ok=True)

    def _make(self, name: str, folder: Path, choice: Choice, recipes: Sequence[Recipe]) -> _Made:
        """The first file whose answers agree often enough, or the one whose answers agree most often."""
        variant.write_graph(self._bundle, folder / quantizing.NETWORK)
        np.save(folder / quantizing.PICTURES, self._photos.learnt)
        best: _Made | None = None
        for recipe in recipes:
            try:
                made = self._made(name, folder, choice, recipe)
            except ModelError:
                if best is None and recipe is recipes[-1]:
                    raise
                continue
            if best is None or made.agreement.same > best.agreement.same:
                best = made
            if best.agreement.same >= AGREE:
                break
        assert best is not None
        return best

    def _made(self, name: str, folder: Path, choice: Choice, recipe: Recipe) -> _Made:
        """One file and how it answers."""
        original, progress = self._bundle, self._following(MAKING, name)
        graph = quantizing.make(folder, recipe, self._cancelled, progress)
        images = 0 if recipe.kind == FLOAT16 else min(len(self._photos.learnt), recipe.most)
        about = {"kind": recipe.kind, "recipe": recipe.name, "images": images}
        target = folder / recipe.name / f"{original.path.stem}.onnx"
        write = partial(variant.write_variant, original, graph, target, about)
        ruled = warns = original.metadata.novelty is not None
        try:
            found = self._admitted_and_judged(name, write(warns=warns), choice)
        except ModelError:
            if not warns:
                raise
            warns = False  # perhaps the layer that the rule looks at is not there any more
            found = self._admitted_and_judged(name, write(warns=False), choice)
        if warns and (found.same_warning or 0.0) < AGREE:
            warns = False
            write(warns=False)
        return _Made(self._answering(target), recipe.name, found, warns if ruled else None)

    def _admitted_and_judged(self, name: str, written: Bundle, choice: Choice) -> Agreement:
        admission.admit(written, self._cancelled)
        return self._judged(name, self._classifier(self._answering(written.path), choice))

    def _answering(self, path: Path) -> Bundle:
        own = self._bundle
        return variant.answering_for(own, bundles.read(path), named=own.named, prepared=own.prepared)

    def _judged(self, name: str, classifier: Classifier) -> Agreement:
        theirs = answers(classifier, self._photos.judged, self._cancelled, self._following(JUDGING, name))
        ruled = classifier.bundle.metadata.novelty is not None
        return agreement(self._ours, theirs, ruled=ruled)

    def _time(self, name: str, bundle: Bundle, choice: Choice, made: _Made | None) -> bool:
        """Time a form in each way that makes sense; whether the best one is on offer now."""
        if made is not None and made.agreement.same < WORST:
            self._refuse(name, f"It answers otherwise on {1 - made.agreement.same:.1%} of the photos.")
            return False
        first = self._classifier(bundle, choice)
        tried = [way for way in timing.ways(first) if way != USUAL]
        others = [] if made is None else [first]
        others += [self._classifier(bundle, choice, way) for way in tried]
        pictures = self._photos.judged if len(self._photos.judged) else self._noise()
        following = self._following(TIMING, name)
        installed, speeds = timing.compare(self._installed, others, pictures, self._cancelled, following)
        self._speed = self._speed or installed
        times = [speed.times_as_fast for speed in speeds]
        if not times or max(times) < FASTER:
            best = f": at best {max(times):.2f} times as fast" if times else ""
            self._refuse(name, f"It was not faster here{best}.")
            return False
        fastest = times.index(max(times))
        setup = Setup(bundle.variant if made is not None else None, others[fastest].provider, others[fastest].way)
        offer = Offer(name, setup, speeds[fastest])
        if made is not None:
            offer = replace(offer, agreement=made.agreement, recipe=made.recipe or None, warns=made.warns)
        self._offers.append(offer)
        return True

    def _classifier(self, bundle: Bundle, choice: Choice, way: Way = USUAL) -> Classifier:
        return Classifier(bundle, provider=choice, keep_activations=False, way=way)

    def _noise(self) -> timing.Pictures:
        """Stands for photos where none could be read: how fast it is does not depend on them."""
        return np.random.default_rng(0).standard_normal((8, *self._bundle.input_shape), np.float32)

    def _refuse(self, name: str, why: str) -> None:
        self._refused.append(Refusal(name, why))

    def _following(self, stage: str, name: str) -> Progress:
        return partial(self._told, stage, name)


@contextmanager
def _workshop(parent: Path) -> Iterator[Path]:
    """A folder to work in, on the disk where what is made will lie. Raises StorageError."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".", suffix=".new", dir=parent))
    except OSError as error:
        raise atomic.storage_error(parent, error) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
