"""Which pictures there are to train on, under which class, and which part of them is for what.

A source is a folder or a zip file. Its layout is read from its paths alone:

* ``CLASS/**/picture``: class folders (deeper folders belong to their class, as in ``train/n01443537/images/…``);
* ``train/CLASS/…``, ``val/CLASS/…``, ``test/CLASS/…``: the same, with the split made already;
* ``val/images/picture`` beside ``val/val_annotations.txt``: the validation part of the public Tiny ImageNet.

Nothing is ever written to a source.
"""

from __future__ import annotations

import random
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from resnet_desktop.core.errors import DataError
from resnet_desktop.finetune.job import DataSource, Job
from resnet_desktop.imaging.decode import IMAGE_SUFFIXES

TREE_ROLES = {"train": "training", "training": "training", "val": "validation", "valid": "validation"}
TREE_ROLES |= {"validation": "validation", "test": "test"}
ANNOTATIONS = "val_annotations.txt"
LARGEST_PICTURE_FILE = 512 * 2**20
"""Bytes; a member of a zip file that claims to be larger is not unpacked."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture: a file, or a member of a zip file, and its class index."""

    source: str
    member: str | None
    label: int

    @property
    def name(self) -> str:
        """Where it is, for a person."""
        return self.source if self.member is None else f"{self.source}/{self.member}"


@dataclass(frozen=True, slots=True)
class Scan:
    """What the sources hold: labels in class order and the samples for each role."""

    labels: tuple[str, ...]
    training: tuple[Sample, ...]
    validation: tuple[Sample, ...]
    test: tuple[Sample, ...]

    def counts(self) -> dict[str, int]:
        """Pictures to train and validate on, for each label."""
        found = Counter(s.label for s in (*self.training, *self.validation))
        return {label: found[i] for i, label in enumerate(self.labels)}


class SampleReader:
    """Reads the bytes of samples; keeps each zip file open between reads. For one thread; close it at the end."""

    def __init__(self) -> None:
        self._archives: dict[str, zipfile.ZipFile] = {}

    def read(self, sample: Sample) -> bytes | Path:
        """The file's path, or the member's bytes: either is a source for ``imaging.decode``. Raises DataError."""
        if sample.member is None:
            return Path(sample.source)
        archive = self._archives.get(sample.source)
        if archive is None:
            archive = self._archives[sample.source] = _open_zip(Path(sample.source))
        try:
            if archive.getinfo(sample.member).file_size > LARGEST_PICTURE_FILE:
                raise DataError("bad_data", f"{sample.name} is too large for a picture.")
            return archive.read(sample.member)
        except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise DataError("bad_data", f"{sample.name} cannot be unpacked: {error}.") from error

    def close(self) -> None:
        """Close every archive."""
        for archive in self._archives.values():
            archive.close()
        self._archives.clear()


@dataclass(frozen=True, slots=True)
class _Found:
    """A picture by layout: its role (None: not said by the tree), its class folder, and where it is."""

    role: str | None
    folder: str
    source: str
    member: str | None


def scan(job: Job) -> Scan:
    """Find the pictures of a job, give them class indices, and split them (stratified, seeded).

    Raises:
        DataError: a source is missing or unreadable, there are no pictures, or fewer than two classes.
    """
    found = [picture for source in job.data for picture in _pictures(source)]
    if not found:
        raise DataError(
            "no_images", "There are no pictures in the folders of the job.", "Put them in one folder a class."
        )
    labels, index = _classes(found, job.classes)
    excluded = set(job.exclude)
    pools: dict[str | None, list[Sample]] = defaultdict(list)
    for picture in found:
        sample = Sample(picture.source, picture.member, index.get(picture.folder, -1))
        relabelled = job.relabel.get(sample.name)
        if relabelled is not None:
            sample = Sample(picture.source, picture.member, _label_index(labels, relabelled, sample.name))
        if sample.label >= 0 and sample.name not in excluded:
            pools[picture.role].append(sample)
    training, validation, test = _split(pools, job)
    if not training:
        raise DataError("no_images", "The job leaves no pictures to train on.")
    return Scan(labels, tuple(training), tuple(validation), tuple(test))


def _classes(found: list[_Found], chosen: Mapping[str, str] | None) -> tuple[tuple[str, ...], dict[str, int]]:
    """Labels in class order, and the class index of each folder name."""
    folders = sorted({picture.folder for picture in found})
    if chosen is not None:
        missing = sorted(set(chosen) - set(folders))
        if missing:
            raise DataError("bad_data", f"These classes of the job have no folder: {', '.join(missing)}.")
        folders = list(chosen)
    labels = tuple((chosen or {}).get(folder, folder) for folder in folders)
    if len(folders) < 2:
        raise DataError("one_class", "There must be at least two classes, each in a folder of its own.")
    return labels, {folder: i for i, folder in enumerate(folders)}


def _label_index(labels: tuple[str, ...], label: str, name: str) -> int:
    if label not in labels:
        raise DataError("bad_data", f"{name} is relabelled to {label!r}, which is no class of the job.")
    return labels.index(label)


def _split(pools: Mapping[str | None, list[Sample]], job: Job) -> tuple[list[Sample], list[Sample], list[Sample]]:
    """Keep what the trees say; set apart the job's fractions of every class from what is for training."""
    training, validation, test = list(pools["training"]), list(pools["validation"]), list(pools["test"])
    loose = list(pools[None])
    validation_share = 0.0 if validation else job.split.validation
    test_share = 0.0 if test else job.split.test
    by_class: dict[int, list[Sample]] = defaultdict(list)
    for sample in (*training, *loose):
        by_class[sample.label].append(sample)
    training = []
    for label in sorted(by_class):
        samples = sorted(by_class[label], key=lambda s: s.name)
        random.Random(f"{job.seed} {label}").shuffle(samples)
        held, tested = _shares(len(samples), validation_share, test_share)
        validation += samples[:held]
        test += samples[held : held + tested]
        training += samples[held + tested :]
    return training, validation, test


def _shares(count: int, validation: float, test: float) -> tuple[int, int]:
    """How many of ``count`` pictures of a class are held out; one at least stays for training."""
    held = max(1, round(count * validation)) if validation and count > 1 else 0
    tested = max(1, round(count * test)) if test and count > 2 else 0
    while held + tested >= count and held + tested > 0:
        held, tested = (held, tested - 1) if tested else (held - 1, tested)
    return held, tested


def _pictures(source: DataSource) -> Iterable[_Found]:
    """Every picture of a source, by its layout."""
    path = Path(source.folder).expanduser()
    if path.is_dir():
        files = {p.relative_to(path).as_posix(): p for p in _walk(path)}
        annotations = {name: p.read_text("utf-8") for name, p in files.items() if p.name == ANNOTATIONS}
        places = {name: (str(p), None) for name, p in files.items()}
        return _by_layout(places, annotations, source.role)
    if path.is_file():
        archive = _open_zip(path)
        with archive:
            names = [i.filename for i in archive.infolist() if not i.is_dir()]
            annotations = {n: archive.read(n).decode("utf-8") for n in names if n.endswith(f"/{ANNOTATIONS}")}
        return _by_layout({n: (str(path), n) for n in names}, annotations, source.role)
    raise DataError("missing_data", f"{source.folder} is neither a folder nor a zip file.")


def _walk(folder: Path) -> Iterable[Path]:
    """All files below a folder; a folder that a link leads back to is entered once."""
    seen = {folder.resolve()}
    waiting = [folder]
    while waiting:
        try:
            children = sorted(waiting.pop().iterdir())
        except OSError as error:
            raise DataError("bad_data", f"{error.filename} cannot be listed: {error.strerror}.") from error
        for child in children:
            if child.is_dir():
                place = child.resolve()
                if place not in seen:
                    seen.add(place)
                    waiting.append(child)
            else:
                yield child


def _by_layout(
    places: Mapping[str, tuple[str, str | None]], annotations: Mapping[str, str], role: str | None
) -> list[_Found]:
    """Read role and class off the paths."""
    annotated = _annotated(annotations)
    pictures = {n: PurePosixPath(n).parts for n in places if PurePosixPath(n).suffix.lower() in IMAGE_SUFFIXES}
    common = _common(list(pictures.values()))
    found = []
    for name, whole in pictures.items():
        parts = whole[common:]
        tree = TREE_ROLES.get(parts[0].lower()) if len(parts) > 1 else None
        folders = parts[1:-1] if tree else parts[:-1]
        folder = annotated.get(name) or (folders[0] if folders else None)
        unlabelled = bool(annotated) and name not in annotated and folders == ("images",)
        if folder is not None and not unlabelled:  # the public test part has no labels
            found.append(_Found(role or tree, folder, *places[name]))
    return found


def _common(paths: list[tuple[str, ...]]) -> int:
    """How many leading folders all paths share above the class folders (``hymenoptera/train/ants/…``: 1)."""
    depth = 0
    while paths and all(len(p) > depth + 2 for p in paths):
        first = paths[0][depth]
        if first.lower() in TREE_ROLES or any(p[depth] != first for p in paths):
            break
        depth += 1
    return depth


def _annotated(annotations: Mapping[str, str]) -> dict[str, str]:
    """Class folder by path, from the annotation files of the public Tiny ImageNet (tab-separated: file, class, box)."""
    found = {}
    for name, text in annotations.items():
        base = PurePosixPath(name).parent / "images"
        for line in text.splitlines():
            fields = line.split("\t")
            if len(fields) >= 2:
                found[str(base / fields[0])] = fields[1]
    return found


def _open_zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError("bad_data", f"{path} is not a zip file that can be read: {error}.") from error
