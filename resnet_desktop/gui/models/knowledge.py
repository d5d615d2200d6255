"""What the models window asks of the library; everything here runs off the GUI thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resnet_desktop.core.errors import ModelError, ResNetDesktopError
from resnet_desktop.core.progress import Cancelled, Progress
from resnet_desktop.session.results import Accuracy, Failure

if TYPE_CHECKING:
    from resnet_desktop.bundle.format.metadata import Order
    from resnet_desktop.bundle.library.catalogue import Pretrained
    from resnet_desktop.imaging.transforms import Channels, Interpolation, OwnFit, Transforms, Triple


@dataclass(frozen=True, slots=True)
class Installed:
    """A model of the library, as it is listed: nothing of the file is read for that."""

    name: str
    path: Path
    ours: bool
    size: int


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of a model.

    Attributes:
        path: the file.
        arch: such as ``resnet50``; empty for an external network.
        classes: how many.
        categories: their names; "class 0" … where nobody has named them.
        topics: what they are kinds of, the largest first, and how many each has; empty where that is not known.
        accuracy: how often it is right by its own word; None where nobody says.
        labelled: whether the file, or the user, has named them.
        prepared: whether the file, or the user, has said how photos are prepared.
        foreign: whether the file itself says nothing of labels and preprocessing.
        side: of the square that the network sees, in pixels; where it sees none, the shorter one.
        size: height and width of what it sees.
        output: the output that tells classes apart.
        outputs: those that could.
        layout_open: whether nothing but its operators shows which way pictures lie in its input.
        layout: which way somebody has said that they lie; empty if nobody has.
        notes: what was done so that it can be run here, and what was assumed.
        transforms: the preprocessing.
        temperature: of the calibration; 1 where it was not fitted.
        warning: what the file says of its rule for unfamiliar photos; None if it has none.
        parameters: trained numbers.
        multiply_adds: for one photo.
        provenance: where it comes from.
        sha256: of the file.
    """

    path: Path
    arch: str
    classes: int
    categories: tuple[str, ...]
    topics: tuple[tuple[str, int], ...]
    accuracy: Accuracy | None
    labelled: bool
    prepared: bool
    foreign: bool
    side: int
    size: tuple[int, int]
    output: str
    outputs: tuple[str, ...]
    layout_open: bool
    layout: str
    notes: tuple[str, ...]
    transforms: Transforms
    temperature: float
    warning: Mapping[str, Any] | None
    parameters: int
    multiply_adds: int
    provenance: Mapping[str, Any]
    sha256: str

    @property
    def name(self) -> str:
        """The file's, without its suffix: that of the model in the library."""
        return self.path.stem


@dataclass(frozen=True, slots=True)
class Offer:
    """A published network, and whether it is installed already."""

    network: Pretrained
    installed: bool
    doubt: str
    """What is to be said of its checksum before it is fetched; empty where all of it is known."""


def installed() -> tuple[Installed, ...]:
    """The models of the library."""
    from resnet_desktop.bundle.library.library import Library  # brings in onnx, which the window does not wait for

    return tuple(Installed(e.name, e.path, e.origin == "bundled", e.size) for e in Library().entries())


def facts(path: Path, output: str | None = None) -> ModelFacts:
    """Read a model file, which is tried before if it is new; ``output``: the one to take of it. Raises ModelError."""
    from resnet_desktop.bundle.file.bundle import Chosen, read
    from resnet_desktop.bundle.file.summary import summarize
    from resnet_desktop.bundle.format.topics import topics_of
    from resnet_desktop.bundle.library import remembered_labels
    from resnet_desktop.inference import admission

    admission.admit(path)
    bundle = remembered_labels.read(path) if output is None else read(path, Chosen(output_name=output))
    summary, metadata = summarize(bundle), bundle.metadata
    known = remembered_labels.recall(bundle) if output is None else None
    answered, row = known is not None, bundle.plan.ending.row
    return ModelFacts(
        path=path,
        arch=metadata.arch or "",
        classes=bundle.classes,
        categories=metadata.categories,
        topics=topics_of(metadata),
        accuracy=Accuracy.of(metadata.provenance),
        labelled=bundle.named or answered,
        prepared=bundle.prepared or answered,
        foreign=not bundle.has_metadata,
        side=min(bundle.input_shape[1:]),
        size=bundle.input_shape[1:],
        output=row.name,
        outputs=tuple(dict.fromkeys((*row.offered, row.name))),
        layout_open=bundle.plan.image.ambiguous,
        layout=(known.layout if known is not None else None) or "",
        notes=tuple(note.message for note in bundle.notes),
        transforms=metadata.transforms,
        temperature=metadata.temperature,
        warning=metadata.novelty,
        parameters=summary.total_parameters,
        multiply_adds=summary.total_multiply_adds,
        provenance=metadata.provenance,
        sha256=bundle.file_sha256,
    )


def is_whole(path: Path) -> bool | None:
    """Whether the weights are those that the checksum in the file was made of; None: it has none. Raises ModelError."""
    from resnet_desktop.bundle.file.bundle import read, verify
    from resnet_desktop.inference import admission

    admission.admit(path)
    result = verify(read(path))
    return None if result.expected is None else result.ok


def install(file: Path) -> Installed:
    """Copy a model file into the library, under a name that is free. Raises ModelError, StorageError."""
    from resnet_desktop.bundle.library.library import Library, proposed_name
    from resnet_desktop.inference import admission

    library, wanted, number = Library(), proposed_name(file), 2
    taken = {entry.name.casefold() for entry in library.entries()}
    name = wanted
    while name.casefold() in taken:
        name = f"{wanted} {number}"
        number += 1
    entry = library.install(file, name, copy=admission.copy)
    return Installed(entry.name, entry.path, False, entry.size)


def rename(name: str, wanted: str) -> Installed:
    """Give one of the user's models another name. Raises ModelError, StorageError."""
    from resnet_desktop.bundle.library.library import Library

    entry = Library().rename(name, wanted)
    return Installed(entry.name, entry.path, False, entry.size)


def remove(name: str) -> None:
    """Delete one of the user's models. Raises ModelError."""
    from resnet_desktop.bundle.library.library import Library

    Library().remove(name)


def offers() -> tuple[tuple[Offer, ...], str]:
    """The published networks, and what is to be known before one of them is used."""
    from resnet_desktop.bundle.library.catalogue import checksum_words, pretrained
    from resnet_desktop.bundle.library.library import Library
    from resnet_desktop.bundle.library.packaged import TERMS

    names = {model.name.casefold() for model in installed()} | Library().former_names().keys()
    offered = (Offer(each, each.name.casefold() in names, checksum_words(each)) for each in pretrained())
    return tuple(offered), TERMS


def stronger() -> Pretrained | None:
    """The best published network that is installed, if its publisher claims more than the app's own choice."""
    from resnet_desktop.bundle.library.catalogue import pretrained
    from resnet_desktop.bundle.library.library import Library
    from resnet_desktop.bundle.library.packaged import PACKAGED

    models = installed()
    names = {model.name.casefold() for model in models if not model.ours} | Library().former_names().keys()
    own = PACKAGED[0].top1 if any(model.name == PACKAGED[0].name for model in models) else 0.0
    found = [network for network in pretrained() if network.name.casefold() in names and network.top1 > own]
    return max(found, key=lambda network: network.top1, default=None)


def obtain(
    network: Pretrained, mirror: str | None, sha256: str | None, progress: Progress, cancelled: Cancelled
) -> Installed:
    """Fetch a published network and install it. Raises DownloadError, ModelError, StorageError, CancelledError."""
    from resnet_desktop.bundle.library import catalogue
    from resnet_desktop.bundle.library.library import Library
    from resnet_desktop.inference import admission

    entry = catalogue.obtain(
        network,
        Library(),
        mirror=mirror,
        sha256=sha256,
        copy=partial(admission.copy, cancelled=cancelled),
        progress=progress,
        cancelled=cancelled,
    )
    return Installed(entry.name, entry.path, False, entry.size)


def labels_in(file: Path) -> tuple[str, ...] | Failure:
    """The labels of a file, or why there are none."""
    from resnet_desktop.bundle.labels.label_file import read_labels

    try:
        return read_labels(str(file))
    except ModelError as error:
        return Failure.of(error)


def imagenet_labels() -> tuple[str, ...]:
    """The 1,000 classes of ImageNet."""
    from resnet_desktop.bundle.labels.label_file import imagenet

    return imagenet()


def remember(
    path: Path,
    labels: tuple[str, ...] | None,
    size: tuple[int, int],
    resize: int,
    values: tuple[Triple, Triple],
    interpolation: Interpolation,
    *,
    fit: OwnFit = "crop",
    channels: Channels = "rgb",
    layout: Order | None = None,
    output: str | None = None,
) -> Failure | None:
    """Keep what the user says of a model; why it cannot be kept, else None.

    Args:
        path: the file.
        labels: of its classes; None leaves them numbered.
        size: height and width of what it sees, in pixels.
        resize: pixels of the shorter side.
        values: mean and standard deviation of each channel, from 0 to 1.
        interpolation: how photos are resized.
        fit: whether the middle of photos is cut out or all of them stretched.
        channels: in which order the network takes colours.
        layout: which way pictures lie in its input; None: as its operators show.
        output: the output that tells classes apart; None: the likeliest.
    """
    from resnet_desktop.bundle.file.bundle import read
    from resnet_desktop.bundle.library import remembered_labels
    from resnet_desktop.bundle.library.importing import ModelHints, preprocessing
    from resnet_desktop.inference import admission

    try:
        admission.admit(path)
        mean, std = values
        prepared = preprocessing(size, resize, "imagenet", interpolation, fit, channels, mean=mean, std=std)
        remembered_labels.remember(read(path), ModelHints(labels, prepared, layout=layout, output_name=output))
    except ResNetDesktopError as error:
        return Failure.of(error)
    return None


def remember_thresholds(path: Path, thresholds: tuple[float, ...] | None) -> Failure | None:
    """Keep from which probability labels count as present; why it cannot be kept, else None. None: as the file says."""
    from resnet_desktop.bundle.file.bundle import read
    from resnet_desktop.bundle.library import remembered_labels

    try:
        remembered_labels.remember_thresholds(read(path), thresholds)
    except ResNetDesktopError as error:
        return Failure.of(error)
    return None
