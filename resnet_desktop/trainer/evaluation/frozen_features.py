"""The features in front of the head, computed once where all but the head is frozen.

Each picture passes through the frozen network once as the app sees it and once for each augmented view. A view's
augmentation depends on the seed, the picture's content and the view's number alone, so that it is the same in whatever
precision and from whatever base; its key in the cache names those, too. Pictures that are added, or a run that is
repeated, cost only what is new.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from resnet_desktop.core import paths
from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.core.value_cache import ValueCache
from resnet_desktop.data.dataset import Sample
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.jobs.job import Recipe
from resnet_desktop.trainer.distributed.process_group import ProcessGroup
from resnet_desktop.trainer.inputs import memory
from resnet_desktop.trainer.inputs.augment import Augmenter, Draws
from resnet_desktop.trainer.inputs.picture_tensor import Skipped, decoded, fingerprints, square
from resnet_desktop.trainer.network.classifier import Classifier
from resnet_desktop.trainer.step.train_step import autocast

FORMAT = 3
"""Changes whenever the same picture would get other features."""
CPU_BATCH = 16
DEVICE_BATCH = 128
LIMIT = 2 * 2**30
"""Bytes of features that are remembered."""
ASKED_AT_ONCE = 2000
"""Rows whose features are taken from the cache together, 8 MB of 2048 numbers."""
LARGEST = 65504.0
"""Of float16, in which features are kept."""


def features_cache() -> ValueCache:
    """Where the features of all runs are remembered."""
    return ValueCache(paths.cache_folder() / "features.sqlite", LIMIT)


@dataclass(frozen=True, slots=True)
class Features:
    """``values`` float16 ``[views, n, features]`` of ``samples``, with their ``labels`` int64 ``[n]``."""

    values: Tensor
    labels: Tensor
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """One view of one picture: where it goes, under which key it is kept, and the seed of its augmentation."""

    place: int
    view: int
    key: bytes
    seed: int


_Pending = list[tuple[_Row, NDArray[np.uint8]]]


class Extractor:
    """Computes features of one frozen network.

    Args:
        network: on its device, in evaluation mode.
        augmenter: of the views.
        recipe: its augmentation and precision are used, and its transforms.
        base: checksum of the weights of ``network``.
        seed: of the run.
        side: pixels along a side of the squares that views are drawn from.
        workers: threads that decode.
        told: called before each batch with the rows done and all rows, those of earlier calls and those ahead included;
            may raise to end the work.
    """

    def __init__(
        self,
        network: Classifier,
        augmenter: Augmenter,
        recipe: Recipe,
        *,
        base: str,
        seed: int,
        side: int,
        workers: int,
        told: Callable[[int, int], object],
        world: ProcessGroup | None = None,
    ) -> None:
        assert recipe.transforms is not None, "filled in before"
        self._network, self._augmenter, self._recipe = network, augmenter, recipe
        self._transforms: Transforms = recipe.transforms
        self._side, self._workers, self._told, self._seed = side, workers, told, seed
        self._world = world or ProcessGroup()
        self._device = next(network.parameters()).device
        self._batch = CPU_BATCH if self._device.type == "cpu" else DEVICE_BATCH
        self._width = network.width
        plain = [FORMAT, base, self._transforms.to_json(), side, self._device.type, torch.__version__]
        drawn = [recipe.precision, recipe.crop_scale, recipe.jitter, seed]
        self._contexts = [json.dumps(plain), json.dumps([*plain, *drawn])]
        self._ahead = 0
        self.computed = 0
        self.seconds = 0.0

    def seconds_per_picture(self) -> float:
        """What it takes to send a picture through the network: as it was just now, else tried on an empty batch."""
        if self.computed:
            return self.seconds / self.computed
        side = self._transforms.crop
        x = torch.zeros(self._batch, 3, side, side, device=self._device)
        started = time.monotonic()
        self._forward(x, exact=True).cpu()
        return (time.monotonic() - started) / self._batch

    def __call__(
        self, samples: Sequence[Sample], views: int, cache: ValueCache, ahead: int = 0
    ) -> tuple[Features, Skipped]:
        """Features of ``samples`` in ``views`` views each; pictures that cannot be read are left out and returned.

        ``ahead``: so many rows will be asked for after these.
        """
        self._ahead = ahead
        mine = [samples[i] for i in self._world.rows(len(samples)).tolist()]
        values, skipped = self._extract(mine, views, cache)
        if self._world.size > 1:
            values, skipped = self._joined(values, skipped, len(samples))
        bad = {place for place, _ in skipped}
        kept = [i for i in range(len(samples)) if i not in bad]
        chosen = tuple(samples[i] for i in kept)
        labels = torch.tensor([s.label for s in chosen], dtype=torch.int64)
        return Features(values[:, kept], labels, chosen), [(samples[i], error) for i, error in skipped]

    def _extract(
        self, samples: Sequence[Sample], views: int, cache: ValueCache
    ) -> tuple[Tensor, list[tuple[int, ResNetDesktopError]]]:
        skipped: list[tuple[int, ResNetDesktopError]] = []
        wanted: list[_Row] = []
        for place, (_, digest) in enumerate(fingerprints(samples, self._workers)):
            self._told(0, 0)
            if isinstance(digest, ResNetDesktopError):
                skipped.append((place, digest))
            else:
                wanted += [self._row(place, view, digest) for view in range(views)]
        values = torch.zeros(views, len(samples), self._width, dtype=torch.float16)
        missing: dict[int, list[_Row]] = {}
        for start in range(0, len(wanted), ASKED_AT_ONCE):  # all at once they would lie in memory twice
            rows = wanted[start : start + ASKED_AT_ONCE]
            known = cache.get([row.key for row in rows])
            for row in rows:
                if row.key in known:
                    values[row.view, row.place] = torch.frombuffer(bytearray(known[row.key]), dtype=torch.float16)
                else:
                    missing.setdefault(row.place, []).append(row)
        skipped += self._compute(samples, missing, values, cache)
        return values, skipped

    def _row(self, place: int, view: int, digest: bytes) -> _Row:
        key = hashlib.sha256(f"{self._contexts[view > 0]} {view} ".encode() + digest).digest()
        drawn = hashlib.sha256(f"{self._seed} {view} ".encode() + digest).digest()
        return _Row(place, view, key, int.from_bytes(drawn[:7], "big"))

    def _compute(
        self, samples: Sequence[Sample], missing: dict[int, list[_Row]], values: Tensor, cache: ValueCache
    ) -> list[tuple[int, ResNetDesktopError]]:
        """Compute what is missing, in batches that are always full, so that no row depends on how many there are."""
        total = sum(len(rows) for rows in missing.values())
        skipped: list[tuple[int, ResNetDesktopError]] = []
        started, done = time.monotonic(), 0
        queues: tuple[_Pending, _Pending] = ([], [])

        def flush(pending: _Pending, count: int) -> None:
            nonlocal done
            self._told(self.computed + done, self.computed + total + self._ahead)
            rows = [row for row, _ in pending[:count]]
            found = self._features(pending[:count])
            cache.put({row.key: found[i].numpy().tobytes() for i, row in enumerate(rows)})
            for i, row in enumerate(rows):
                values[row.view, row.place] = found[i]
            del pending[:count]
            done += count

        places = sorted(missing)
        drawn = any(row.view for rows in missing.values() for row in rows)
        kinds = (self._transforms, square(self._side, self._transforms)) if drawn else (self._transforms,)
        pictures = decoded([samples[place] for place in places], kinds, self._workers)
        for place, (_, found) in zip(places, pictures, strict=True):
            if isinstance(found, ResNetDesktopError):
                skipped.append((place, found))
                continue
            for row in missing[place]:
                pending = queues[row.view > 0]
                pending.append((row, found[row.view > 0]))
                if len(pending) >= self._batch:
                    flush(pending, self._batch)
        for pending in queues:
            while pending:
                flush(pending, min(self._batch, len(pending)))
        self.computed, self.seconds = self.computed + done, self.seconds + time.monotonic() - started
        return skipped

    def _features(self, pending: _Pending) -> Tensor:
        """Pooled features float16 ``[n, features]`` of rows that are all plain or all augmented, on the CPU."""
        full = [*pending, *[pending[-1]] * (self._batch - len(pending))]
        x, plain = self._inputs(full), full[0][0].view == 0
        while True:
            try:
                parts = [self._forward(part, exact=plain) for part in torch.split(x, self._batch)]
                return torch.cat(parts)[: len(pending)].float().clamp(-LARGEST, LARGEST).half().cpu()
            except (RuntimeError, MemoryError) as error:
                if not memory.is_out_of_memory(error) or self._batch == 1:
                    raise
            memory.release(self._device)
            self._batch //= 2

    def _forward(self, x: Tensor, *, exact: bool) -> Tensor:
        # The plain views are what the best epoch is chosen by: they are what the app sees, computed as precisely.
        precision = contextlib.nullcontext() if exact else autocast(self._recipe, self._device)
        with torch.inference_mode(), precision:
            return self._network.pooled(x.contiguous(memory_format=torch.channels_last))

    def _inputs(self, pending: _Pending) -> Tensor:
        """Inputs of rows that are all plain or all augmented."""
        pixels = self._stacked([pixels for _, pixels in pending])
        if pending[0][0].view == 0:
            return self._augmenter.evaluation(pixels, self._transforms.crop, self._transforms.crop)
        generators = (torch.Generator().manual_seed(row.seed) for row, _ in pending)
        draws = Draws.joined([self._augmenter.draw(1, generator) for generator in generators])
        return self._augmenter.training(pixels, self._transforms.crop, draws)

    def _stacked(self, pixels: list[NDArray[np.uint8]]) -> Tensor:
        return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).to(self._device)

    def _joined(
        self, values: Tensor, skipped: list[tuple[int, ResNetDesktopError]], count: int
    ) -> tuple[Tensor, list[tuple[int, ResNetDesktopError]]]:
        """What all processes have found."""
        whole = self._world.gathered(values.transpose(0, 1).contiguous(), count).transpose(0, 1)
        size = self._world.size
        found = enumerate(self._world.gathered_objects(skipped))
        return whole, sorted(((p * size + rank, e) for rank, rows in found for p, e in rows), key=lambda pair: pair[0])
