"""What a job leaves open, filled in for the last layer alone; and the base that it starts from, checked."""

from __future__ import annotations

import dataclasses
import math
import os
from collections import Counter
from dataclasses import dataclass

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.graph.head import Head, find_head, logits_graph
from resnet_desktop.bundle.library import remembered_labels
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.core.errors import JobError, ModelError
from resnet_desktop.jobs.dispatch import needs_pytorch
from resnet_desktop.jobs.fields import shown
from resnet_desktop.jobs.job import Job, Recipe, recipe_of

MOST_WORKERS = 16
VIEWS = {"quick": 1, "balanced": 2, "best": 4}
"""Versions of each photo, where the job does not say."""
MOST_ROWS = 8000
"""Versions of all photos together, where the job does not say: of many photos more versions teach nothing."""
WHOLE = "network"
"""What all of a network is called whose parts have no names."""
_STATISTICS = ("running_mean", "running_var")
_OTHER = "Choose another model as the base."


@dataclass(frozen=True, eq=False)
class Base:
    """A model to start from.

    Attributes:
        name: as the job names it.
        bundle: the file.
        head: its last layer.
        checksum: of its weights.
    """

    name: str
    bundle: Bundle
    head: Head
    checksum: str

    @property
    def parts(self) -> dict[str, int]:
        """How many parameters its parts have before the last layer: those of a ResNet by name, else all as one."""
        named = (self.bundle.metadata.arch or "") in ARCHITECTURES
        found: Counter[str] = Counter()
        for name, tensor in self.bundle.view.initializers.items():
            part = name.split(".")[0]
            if not named:
                part = WHOLE
            elif part in ("fc", "head"):
                continue
            if not name.endswith(_STATISTICS):
                found["conv1" if part == "bn1" else part] += math.prod(side or 0 for side in tensor.shape or ())
        if not named:
            found[WHOLE] = max(0, found[WHOLE] - (self.head.width + 1) * self.head.classes)
        return dict(found)

    @property
    def frozen(self) -> int:
        """How many parameters it has before its last layer."""
        return sum(self.parts.values())


def fill(job: Job) -> tuple[Job, Base]:
    """The job with every choice made that does not need the photos, and its base.

    Raises:
        JobError: it asks for more than the last layer.
        ModelError: the base cannot be read, is damaged, or has no last layer to teach.
    """
    why = needs_pytorch(job)
    if why:
        raise JobError("bad_job", f"Only PyTorch can do what the job asks for: {why}.", "Leave that out of the job.")
    base = _read(job.base)
    recipe = recipe_of(job)
    transforms = recipe.transforms or base.bundle.metadata.transforms
    if job.range is not None:
        transforms = dataclasses.replace(transforms, range=job.range)
    side = base.bundle.input_shape[-1]
    if transforms.crop != side:
        message = f"The base {job.base} takes photos of {side} pixels, and the job's transforms give {transforms.crop}."
        raise JobError("bad_job", message, "Leave 'transforms' out of the job, or train more than the head.")
    if job.recipe is None:
        recipe = dataclasses.replace(recipe, views=VIEWS[job.preset])
    workers = job.workers if job.workers is not None else min(MOST_WORKERS, os.cpu_count() or 1)
    filled = dataclasses.replace(recipe, transforms=transforms, precision="float32", compile="off")
    return dataclasses.replace(job, recipe=filled, device="cpu", workers=workers), base


def views(recipe: Recipe, photos: int, *, chosen: bool) -> int:
    """Versions of each of so many photos; ``chosen``: the job names their number."""
    return recipe.views if chosen else max(1, min(recipe.views, MOST_ROWS // max(1, photos)))


def _read(name: str) -> Base:
    try:
        bundle = remembered_labels.read(Library().find(name))
    except ModelError as error:
        raise ModelError(error.code, error.message, error.hint or _OTHER) from error
    except (OSError, RuntimeError) as error:  # a name that is too long; the home folder of nobody
        said = error.strerror if isinstance(error, OSError) else "there is no such folder"
        raise ModelError("missing_model", f"The base {shown(name)} cannot be read: {said}.", _OTHER) from error
    checked = bundles.verify(bundle)
    if checked.expected is not None and not checked.ok:
        message = f"The weights in the base {name} do not match their checksum: the file is damaged."
        raise ModelError("damaged_model", message, f"Copy or download it again. {_OTHER}")
    head = find_head(logits_graph(bundle), (bundle.batch, *bundle.input_shape))
    return Base(name, bundle, head, checked.found)
