"""The features in front of the last layer, computed by ONNX Runtime once for each photo and view, and remembered.

Each photo passes through the base once as the app sees it and once for each further view. What is kept on disk depends
on the photo's content, not on its name: photos that are added, or a run that is repeated, cost only what is new.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.graph.head import FEATURES, Head, features_model, logits_graph
from resnet_desktop.core.errors import ImageError, ModelError, ResNetDesktopError
from resnet_desktop.core.value_cache import ValueCache
from resnet_desktop.data.dataset import Sample
from resnet_desktop.data.pictures import thread_pool
from resnet_desktop.imaging import views as drawn
from resnet_desktop.imaging.budget import DecodeBudget
from resnet_desktop.imaging.decode import decode_image
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.inference import runtime
from resnet_desktop.inference.session import Session
from resnet_desktop.jobs.job import Recipe
from resnet_desktop.runs.feature_cache import ASKED_AT_ONCE, LARGEST, key, seed_of
from resnet_desktop.runs.fingerprints import fingerprints
from resnet_desktop.runs.linear.device import candidates, device_name, faster

FORMAT = 1
"""Changes whenever the same photo would get other features."""
BATCH = 8
"""Photos in a run: few, so that a command is heard soon; more are not faster on a processor."""

Halves = NDArray[np.float16]
Floats = NDArray[np.float32]
Skipped = list[tuple[Sample, ResNetDesktopError]]
_Picture = NDArray[np.float32] | NDArray[np.uint8]
"""The input float32 ``(3, crop, crop)``, or what it is still to be made of, uint8 ``(crop, crop, 3)``."""


@dataclass(frozen=True, eq=False)
class Features:
    """``values`` float16 ``(views, n, width)`` of ``samples``; the first view is the photo as the app sees it."""

    values: Halves
    samples: tuple[Sample, ...]

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class indices ``(n,)``."""
        return np.array([sample.label for sample in self.samples], np.int64)

    @property
    def plain(self) -> Floats:
        """Of the photos as the app sees them, float32 ``(n, width)``."""
        found: Floats = self.values[0].astype(np.float32)
        return found

    def __len__(self) -> int:
        return len(self.samples)


@dataclass(frozen=True, slots=True)
class _Row:
    """One view of one photo: where it goes, under which key it is kept, and the seed that it is drawn from."""

    place: int
    view: int
    key: bytes
    seed: int


class Extractor:
    """Computes features of one base.

    Args:
        base: the model.
        head: its last layer.
        recipe: its augmentation and transforms are used.
        checksum: of the base's weights.
        seed: of the run.
        workers: threads that decode.
        device: of the job, ``auto`` or ``cpu``.
        told: called before each batch with the rows done and all rows, those of earlier calls and those ahead included;
            may raise to end the work.

    Attributes:
        device: what computes, ``cpu`` or the name of a GPU.

    Raises:
        ModelError: ONNX Runtime cannot load the base.
    """

    def __init__(
        self,
        base: Bundle,
        head: Head,
        recipe: Recipe,
        *,
        checksum: str,
        seed: int,
        workers: int,
        device: str = "auto",
        told: Callable[[int, int], object],
    ) -> None:
        assert recipe.transforms is not None, "filled in before"
        self.transforms: Transforms = recipe.transforms
        self.width = head.width
        model = features_model(logits_graph(base), head).SerializeToString()
        self._session = faster(
            candidates(device),
            lambda provider: Session(base, provider, model=model, outputs=(FEATURES,)),
            self._blank(),
        )
        self.device = device_name(self._session.provider)
        self._name, self._recipe, self._seed, self._workers, self._told = base.path.stem, recipe, seed, workers, told
        plain = [FORMAT, checksum, "onnxruntime", runtime.library().__version__, self.transforms.to_json()]
        shown = [recipe.crop_scale, recipe.jitter, seed]
        self._contexts = [json.dumps(plain), json.dumps([*plain, *shown])]
        self.computed = 0
        self.seconds = 0.0

    def run(self, x: Floats) -> Floats:
        """Features float32 ``(n, width)`` of prepared photos. Raises ModelError if they are no numbers."""
        found = self._session.run(x)[FEATURES]
        if not np.isfinite(found).all():
            message = f"The base {self._name} answers with values that are no numbers: its weights are damaged."
            raise ModelError(
                "damaged_model", message, "Copy or download it again, or choose another model as the base."
            )
        return found

    def close(self) -> None:
        """Give the base's memory back; nothing more can be computed."""
        del self._session

    def run_blank(self) -> None:
        """Run one empty batch: the first run is slower than those that follow."""
        self.run(self._blank())

    def _blank(self) -> Floats:
        side = self.transforms.crop
        return np.zeros((BATCH, 3, side, side), np.float32)

    def __call__(
        self, samples: Sequence[Sample], views: int, cache: ValueCache | None, ahead: int = 0
    ) -> tuple[Features, Skipped]:
        """Features of ``samples`` in ``views`` views each; photos that cannot be read are left out and returned.

        ``ahead``: so many rows will be asked for after these.
        """
        skipped: list[tuple[int, ResNetDesktopError]] = []
        wanted: list[_Row] = []
        for place, (_, digest) in enumerate(fingerprints(samples, self._workers)):
            self._told(0, 0)
            if isinstance(digest, ResNetDesktopError):
                skipped.append((place, digest))
            else:
                wanted += [self._row(place, view, digest) for view in range(views)]
        values = np.zeros((views, len(samples), self.width), np.float16)
        missing = self._remembered(wanted, values, cache)
        skipped += self._compute(samples, missing, values, cache, ahead)
        self.device = device_name(self._session.provider)  # a GPU that fails leaves the rest to the processor
        lost = sorted(skipped, key=lambda pair: pair[0])
        bad = {place for place, _ in lost}
        kept = [place for place in range(len(samples)) if place not in bad]
        found = values if not bad else values[:, kept]
        return Features(found, tuple(samples[i] for i in kept)), [(samples[i], error) for i, error in lost]

    def _input(self, picture: _Picture) -> Floats:
        if picture.dtype == np.uint8:
            return drawn.normalized(picture.astype(np.uint8, copy=False), self.transforms)
        return picture.astype(np.float32, copy=False)

    def _row(self, place: int, view: int, digest: bytes) -> _Row:
        return _Row(place, view, key(self._contexts[view > 0], view, digest), seed_of(self._seed, view, digest))

    def _remembered(self, wanted: list[_Row], values: Halves, cache: ValueCache | None) -> dict[int, list[_Row]]:
        """Take what is known from the cache; what is not, by photo."""
        missing: dict[int, list[_Row]] = {}
        for start in range(0, len(wanted), ASKED_AT_ONCE):
            rows = wanted[start : start + ASKED_AT_ONCE]
            known = {} if cache is None else cache.get([row.key for row in rows])
            for row in rows:
                if len(known.get(row.key, b"")) == 2 * self.width:
                    values[row.view, row.place] = np.frombuffer(known[row.key], np.float16)
                else:
                    missing.setdefault(row.place, []).append(row)
        return missing

    def _compute(
        self,
        samples: Sequence[Sample],
        missing: dict[int, list[_Row]],
        values: Halves,
        cache: ValueCache | None,
        ahead: int,
    ) -> list[tuple[int, ResNetDesktopError]]:
        """Compute what is missing, in batches that are always full, so that no row depends on how many there are."""
        total = sum(len(rows) for rows in missing.values())
        skipped: list[tuple[int, ResNetDesktopError]] = []
        started, done = time.monotonic(), 0
        pending: list[tuple[_Row, _Picture]] = []

        def flush() -> None:
            nonlocal done
            self._told(self.computed + done, self.computed + total + ahead)
            some = pending[:BATCH]
            rows = [self._input(picture) for _, picture in some]
            x = np.stack([*rows, *[rows[-1]] * (BATCH - len(rows))])
            found = np.clip(self.run(x)[: len(some)], -LARGEST, LARGEST).astype(np.float16)
            if cache is not None:
                cache.put({row.key: found[i].tobytes() for i, (row, _) in enumerate(some)})
            for i, (row, _) in enumerate(some):
                values[row.view, row.place] = found[i]
            del pending[:BATCH]
            done += len(some)

        places = sorted(missing)
        with contextlib.closing(self._pictures(samples, places, missing)) as photos:
            for place, found in photos:
                if isinstance(found, ResNetDesktopError):
                    skipped.append((place, found))
                    continue
                pending += zip(missing[place], found, strict=True)
                while len(pending) >= BATCH:
                    flush()
        while pending:
            flush()
        self.computed, self.seconds = self.computed + done, self.seconds + time.monotonic() - started
        return skipped

    def _pictures(
        self, samples: Sequence[Sample], places: Sequence[int], missing: dict[int, list[_Row]]
    ) -> Generator[tuple[int, list[_Picture] | ResNetDesktopError]]:
        """What each photo's missing rows show, decoded on a pool, a bounded window ahead."""
        budget, transforms, recipe = DecodeBudget(), self.transforms, self._recipe
        rows_of = {samples[place]: missing[place] for place in places}

        def work(sample: Sample, source: bytes | Path) -> list[_Picture] | ResNetDesktopError:
            side, values = transforms.decode_side, transforms.range or "tags"
            try:
                image, size, _ = decode_image(source, shorter_side=side, budget=budget, range=values)
            except ImageError as error:
                return error
            return [
                # Views stay bytes, a quarter of the room, until it is their turn.
                drawn.seen_through(drawn.draw(row.seed, recipe.crop_scale, recipe.jitter), image, transforms)
                if row.view
                else transforms.apply(image, full_size=size)
                for row in rows_of[sample]
            ]

        with contextlib.closing(
            thread_pool.on_pool([samples[place] for place in places], work, self._workers)
        ) as results:
            for place, (_, found) in zip(places, results, strict=True):
                yield place, found
