"""Which pictures there are to train on, under which class, and which part of them is for what.

``scan`` is the door of the trainer, ``survey`` that of whoever only wants to know what there is. A scan that groups
pictures which are nearly the same has to look into every picture once; it need not where the run folder holds its split
(``split_file``) or where the pictures were read before (``core.value_cache``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from resnet_desktop.core.errors import GONE, DataError
from resnet_desktop.core.progress import Cancelled, Progress, never, unheard
from resnet_desktop.data.layout import Layout, gather
from resnet_desktop.data.pictures.duplicates import Groups
from resnet_desktop.data.pictures.image_stats import PictureFacts, read_facts
from resnet_desktop.data.pictures.near_duplicates import Near, near_groups, separable
from resnet_desktop.data.pictures.samples import LARGEST_PICTURE_FILE, Sample, SampleReader, Scan
from resnet_desktop.data.sources.file_tree import label_fault, label_text
from resnet_desktop.data.sources.skipped_files import Problem
from resnet_desktop.data.spec import DataSpec
from resnet_desktop.data.split import assignment, split_file
from resnet_desktop.imaging.files import printable

__all__ = ["LARGEST_PICTURE_FILE", "Dataset", "Sample", "SampleReader", "Scan", "collect", "scan", "survey"]

_SHOWN = 40
"""Characters of a class name that an error repeats."""
_NAMED = 3
"""Pictures that a problem names."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """The pictures of a job before they are split.

    Attributes:
        labels: in class order.
        samples: those that take part, each once.
        roles: what the sources say that each is for, or None.
        layout: what the sources hold, with what could not be used of it.
        contradictions: samples that sources put into several classes, with those classes; nobody has decided yet.
        problems: what could not be used of the sources, and what the job says of pictures that are not there.
    """

    labels: tuple[str, ...]
    samples: tuple[Sample, ...]
    roles: tuple[str | None, ...]
    layout: Layout
    contradictions: tuple[tuple[Sample, tuple[str, ...]], ...]
    problems: tuple[Problem, ...] = ()


Remark = Callable[[Dataset, Sequence[PictureFacts], Near, Scan], Scan]
"""Adds to a scan what is to be said of its pictures."""


def _nothing_to_say(found: Dataset, facts: Sequence[PictureFacts], near: Near, scanned: Scan) -> Scan:
    del found, facts, near
    return scanned


def scan(
    job: DataSpec, *, cancelled: Cancelled = never, progress: Progress = unheard, remark: Remark = _nothing_to_say
) -> Scan:
    """Find the pictures of a job, give them class indices, and split them (stratified, grouped, seeded).

    The split that the run folder holds is used where it was made for the same data and choices: its pictures may have
    gone meanwhile, which is said by whoever reads them. ``remark`` is asked where the pictures were looked into.

    Raises:
        DataError: a source is missing or unreadable, there are no pictures, or fewer than two classes.
        CancelledError: ``cancelled`` said so.
    """
    layout = gather(job.data, cancelled)
    stored = _stored(job)
    if stored is not None:
        return _with_what_is_left(job, stored, layout)
    found = _collected(job, layout)
    if not job.split.group_duplicates:
        return split_plainly(found, job)
    facts = read_facts(found.samples, workers=job.workers, cancelled=cancelled, progress=progress)
    near = near_groups(facts, cancelled=cancelled)
    return remark(found, facts, near, split_grouped(found, facts, near.groups, job))


def survey(job: DataSpec, cancelled: Cancelled = never) -> Scan:
    """What there is, without opening a picture: the labels and counts of ``scan``, but a split by names alone.

    Raises:
        DataError: as ``scan``.
        CancelledError: ``cancelled`` said so.
    """
    return split_plainly(collect(job, cancelled), job)


def collect(job: DataSpec, cancelled: Cancelled = never) -> Dataset:
    """Find the pictures of a job and give them class indices. Raises DataError, CancelledError."""
    return _collected(job, gather(job.data, cancelled))


def _collected(job: DataSpec, layout: Layout) -> Dataset:
    if not layout.found:
        raise DataError("no_images", _nothing(job, layout), _way_on(job))
    excluded = {_usual_name(layout, name) for name in job.exclude}
    moved = {_usual_name(layout, name): label for name, label in job.relabel.items()}
    labels, index = _classes({picture.label for picture in layout.found}, job.classes, layout)
    samples, roles = [], []
    before = job.roles_before
    by_name: dict[str, Sample] = {}
    for picture in layout.found:
        name, label = picture.name, index.get(picture.label, -1)
        if name in moved:
            label = _label_index(labels, moved[name], name)
        if label >= 0 and name not in excluded:
            by_name[name] = Sample(picture.place.source, picture.place.member, label)
            samples.append(by_name[name])
            roles.append(picture.role or before.get(name))
    doubtful = ((picture.name, names) for picture, names in layout.contradictions)
    contradictions = tuple((by_name[n], names) for n, names in doubtful if n in by_name and n not in moved)
    problems = (*layout.problems, *_unmatched(layout, job))
    found = Dataset(labels, tuple(samples), tuple(roles), layout, contradictions, problems)
    if not samples:
        raise DataError("no_images", "The job leaves no photos to train on.", "Leave out fewer photos.")
    return found if job.classes else _without_empty(found)


def _unmatched(layout: Layout, job: DataSpec) -> list[Problem]:
    """What the job leaves out or moves to another class although there is no such picture."""
    there = {picture.name for picture in layout.found} | layout.aliases.keys()
    problems = []
    for names, does in ((job.exclude, "leaves out"), (job.relabel, "relabels")):
        missing = [name for name in names if name not in there]
        if missing:
            are = "1 photo that does" if len(missing) == 1 else f"{len(missing):,} photos that do"
            more = f" and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else ""
            such = ", ".join(map(printable, missing[:_NAMED])) + more
            problems.append(Problem("few_images", f"The job {does} {are} not exist: {such}."))
    return problems


def stored_scan(job: DataSpec, found: Dataset) -> Scan | None:
    """The split that the run folder holds, if it was made for this job's data and choices; it says what is new."""
    stored = _stored(job)
    return None if stored is None else _with_news(stored, found.layout, found.samples)


def _stored(job: DataSpec) -> Scan | None:
    stored = split_file.load(Path(job.output))
    return None if stored is None or stored.scan.made_for != made_for(job) else stored.scan


def _with_what_is_left(job: DataSpec, stored: Scan, layout: Layout) -> Scan:
    """The split of a run that goes on: it does so with the pictures that are left, however few."""
    if not layout.found:
        raise DataError("missing_data", f"No photos of this run are left in {_sources(job)}.", GONE)
    try:
        samples = _collected(job, layout).samples
    except DataError:  # not enough for a new run
        samples = ()
    return _with_news(stored, layout, samples)


def _with_news(stored: Scan, layout: Layout, samples: Sequence[Sample]) -> Scan:
    names = {sample.name for sample in stored.samples}
    new = sum(sample.name not in names for sample in samples)
    problems = [problem.message for problem in layout.problems]
    if new:
        come = "1 photo was" if new == 1 else f"{new:,} photos were"
        problems.append(f"{come} added since this run began and will be used in the next one.")
    return replace(stored, problems=tuple(problems))


def split_plainly(found: Dataset, job: DataSpec) -> Scan:
    """Split by the names of the files. Raises DataError where nothing is left to train on."""
    assigned = [assignment.Assigned(sample, role) for sample, role in zip(found.samples, found.roles, strict=True)]
    return _scan(found, assignment.plain(assigned, job.split, split_seed(job)), job)


def split_grouped(found: Dataset, facts: Sequence[PictureFacts], groups: Groups, job: DataSpec) -> Scan:
    """Split by what the pictures show; ``groups`` of them stay together.

    A class whose pictures are all in groups that cannot be set apart could not be asked about: there only equal files
    stay together.

    Raises:
        DataError: nothing is left to train on.
    """
    readable = {fact.sample.label for fact in facts if fact.error is None}
    assigned = [
        assignment.Assigned(
            fact.sample,
            role,
            fact.sha1 or printable(fact.sample.name).encode(),
            # What cannot be read takes no place in validation while its class has anything else.
            stays=fact.error is not None and fact.sample.label in readable,
        )
        for fact, role in zip(facts, found.roles, strict=True)
    ]
    parts = assignment.grouped(assigned, separable(groups, facts), job.split, split_seed(job))
    if job.split.validation and "validation" not in found.roles:
        # Groups that reach into other classes can keep all of a class together, too.
        unasked = {sample.label for sample in parts[0]} - {sample.label for sample in parts[1]}
        if unasked:
            parts = assignment.grouped(assigned, separable(groups, facts, unasked), job.split, split_seed(job))
    return _scan(found, parts, job)


def split_seed(job: DataSpec) -> int:
    """What the choice of the pictures that are set apart follows from."""
    return job.seed if job.split.seed is None else job.split.seed


def made_for(job: DataSpec) -> str:
    """Stands for everything in a job that its split depends on."""
    values = job.as_dict()
    parts = {key: values[key] for key in ("data", "classes", "exclude", "relabel", "split", "seed")}
    # As in jobs that had no such keys.
    left_out = {key for key, out in (("seed", job.split.seed is None), ("strict", not job.split.strict)) if out}
    parts["split"] = {key: value for key, value in parts["split"].items() if key not in left_out}
    if job.split.seed is not None:
        parts["seed"] = None
    if job.follows is not None:
        parts["follows"] = job.follows
    parts["classes"] = None if job.classes is None else list(job.classes.items())  # their order is that of the labels
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _scan(found: Dataset, parts: assignment.Parts, job: DataSpec) -> Scan:
    training, validation, test = parts
    if not training:
        raise DataError("no_images", "The job leaves no photos to train on.")
    problems = tuple(problem.message for problem in found.problems)
    return Scan(found.labels, tuple(training), tuple(validation), tuple(test), problems, made_for(job))


def _usual_name(layout: Layout, name: str) -> str:
    """What a picture is called here that a source calls ``name``: links and repeated sources give it several names."""
    alias = layout.aliases.get(name)
    return name if alias is None else alias.name


def _classes(
    names: set[str], chosen: Mapping[str, str] | None, layout: Layout
) -> tuple[tuple[str, ...], dict[str, int]]:
    """Labels in class order, and the class index of each name; several names can be given one label."""
    order = sorted(names)
    if chosen is not None:
        chosen = {label_text(name): label for name, label in chosen.items()}
        missing = sorted(set(chosen) - names)
        if missing:
            message = f"These classes of the job have no folder with photos: {', '.join(map(printable, missing))}."
            raise DataError("bad_data", message, "Check the folder names, or remove the classes from the job.")
        order = list(chosen)
    label_of = chosen or {}
    labels = tuple(dict.fromkeys(label_of.get(name, name) for name in order))
    if len(labels) < 2:
        only = f" Only “{labels[0]}” was found." if labels else ""
        hint = "Add a second folder of photos, of anything else." if only else None
        if layout.problems:  # why a folder is not among them
            hint = layout.problems[0].message
        raise DataError("one_class", f"At least two classes are needed, each in its own folder.{only}", hint)
    for label in labels:
        fault = label_fault(label)
        if fault is not None:
            message = f"The class name “{printable(label[:_SHOWN])}” cannot be used: it {fault}."
            raise DataError("bad_data", message, "Give the class another name.")
    place = {label: i for i, label in enumerate(labels)}
    return labels, {name: place[label_of.get(name, name)] for name in order}


def _without_empty(found: Dataset) -> Dataset:
    """The classes that have lost all their pictures to other classes, or to nobody, are none any more."""
    used = sorted({sample.label for sample in found.samples})
    if len(used) == len(found.labels):
        return found
    if len(used) < 2:
        message = f"Only the class “{found.labels[used[0]]}” has photos left; at least two classes are needed."
        raise DataError("one_class", message, "Leave out fewer photos.")
    place = {label: i for i, label in enumerate(used)}
    moved = {sample: replace(sample, label=place[sample.label]) for sample in found.samples}
    return replace(
        found,
        labels=tuple(found.labels[label] for label in used),
        samples=tuple(moved.values()),
        contradictions=tuple((moved[sample], names) for sample, names in found.contradictions),
    )


def _label_index(labels: tuple[str, ...], label: str, name: str) -> int:
    if label not in labels:
        message = f"{printable(name)} is relabelled to “{printable(label)}”, which is not a class of the job."
        raise DataError("bad_data", message, "Choose one of its classes.")
    return labels.index(label)


def _nothing(job: DataSpec, layout: Layout) -> str:
    if layout.problems:
        return layout.problems[0].message
    return f"No class folders with photos were found in {_sources(job)}."


def _sources(job: DataSpec) -> str:
    sources = [printable(source.path) for source in job.data]
    return f"{', '.join(sources[:3])}{' …' if len(sources) > 3 else ''}"


def _way_on(job: DataSpec) -> str:
    if all(source.csv is not None for source in job.data):
        return "Each row of the file needs a photo's path and its class."
    return (
        "Make one folder for each class and put its photos there. Or assign the classes in the photo list "
        "or in a CSV file."
    )
