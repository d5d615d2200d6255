"""What the user has chosen so far, page by page, and the job that comes of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from resnet_desktop.core import paths
from resnet_desktop.jobs.job import DEFAULT_BASE, parse_job

JOB_FILE = "wizard.json"


@dataclass(frozen=True, slots=True)
class Draft:
    """A job in the making. Fields that are None are left to the preset and the machine.

    Attributes:
        sources: the ``data`` of the job.
        exclude: names of pictures that are left out.
        relabel: the right class of pictures that lie in a wrong folder.
        validation: fraction of every class that is set apart.
        split_seed: what the choice of those follows from. It is not the seed of training, which can be set later: the
            split that was shown is the one that is used.
        name: of the model that is made.
        base: the model to start from.
        train: which part of it is trained.
        follows: the folder of the run whose mistakes were looked at, and whose split is kept; else empty.
        advanced: further keys of the job, as the user set them.
    """

    sources: tuple[Mapping[str, str], ...] = ()
    exclude: tuple[str, ...] = ()
    relabel: Mapping[str, str] = field(default_factory=dict)
    validation: float = 0.2
    split_seed: int = 0
    name: str = ""
    base: str = DEFAULT_BASE
    train: str = "head"
    preset: str = "balanced"
    follows: str = ""
    advanced: Mapping[str, Any] = field(default_factory=dict)

    @property
    def proposed_name(self) -> str:
        """A name for the model out of the first source's."""
        first = next(iter(self.sources), {})
        stem = Path(next(iter(first.values()), "photos")).stem
        return re.sub(r"[^\w+() -]+", "-", stem).strip(" -")[:60] or "photos"

    @property
    def folder(self) -> Path:
        """The run folder."""
        return runs_folder() / (self.name or self.proposed_name)

    def job(self) -> dict[str, Any]:
        """The job file's values."""
        values: dict[str, Any] = {
            "v": 1,
            "data": [dict(source) for source in self.sources],
            "output": str(self.folder),
            "base": self.base,
            "train": self.train,
            "preset": self.preset,
            "exclude": list(self.exclude),
            "relabel": dict(self.relabel),
            "split": {
                "validation": self.validation,
                "test": 0.0,
                "group_duplicates": True,
                "seed": self.split_seed,
            },
            "follows": self.follows or None,
            "control": "stdin",
        }
        return values | dict(self.advanced)

    @property
    def needs_pytorch(self) -> bool:
        """Whether more is asked for than the last layer alone, which is taught without it."""
        from resnet_desktop.core.errors import JobError
        from resnet_desktop.jobs.job import parse_job
        from resnet_desktop.jobs.launching.dispatch import needs_pytorch

        try:
            return bool(needs_pytorch(parse_job(self.job())))
        except JobError:  # there are no photos yet
            return self.train != "head"

    @classmethod
    def of_run(cls, folder: Path) -> Draft:
        """The draft that a run was made of, as far as its files tell; what was set by hand is set again.

        Raises:
            JobError: a file of it says what no job can say, such as after it was edited by hand.
        """
        mine, given = _read(folder / JOB_FILE), cls()
        values = mine or _read(folder / "job.json")
        if values:
            parse_job(values)
        split = values.get("split") or {}
        sources = tuple({key: value for key, value in source.items() if value} for source in values.get("data") or ())
        return cls(
            sources=sources,
            exclude=tuple(values.get("exclude") or ()),
            relabel=values.get("relabel") or {},
            validation=float(split.get("validation", given.validation)),
            split_seed=int(values.get("seed") or 0) if split.get("seed") is None else int(split["seed"]),
            name=folder.name,
            base=str(values.get("base") or given.base),
            train=str(values.get("train", given.train)),
            preset=str(values.get("preset", given.preset)),
            follows=str(values.get("follows") or ""),
            # The trainer's own file has all choices filled in; nobody set them.
            advanced={key: value for key, value in mine.items() if key not in given.job()},
        )

    def with_fresh_folder(self) -> Draft:
        """The same under a name whose run folder does not exist yet."""
        wanted, number = self.name or self.proposed_name, 2
        draft = replace(self, name=wanted)
        while draft.folder.exists():
            draft = replace(self, name=f"{wanted} {number}")
            number += 1
        return draft


def _read(path: Path) -> dict[str, Any]:
    """A JSON object; an empty one where there is none that can be read."""
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def runs_folder() -> Path:
    """Where the runs of the wizard lie, a folder each."""
    return paths.data_folder() / "runs"


def is_run(folder: Path) -> bool:
    """Whether a folder is that of a run."""
    return (folder / "events.jsonl").is_file()


def earlier_runs() -> tuple[Path, ...]:
    """The run folders there are, newest first."""
    folder = runs_folder()
    found = [p for p in folder.iterdir() if is_run(p)] if folder.is_dir() else []
    return tuple(sorted(found, key=lambda p: (p / "events.jsonl").stat().st_mtime, reverse=True))
