"""The finished bundle's own answers, by the app's own road, and what they come to.

Everything that a report says of the model is measured on these answers: the file as it will be used, not the network
that it was made from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.builders.resnet import POOLED
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.core.errors import ImageError, ResNetDesktopError
from resnet_desktop.data.dataset import Sample
from resnet_desktop.data.pictures import thread_pool as pools
from resnet_desktop.imaging.decode import decode_image
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.inference.novelty import similarity
from resnet_desktop.inference.session import Session
from resnet_desktop.runs.evaluation import calibrate, novelty, scores

BATCH = 8
"""Pictures in a run of the bundle: few, so that a command is heard soon."""
LARGEST_TABLE = 200
"""Classes up to which the confusion table is written out."""

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Answers:
    """Logits float32 ``(n, classes)`` of ``samples``, whose right classes are ``labels`` ``(n,)``.

    ``familiar`` ``(n,)`` is how near each comes to the prototypes of what was learnt from, as a cosine.
    """

    samples: tuple[Sample, ...]
    labels: Ints
    logits: Floats
    familiar: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.samples)


@dataclass(frozen=True, slots=True)
class Fitted:
    """What the validation pictures teach about confidence: nothing where there are none."""

    temperature: float = 1.0
    novelty: dict[str, Any] | None = None


def ask(
    bundle: Bundle,
    session: Session,
    samples: Sequence[Sample],
    workers: int,
    prototypes: Floats,
    told: Callable[[int], object],
    layer: str = POOLED,
) -> Answers:
    """The bundle's logits on all pictures that can be read, and how familiar each is.

    Args:
        bundle: what is asked.
        session: of the bundle, with the pooled features as another output.
        samples: the pictures.
        workers: threads that decode.
        prototypes: of what was learnt from, ``(count, width)``.
        told: hears of the number done before each run.
        layer: the tensor with the pooled features.
    """
    kept: list[Sample] = []
    logits: list[Floats] = [np.empty((0, bundle.classes), np.float32)]
    familiar: list[NDArray[np.float64]] = [np.empty(0)]
    for some, x in batches(samples, bundle.metadata.transforms, workers):
        told(len(kept))
        found = session.run(x)
        logits.append(found[bundle.output_name])
        familiar.append(similarity(found[layer], prototypes) if len(prototypes) else np.zeros(len(some)))
        kept += some
    labels = np.array([s.label for s in kept], np.int64)
    return Answers(tuple(kept), labels, np.concatenate(logits), np.concatenate(familiar))


def pooled(
    bundle: Bundle,
    session: Session,
    samples: Sequence[Sample],
    workers: int,
    told: Callable[[int], object],
    layer: str = POOLED,
) -> Floats:
    """The pooled features ``(n, width)`` of all pictures that can be read; arguments as for ``ask``."""
    rows: list[Floats] = []
    for _, x in batches(samples, bundle.metadata.transforms, workers):
        told(sum(len(row) for row in rows))
        rows.append(session.run(x)[layer])
    return np.concatenate(rows) if rows else np.empty((0, 0), np.float32)


def batches(samples: Sequence[Sample], transforms: Transforms, workers: int) -> Iterator[tuple[list[Sample], Floats]]:
    """Samples with their inputs ``(n, 3, crop, crop)``, as the app makes them; unreadable pictures are left out."""

    def work(_sample: Sample, source: bytes | Path) -> Floats | ResNetDesktopError:
        try:
            image, full_size, _ = decode_image(
                source, shorter_side=transforms.decode_side, range=transforms.range or "tags"
            )
        except ImageError as error:
            return error  # the scan has named it already, or it has vanished since
        return transforms.apply(image, full_size=full_size)

    some: list[Sample] = []
    rows: list[Floats] = []
    for sample, row in pools.on_pool(samples, work, workers):
        if isinstance(row, ResNetDesktopError):
            continue
        some.append(sample)
        rows.append(row)
        if len(rows) == BATCH:
            yield some, np.stack(rows)
            some, rows = [], []
    if rows:
        yield some, np.stack(rows)


def fit(
    validation: Answers,
    test: Answers,
    prototypes: Floats,
    learnt: NDArray[np.float64] | None = None,
    layer: str = POOLED,
) -> Fitted:
    """Temperature and the rule about unfamiliar pictures, from the validation pictures.

    ``learnt``: how familiar the training pictures are to each other, where the features did not learn from them.
    """
    if not len(validation):
        return Fitted()
    temperature = calibrate.fit_temperature(validation.logits, validation.labels)
    rule = novelty.rule(prototypes, validation.familiar, test.familiar, learnt, layer) if len(prototypes) else None
    return Fitted(temperature, rule)


def metrics(answers: Answers, which: str, fitted: Fitted, names: Sequence[str]) -> dict[str, Any]:
    """Accuracy and calibration, as the ``finished`` event and the bundle tell them."""
    if not len(answers):
        return {"acc1": None, "acc1_interval": None, "images": 0, "ece": None}
    labels, predicted = answers.labels, answers.logits.argmax(1)
    p, raw = scores.softmax(answers.logits, fitted.temperature), scores.softmax(answers.logits)
    rows = scores.per_class(predicted, labels, names)
    return {
        **scores.accuracy(answers.logits, labels),
        "on": which,
        "loss": round(float(scores.losses(p, labels).mean()), 4),
        "ece": round(calibrate.expected_calibration_error(p, labels), 4),
        "ece_uncalibrated": round(calibrate.expected_calibration_error(raw, labels), 4),
        "per_class": {row["label"]: row["recall"] for row in rows if row["support"]},
    }


def results(
    validation: Answers,
    test: Answers,
    fitted: Fitted,
    names: Sequence[str],
    found: dict[str, Any],
    role: str = "validation",
) -> dict[str, Any]:
    """All of ``results.json``. The tables are of the test pictures, or of the validation pictures where there are none.

    Args:
        validation: answers on the validation pictures; each is listed.
        test: answers on the test pictures; they too are listed.
        fitted: temperature and novelty rule.
        names: of the classes.
        role: what the first are called.
        found: ``metrics``, ``history``, ``suspects`` among the training pictures, and ``doubts``: how those were looked
            for.
    """
    judged = test if len(test) else validation
    predicted, p = judged.logits.argmax(1), scores.softmax(judged.logits, fitted.temperature)
    pictures = [*_pictures(validation, fitted, names, role), *_pictures(test, fitted, names, "test")]
    doubted = [
        {k: row[k] for k in ("path", "label", "predicted", "probability", "role")} for row in pictures if row["suspect"]
    ]
    classes = len(names)
    return {
        "labels": list(names),
        "metrics": found["metrics"],
        "per_class": scores.per_class(predicted, judged.labels, names),
        "confusion": scores.confusion(predicted, judged.labels, classes) if classes <= LARGEST_TABLE else None,
        "pictures": pictures,
        "suspects": sorted([*doubted, *found["suspects"]], key=lambda row: -row["probability"]),
        "doubts": {"training": found["doubts"], "apart": _looked_at(validation, names) + _looked_at(test, names)},
        "reliability": {
            "before": scores.reliability(scores.softmax(judged.logits), judged.labels) if len(judged) else [],
            "after": scores.reliability(p, judged.labels) if len(judged) else [],
        },
        "temperature": fitted.temperature,
        "novelty": novelty.told(fitted.novelty),
        "history": found["history"],
    }


def _looked_at(answers: Answers, names: Sequence[str]) -> int:
    """How many pictures were asked whether their label is wrong: those of classes with enough of them."""
    return int(scores.judgeable(answers.labels, len(names))[answers.labels].sum())


def _pictures(answers: Answers, fitted: Fitted, names: Sequence[str], role: str) -> list[dict[str, Any]]:
    """Each picture and what the bundle makes of it, the worst first."""
    if not len(answers):
        return []
    p = scores.softmax(answers.logits, fitted.temperature)
    losses, doubted = scores.losses(p, answers.labels), scores.suspects(p, answers.labels)
    return [
        {
            "path": answers.samples[i].name,
            "label": names[answers.labels[i]],
            "predicted": names[int(p[i].argmax())],
            "probability": round(float(p[i].max()), 5),
            "loss": round(float(losses[i]), 5),
            "suspect": bool(doubted[i]),
            "role": role,
        }
        for i in np.argsort(-losses).tolist()
    ]
