"""The job file of the trainer: what to train on what, read strictly.

Version 1 of the format. Beside the keys that every parent knows there are two more, both null when left out:
``classes`` (folder name to label: which class folders are used, in which order, under which label) and ``recipe``
(network, schedule, augmentation, optimizer; what it leaves open comes from the preset). A key that is unknown or a
value that is absurd is refused by name, before anything runs.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args

from resnet_desktop.core.text.error_text import error_text
from resnet_desktop.data.spec import DataSource, Split
from resnet_desktop.imaging.deep.limits import Range
from resnet_desktop.jobs.fields import Fields, bad, shown
from resnet_desktop.jobs.recipe import Phase, Recipe, Teacher, parse_recipe

__all__ = ["DataSource", "HeadShape", "Job", "Phase", "Recipe", "Split", "Teacher", "parse_job", "read_job"]

VERSION = 1
LARGEST_SEED = 2**31 - 1
DEFAULT_BASE = "efficientnet-lite0-imagenet"
"""Where nobody says what to start from: it has learnt from a million photos of a thousand things."""
TRAIN_CHOICES = ("head", "last-stage", "last-two-stages", "all", "scratch")
ROLES = ("training", "validation", "test")
PRESETS = ("quick", "balanced", "best")
COLUMNS = ("path_column", "label_column")
LEAST_MINUTES, MOST_MINUTES = 0.1, 100_000.0
RANGES: tuple[str, ...] = get_args(Range)
CONTROLS = ("stdin", "none")


@dataclass(frozen=True, slots=True)
class HeadShape:
    """The head: a linear layer, or one hidden layer before it; dropout on its inputs while training."""

    hidden: int | None = None
    dropout: float = 0.0


@dataclass(frozen=True, slots=True)
class Job:
    """Everything the trainer has to know. Fields that are None are chosen by the preset and the machine.

    ``follows`` is the folder of an earlier run whose split is kept for the pictures that stay, or None. ``range`` says
    which values of pictures of more than 8 bits are black and white; None: as for the base. ``max_minutes``: how long
    the run may take, all its processes together; the schedule is shortened to fit.
    """

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
    follows: str | None = None
    range: Range | None = None
    max_minutes: float | None = None

    @property
    def roles_before(self) -> Mapping[str, str]:
        """What each picture was for in the run that this one follows, by its name."""
        from resnet_desktop.jobs import previous_split  # it reads jobs

        return previous_split.roles(self)

    def as_dict(self) -> dict[str, Any]:
        """The job as JSON values; ``parse_job`` reads it back to an equal job."""
        values = dataclasses.asdict(self)
        for key in ("range", "max_minutes"):
            if values[key] is None:  # as in jobs that had no such key
                del values[key]
        if self.recipe is not None and self.recipe.teacher is None:
            del values["recipe"]["teacher"]
        if self.recipe is not None and self.recipe.transforms is not None:
            values["recipe"]["transforms"] = self.recipe.transforms.to_json()
        for source in values["data"]:
            for key in COLUMNS:
                if source[key] is None:  # as in jobs that had no such key
                    del source[key]
        return {"v": VERSION, **values}


def read_job(path: Path) -> Job:
    """Read a job file; relative paths in it stay relative to the working directory. Raises JobError."""
    try:
        values = json.loads(path.read_bytes().decode("utf-8-sig"), object_pairs_hook=_once)
        json.dumps(values, ensure_ascii=False).encode("utf-8", "surrogateescape")
    except OSError as error:
        raise bad(f"The job file {path} cannot be read: {error.strerror or error}.") from error
    except UnicodeError as error:
        raise bad(f"The job file {path} is not valid UTF-8 text.") from error
    except RecursionError as error:
        raise bad(f"The job file {path} is nested too deeply.") from error
    except ValueError as error:
        raise bad(f"The job file {path} is not JSON: {error_text(error)}.") from error
    return parse_job(values)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, none of whose keys comes twice: nobody could tell which of the values is meant."""
    values = dict(pairs)
    if len(values) < len(pairs):
        twice = sorted(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise bad(f"The job has duplicate keys: {', '.join(map(shown, twice))}.")
    return values


def parse_job(values: object) -> Job:
    """Check every key of a job and fill in the defaults. Raises JobError that names every key that is wrong."""
    fields = Fields(values, "the job")
    if not isinstance(values, Mapping):
        fields.raise_faults()
    version = fields.integer("v", VERSION, 1, 10**6)
    if version != VERSION:
        raise bad(f"The job has version {version}; this trainer supports version {VERSION}.")
    train = fields.text("train", "head", TRAIN_CHOICES)
    preset = fields.text("preset", "balanced", PRESETS)
    recipe = fields.anything("recipe")
    job = Job(
        data=_sources(fields),
        output=fields.place("output", ""),
        base=fields.place("base", DEFAULT_BASE),
        train=train,
        head=_head(fields),
        split=_split(fields),
        exclude=_names(fields),
        relabel=fields.texts("relabel"),
        preset=preset,
        epochs=fields.maybe_integer("epochs", 1, 10_000),
        batch_size=fields.maybe_integer("batch_size", 1, 65_536),
        learning_rate=fields.maybe_number("learning_rate", 1e-8, 100.0),
        input_size=fields.maybe_integer("input_size", 16, 1024),
        seed=fields.integer("seed", 0, 0, LARGEST_SEED),
        device=fields.text("device", "auto"),
        workers=fields.maybe_integer("workers", 0, 256),
        control=fields.text("control", "stdin", CONTROLS),
        classes=fields.texts("classes") or None,
        recipe=None if recipe is None else parse_recipe(recipe, train, preset, fields.faults),
        follows=fields.maybe_place("follows"),
        range=_range(fields),
        max_minutes=fields.maybe_number("max_minutes", LEAST_MINUTES, MOST_MINUTES),
    )
    fields.finish()
    if not job.output and not any(fault.startswith("'output'") for fault in fields.faults):
        fields.refuse("'output' of the job is missing: the folder to write the run to.")
    if "\0" in job.output:
        fields.refuse(f"'output' of the job is not a valid folder name: {shown(job.output)}.")
    fields.raise_faults()
    return job


def _range(fields: Fields) -> Range | None:
    value = fields.maybe_text("range")
    if value is not None and value not in RANGES:
        fields.refuse(f"'range' of the job must be one of {', '.join(RANGES)}, not {shown(value)}.")
    return cast("Range | None", value)


def is_same_run(stored: Job, job: Job) -> bool:
    """Whether a job can go on with what a run of ``stored`` has learnt: the same data, split, base and recipe.

    How long, in which batches, at which learning rate and on what it trains may be another.
    """
    return _lasting(stored) == _lasting(job)


def recipe_of(job: Job) -> Recipe:
    """The job's recipe, or the one that its preset stands for."""
    if job.recipe is not None:
        return job.recipe
    return Recipe() if job.train == "scratch" else parse_recipe(None, job.train, job.preset)


def _lasting(job: Job) -> Job:
    recipe = recipe_of(job)
    teacher = None if recipe.teacher is None else dataclasses.replace(recipe.teacher, crops=None)
    recipe = dataclasses.replace(
        recipe, schedule=(), accumulate=1, compile="auto", precision="auto", transforms=None, teacher=teacher
    )
    return dataclasses.replace(
        job,
        base="" if job.train == "scratch" else job.base,
        recipe=recipe,
        output="",
        control="none",
        device="auto",
        workers=None,
        epochs=None,
        batch_size=None,
        learning_rate=None,
        max_minutes=None,
    )


def _names(fields: Fields) -> tuple[str, ...]:
    names = []
    for item in fields.items("exclude"):
        if isinstance(item, str):
            names.append(item)
        else:
            fields.refuse(f"'exclude' of the job must be a list of names, but {shown(item)} is not a name.")
    return tuple(names)


def _sources(job: Fields) -> tuple[DataSource, ...]:
    before = len(job.faults)
    found = []
    for i, item in enumerate(job.items("data")):
        faults = len(job.faults)
        fields = Fields(item, f"data[{i}] of the job", job.faults)
        folder = fields.place("folder", "")
        role, csv = fields.anything("role"), fields.maybe_place("csv")
        columns = [fields.maybe_text(key) for key in COLUMNS]
        fields.finish()
        if not folder and csv is None and len(job.faults) == faults:
            job.refuse(f"'folder' of data[{i}] of the job is missing.")
        if folder and csv is not None:
            job.refuse(f"data[{i}] of the job has both 'folder' and 'csv'; split it into two sources.")
        if role is not None and role not in ROLES:
            job.refuse(f"'role' of data[{i}] of the job must be one of {', '.join(ROLES)} or null, not {shown(role)}.")
        if csv is None and any(column is not None for column in columns):
            job.refuse(f"data[{i}] of the job sets columns, which only a 'csv' has.")
        found.append(DataSource(folder, role, csv, *columns))
    if not found and len(job.faults) == before:
        job.refuse("'data' of the job is empty: add a folder of photos.")
    return tuple(found)


def _head(job: Fields) -> HeadShape:
    fields = job.below(job.anything("head"), "'head' of the job")
    head = HeadShape(fields.maybe_integer("hidden", 1, 65_536), fields.number("dropout", 0.0, 0.0, 0.95))
    fields.finish()
    return head


def _split(job: Fields) -> Split:
    fields = job.below(job.anything("split"), "'split' of the job")
    split = Split(
        fields.number("validation", 0.2, 0.0, 0.9),
        fields.number("test", 0.0, 0.0, 0.9),
        fields.flag("group_duplicates", default=True),
        fields.maybe_integer("seed", 0, LARGEST_SEED),
        fields.flag("strict", default=False),
    )
    fields.finish()
    if split.validation + split.test > 0.95:
        job.refuse("'split' of the job leaves no photos to train on.")
    return split
