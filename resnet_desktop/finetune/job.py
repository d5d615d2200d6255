"""The job file of the trainer: what to train on what, read strictly.

Version 1 of the format. Beside the keys that every parent knows there are two for training from scratch, both null
when left out: ``classes`` (folder name to label: which class folders are used, in which order, under which label) and
``recipe`` (network, schedule, augmentation, optimizer). A key that is unknown or a value that is absurd is refused by
name, before anything runs.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resnet_desktop.core.errors import JobError, ModelError
from resnet_desktop.imaging.transforms import Transforms

VERSION = 1
DEFAULT_BASE = "resnet50-everyday40"
"""The model that comes with the app."""
TRAIN_CHOICES = ("head", "last-stage", "last-two-stages", "all", "scratch")
ROLES = ("training", "validation", "test")
PRESETS = ("quick", "balanced", "best")
CONTROLS = ("stdin", "none")
OPTIMIZERS = ("sgd", "adamw")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")


def bad(message: str) -> JobError:
    """The error of a job file: one sentence that names the key."""
    return JobError("bad_job", message)


class Fields:
    """Takes checked values out of one JSON object by key; what is left over at the end is refused."""

    def __init__(self, values: object, where: str) -> None:
        if not isinstance(values, Mapping):
            raise bad(f"{where} must be a JSON object.")
        self._left: dict[str, Any] = {str(k): v for k, v in values.items()}
        self._where = where

    def text(self, key: str, default: str, choices: tuple[str, ...] = ()) -> str:
        """A string, one of ``choices`` where given."""
        value = self._left.pop(key, default)
        if not isinstance(value, str) or (choices and value not in choices):
            expected = f"one of {', '.join(choices)}" if choices else "a text"
            raise bad(f"{self._name(key)} must be {expected}, not {value!r}.")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self._left.pop(key, default)
        if not isinstance(value, bool):
            raise bad(f"{self._name(key)} must be true or false, not {value!r}.")
        return value

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """A finite number between ``low`` and ``high``."""
        value = self._left.pop(key, default)
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not good or not low <= value <= high:
            raise bad(f"{self._name(key)} must be a number from {low:g} to {high:g}, not {value!r}.")
        return float(value)

    def integer(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number between ``low`` and ``high``."""
        value = self._left.pop(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise bad(f"{self._name(key)} must be a whole number from {low} to {high}, not {value!r}.")
        return value

    def maybe_integer(self, key: str, low: int, high: int) -> int | None:
        """A whole number, or None for null."""
        if self._left.get(key) is None:
            self._left.pop(key, None)
            return None
        return self.integer(key, low, low, high)

    def maybe_number(self, key: str, low: float, high: float) -> float | None:
        """A number, or None for null."""
        if self._left.get(key) is None:
            self._left.pop(key, None)
            return None
        return self.number(key, low, low, high)

    def items(self, key: str) -> list[Any]:
        """A list (empty when left out)."""
        value = self._left.pop(key, [])
        if not isinstance(value, list):
            raise bad(f"{self._name(key)} must be a list, not {value!r}.")
        return value

    def texts(self, key: str) -> dict[str, str]:
        """An object of texts (empty when left out or null)."""
        value = self._left.pop(key, None) or {}
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise bad(f"{self._name(key)} must be a JSON object of texts.")
        return value

    def anything(self, key: str) -> Any:  # noqa: ANN401 - checked by whoever asks
        """The value as it stands, None when left out."""
        return self._left.pop(key, None)

    def finish(self) -> None:
        """Refuse the keys that nobody asked for."""
        if self._left:
            names = ", ".join(repr(k) for k in sorted(self._left))
            raise bad(f"{self._where} has keys that are not known: {names}.")

    def _name(self, key: str) -> str:
        return f"'{key}' of {self._where}"


@dataclass(frozen=True, slots=True)
class DataSource:
    """A folder (or zip file) of class folders, or of train/val/test trees of them.

    ``role`` says what all its pictures are for; None leaves it to the tree: what no tree names is split.
    """

    folder: str
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """Fractions of the training pictures of every class that are set apart."""

    validation: float = 0.2
    test: float = 0.0
    group_duplicates: bool = True


@dataclass(frozen=True, slots=True)
class HeadShape:
    """The head: a linear layer, or one hidden layer before it; dropout on its inputs while training."""

    hidden: int | None = None
    dropout: float = 0.0


@dataclass(frozen=True, slots=True)
class Phase:
    """A run of epochs at one picture size (pixels along a side)."""

    epochs: int
    size: int
    batch_size: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained from scratch.

    ``crop_scale`` bounds the part of the picture's area that a training crop shows (Szegedy et al. 2014); ``jitter`` is
    the largest relative change of brightness, contrast and saturation; ``label_smoothing`` as Szegedy et al. 2015;
    ``warmup`` the fraction of all steps in which the learning rate rises before it falls along a half cosine. ``mixup``
    and ``cutmix`` are the parameters of the Beta distributions of Zhang et al. 2017 and Yun et al. 2019, 0 for neither;
    with both, each batch takes one of them. ``ema`` is the decay, for each step, of an average of the weights that is
    evaluated and exported in their place; 0 for none.
    """

    arch: str = "resnet50"
    schedule: tuple[Phase, ...] = ()
    crop_scale: tuple[float, float] = (0.35, 1.0)
    jitter: float = 0.0
    label_smoothing: float = 0.1
    optimizer: str = "sgd"
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup: float = 0.1
    precision: str = "auto"
    transforms: Transforms | None = None
    mixup: float = 0.0
    cutmix: float = 0.0
    ema: float = 0.0


@dataclass(frozen=True, slots=True)
class Job:
    """Everything the trainer has to know. Fields that are None are chosen by the preset and the machine."""

    data: tuple[DataSource, ...]
    output: str
    base: str = DEFAULT_BASE
    train: str = "head"
    head: HeadShape = field(default_factory=HeadShape)
    split: Split = field(default_factory=Split)
    exclude: tuple[str, ...] = ()
    relabel: Mapping[str, str] = field(default_factory=dict)
    preset: str = "balanced"
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    input_size: int | None = None
    seed: int = 0
    device: str = "auto"
    workers: int | None = None
    control: str = "stdin"
    classes: Mapping[str, str] | None = None
    recipe: Recipe | None = None

    def as_dict(self) -> dict[str, Any]:
        """The job as JSON values; ``parse_job`` reads it back to an equal job."""
        values = dataclasses.asdict(self)
        if self.recipe is not None and self.recipe.transforms is not None:
            values["recipe"]["transforms"] = self.recipe.transforms.to_json()
        return {"v": VERSION, **values}


def read_job(path: Path) -> Job:
    """Read a job file; relative paths in it stay relative to the working directory. Raises JobError."""
    try:
        values = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise bad(f"The job file {path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise bad(f"The job file {path} is not JSON: {error}.") from error
    return parse_job(values)


def parse_job(values: object) -> Job:
    """Check every key of a job and fill in the defaults. Raises JobError that names the key."""
    fields = Fields(values, "the job")
    version = fields.integer("v", VERSION, 1, 10**6)
    if version != VERSION:
        raise bad(f"The job has version {version}; this trainer reads version {VERSION}.")
    job = Job(
        data=_sources(fields.items("data")),
        output=fields.text("output", ""),
        base=fields.text("base", DEFAULT_BASE),
        train=fields.text("train", "head", TRAIN_CHOICES),
        head=_head(fields.anything("head")),
        split=_split(fields.anything("split")),
        exclude=tuple(str(x) for x in fields.items("exclude")),
        relabel=fields.texts("relabel"),
        preset=fields.text("preset", "balanced", PRESETS),
        epochs=fields.maybe_integer("epochs", 1, 10_000),
        batch_size=fields.maybe_integer("batch_size", 1, 65_536),
        learning_rate=fields.maybe_number("learning_rate", 1e-8, 100.0),
        input_size=fields.maybe_integer("input_size", 16, 1024),
        seed=fields.integer("seed", 0, 0, 2**31 - 1),
        device=fields.text("device", "auto"),
        workers=fields.maybe_integer("workers", 0, 256),
        control=fields.text("control", "stdin", CONTROLS),
        classes=fields.texts("classes") or None,
        recipe=_recipe(fields.anything("recipe")),
    )
    fields.finish()
    if not job.output:
        raise bad("'output' of the job is missing: the folder that the run goes to.")
    return job


def _sources(items: list[Any]) -> tuple[DataSource, ...]:
    found = []
    for i, item in enumerate(items):
        fields = Fields(item, f"data[{i}] of the job")
        folder = fields.text("folder", "")
        role = fields.anything("role")
        fields.finish()
        if not folder:
            raise bad(f"'folder' of data[{i}] of the job is missing.")
        if role is not None and role not in ROLES:
            raise bad(f"'role' of data[{i}] of the job must be one of {', '.join(ROLES)} or null, not {role!r}.")
        found.append(DataSource(folder, role))
    if not found:
        raise bad("'data' of the job names no folder.")
    return tuple(found)


def _head(value: object) -> HeadShape:
    fields = Fields({} if value is None else value, "'head' of the job")
    head = HeadShape(fields.maybe_integer("hidden", 1, 65_536), fields.number("dropout", 0.0, 0.0, 0.95))
    fields.finish()
    return head


def _split(value: object) -> Split:
    fields = Fields({} if value is None else value, "'split' of the job")
    split = Split(
        fields.number("validation", 0.2, 0.0, 0.9),
        fields.number("test", 0.0, 0.0, 0.9),
        fields.flag("group_duplicates", default=True),
    )
    fields.finish()
    if split.validation + split.test > 0.95:
        raise bad("'split' of the job leaves nothing to train on.")
    return split


def _recipe(value: object) -> Recipe | None:
    if value is None:
        return None
    fields = Fields(value, "'recipe' of the job")
    scale = fields.anything("crop_scale") or [0.35, 1.0]
    if not (isinstance(scale, list | tuple) and len(scale) == 2 and all(isinstance(s, (int, float)) for s in scale)):
        raise bad("'crop_scale' of 'recipe' of the job must be two numbers.")
    low, high = float(scale[0]), float(scale[1])
    if not 0.01 <= low <= high <= 1.0:
        raise bad("'crop_scale' of 'recipe' of the job must rise and lie between 0.01 and 1.")
    recipe = Recipe(
        arch=fields.text("arch", "resnet50"),
        schedule=_schedule(fields.items("schedule")),
        crop_scale=(low, high),
        jitter=fields.number("jitter", 0.0, 0.0, 0.9),
        label_smoothing=fields.number("label_smoothing", 0.1, 0.0, 0.9),
        optimizer=fields.text("optimizer", "sgd", OPTIMIZERS),
        momentum=fields.number("momentum", 0.9, 0.0, 0.999),
        weight_decay=fields.number("weight_decay", 5e-4, 0.0, 1.0),
        warmup=fields.number("warmup", 0.1, 0.0, 0.9),
        precision=fields.text("precision", "auto", PRECISIONS),
        transforms=_transforms(fields.anything("transforms")),
        mixup=fields.number("mixup", 0.0, 0.0, 10.0),
        cutmix=fields.number("cutmix", 0.0, 0.0, 10.0),
        ema=fields.number("ema", 0.0, 0.0, 0.999999),
    )
    fields.finish()
    return recipe


def _schedule(items: list[Any]) -> tuple[Phase, ...]:
    phases = []
    for i, item in enumerate(items):
        fields = Fields(item, f"schedule[{i}] of the recipe")
        epochs = fields.integer("epochs", 1, 1, 10_000)
        phases.append(Phase(epochs, fields.integer("size", 64, 16, 1024), fields.integer("batch_size", 64, 1, 65_536)))
        fields.finish()
    return tuple(phases)


def _transforms(value: object) -> Transforms | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise bad("'transforms' of 'recipe' of the job must be a JSON object.")
    try:
        return Transforms.from_json(value)
    except ModelError as error:
        raise bad(f"'transforms' of 'recipe' of the job: {error.message}") from error
