"""What is on offer for a model on this machine, as plain values: how it runs, how fast that is, how often it agrees."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeGuard

from resnet_desktop.inference.way import USUAL, Way

FASTER = 1.05
"""What is less than so many times as fast is not offered."""
AGREE = 0.98
"""From this share of equal best classes on, no other recipe is tried, and nothing is said against an offer."""
WORST = 0.9
"""What agrees on less is another classifier, and not offered."""


@dataclass(frozen=True, slots=True)
class Setup:
    """A way of running a model.

    Attributes:
        variant: the kind of file (``int8``, ``float16``); None: the one that is installed.
        provider: ONNX Runtime's name.
        way: photos and cores at once.
    """

    variant: str | None
    provider: str
    way: Way = USUAL

    def as_dict(self) -> dict[str, Any]:
        """As it stands in JSON."""
        way = {"threads": self.way.threads, "photos": self.way.photos, "batch": self.way.batch}
        return {"variant": self.variant, "provider": self.provider, **way}

    @classmethod
    def from_dict(cls, values: object) -> Setup | None:
        """As ``as_dict`` gave it; None for anything else."""
        if not isinstance(values, Mapping):
            return None
        variant, provider, batch = (values.get(key) for key in ("variant", "provider", "batch"))
        threads, photos = values.get("threads"), values.get("photos")
        if not isinstance(provider, str) or not (variant is None or isinstance(variant, str)):
            return None
        if not _is_count(threads) or not _is_count(photos) or not (batch is None or (_is_count(batch) and batch)):
            return None
        return cls(variant, provider, Way(threads, photos, batch))


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and value >= 0


@dataclass(frozen=True, slots=True)
class Speed:
    """Of one setup.

    Attributes:
        images_per_second: of each round, in their order.
        times_as_fast: the median of what each round was against the round of the model as installed beside it.
    """

    images_per_second: tuple[float, ...]
    times_as_fast: float

    @property
    def median(self) -> float:
        """Images a second."""
        return statistics.median(self.images_per_second)

    def as_dict(self) -> dict[str, Any]:
        """As it stands in JSON."""
        rounds = self.images_per_second
        return {
            "images_per_second": round(self.median, 2),
            "slowest": round(min(rounds), 2),
            "fastest": round(max(rounds), 2),
            "rounds": len(rounds),
            "times_as_fast": round(self.times_as_fast, 3),
        }


@dataclass(frozen=True, slots=True)
class Agreement:
    """How the answers of a variant compare with those of the model as installed, on photos it did not learn from.

    Attributes:
        photos: how many.
        same: the share of them that have the same best class; of labels that are rated by themselves, the same present.
        largest_change: of any probability, a fraction of 1.
        mean_change: of the probability of the best class, on average.
        same_warning: the share with the same verdict on whether they are unfamiliar; None for a model without a rule.
    """

    photos: int
    same: float
    largest_change: float
    mean_change: float
    same_warning: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """As it stands in JSON."""
        return {key: round(value, 5) if isinstance(value, float) else value for key, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that was faster here.

    Attributes:
        name: by which it is asked for.
        setup: how the model then runs.
        speed: of that.
        agreement: of its answers; None where they are computed by the very same network and provider.
        recipe: how its file was made; None without one of its own.
        warns: whether it says which photos are unfamiliar; None where the model as installed does not.
    """

    name: str
    setup: Setup
    speed: Speed
    agreement: Agreement | None = None
    recipe: str | None = None
    warns: bool | None = None

    @property
    def doubtful(self) -> bool:
        """Whether it answers otherwise too often to be used without a thought."""
        return self.agreement is not None and self.agreement.same < AGREE

    def as_dict(self) -> dict[str, Any]:
        """As it stands in JSON."""
        agreement = None if self.agreement is None else self.agreement.as_dict()
        told = {"name": self.name, **self.setup.as_dict(), **self.speed.as_dict()}
        return {**told, "agreement": agreement, "recipe": self.recipe, "warns": self.warns}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was tried and is not on offer, and why, in a sentence."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Tuning:
    """All that was measured for a model.

    Attributes:
        model: its name.
        sha256: of its file.
        cores: that the process may use.
        learnt: photos that ranges were learnt from.
        judged: other photos, on which answers were compared.
        unreadable: photos that could not be read.
        installed: the model as installed.
        offers: what was faster, the fastest first.
        refused: the rest.
    """

    model: str
    sha256: str
    cores: int
    learnt: int
    judged: int
    unreadable: int
    installed: Offer
    offers: tuple[Offer, ...]
    refused: tuple[Refusal, ...] = ()

    def offer(self, name: str) -> Offer | None:
        """The one of that name."""
        return next((offer for offer in self.offers if offer.name == name), None)

    def as_dict(self) -> dict[str, Any]:
        """As it stands in JSON."""
        told = {key: getattr(self, key) for key in ("model", "sha256", "cores", "learnt", "judged", "unreadable")}
        told["installed"] = self.installed.as_dict()
        told["offers"] = [offer.as_dict() for offer in self.offers]
        return {**told, "refused": [asdict(refusal) for refusal in self.refused]}
