"""From a file of weights, or a classifier without labels, to a model of the library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.adapt.assumptions import usual
from resnet_desktop.bundle.adapt.chosen import Chosen
from resnet_desktop.bundle.adapt.surgery import fitting_values
from resnet_desktop.bundle.builders.architectures import ARCHITECTURES, Architecture
from resnet_desktop.bundle.builders.resnet import build_resnet, head_names
from resnet_desktop.bundle.file import bundle as model_file
from resnet_desktop.bundle.file import tensors, torch_file
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.format.metadata import Metadata, Order, is_label
from resnet_desktop.bundle.labels.thresholds import thresholds_of
from resnet_desktop.bundle.library.beside import look_beside
from resnet_desktop.core import atomic
from resnet_desktop.core.errors import ModelError
from resnet_desktop.core.text.printable import printable
from resnet_desktop.imaging.deep.limits import Range
from resnet_desktop.imaging.notes import Note
from resnet_desktop.imaging.transforms import PIXEL_VALUES, Channels, Interpolation, OwnFit, Transforms, Triple

CIFAR_SIDE = 32
USUAL_SIDE = 224

Part = Literal["size", "values", "channels"]
"""Of a preprocessing: the sizes; mean and standard deviation; the order of colours."""


@dataclass(frozen=True, slots=True)
class ModelHints:
    """What is known of a model beside its file.

    Attributes:
        labels: of its classes; None: they are called "class 0" and so on.
        transforms: the preprocessing that it was trained for; None: the usual one.
        provenance: where it comes from.
        as_found: what of ``transforms`` nobody has said, so that what the file shows holds.
        layout: which way pictures lie in its input; None: as the graph shows.
        output_name: the output that is taken, or a tensor inside; None: the one that looks like a classifier's.
        thresholds: from which probability labels count as present, as ``thresholds_of`` takes them.
        source: the name of the file that ``transforms`` were read from; empty where somebody has said them.
    """

    labels: tuple[str, ...] | None = None
    transforms: Transforms | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    as_found: frozenset[Part] = frozenset()
    layout: Order | None = None
    output_name: str | None = None
    thresholds: tuple[str, ...] = ()
    source: str = ""

    @property
    def says_nothing(self) -> bool:
        """Whether a file is left as it is."""
        told = (self.labels, self.transforms, self.layout, self.output_name)
        return all(one is None for one in told) and not self.thresholds

    @property
    def says_values(self) -> bool:
        """Whether somebody has said which values of pixels the network takes."""
        return self.transforms is not None and "values" not in self.as_found

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width that photos are to have; None: as the file has it."""
        return None if self.transforms is None or "size" in self.as_found else self.transforms.size

    @property
    def chosen(self) -> Chosen:
        """What there is to know for reading the graph."""
        return Chosen(self.layout, self.output_name, self.size, None if self.labels is None else len(self.labels))


def preprocessing(
    side: int | tuple[int, int] | None = None,
    resize: int | None = None,
    values: str = "imagenet",
    interpolation: Interpolation = "bilinear",
    fit: OwnFit = "crop",
    channels: Channels = "rgb",
    range: Range | None = None,  # noqa: A002 - the key's name
    mean: Triple | None = None,
    std: Triple | None = None,
) -> Transforms:
    """The preprocessing of a network that does not tell its own.

    Args:
        side: pixels of the square that it sees, or height and width; the usual 224, or ``resize`` where that is less.
        resize: pixels of the shorter side before the crop; in the usual proportion, 256 for 224.
        values: one of ``PIXEL_VALUES``; of what ``mean`` or ``std`` leaves open.
        interpolation: how photos are resized.
        fit: whether the middle is cut out or the whole photo is stretched to a square.
        channels: in which order the network takes red, green and blue.
        range: which values of photos of more than 8 bits are black and white; None: as the user chooses.
        mean: of red, green and blue, from 0 to 1.
        std: likewise.

    Raises:
        ModelError: ``bad_metadata``: the square is larger than what it is cut out of, or a number cannot be.
    """
    side = side or min(resize or USUAL_SIDE, USUAL_SIDE)
    usual_mean, usual_std = PIXEL_VALUES[values]
    mean, std = mean or usual_mean, std or usual_std
    least, crop = (side, side) if isinstance(side, int) else (min(side), list(side))
    sizes = {"resize": resize or round(least * 256 / 224), "crop": crop}
    values_of = {"interpolation": interpolation, "mean": list(mean), "std": list(std)}
    return Transforms.from_json({**sizes, **values_of, "fit": fit, "channels": channels, "range": range})


def copy_model(path: Path, target: Path, known: ModelHints) -> Bundle:
    """Write a model file that stands alone: a bundle as it is, anything else with what is known of it.

    Weights of PyTorch become the graph that the trainer would write, stored as float32, so that nothing is rounded. An
    ONNX classifier gets its labels and preprocessing as metadata; without any it stays as it is.

    Raises:
        ModelError: as ``bundle.read`` and ``read_state_dict``; ``unsupported_model`` for weights of a network
            that the app does not build; ``wrong_labels``: not as many as classes, or the model has its own;
            ``bad_threshold``.
        ClassNameError: a threshold is of no label.
        StorageError: the copy cannot be written.
    """
    if torch_file.is_torch_file(path):
        return _from_weights(path, target, known)
    bundle = model_file.read(path, known.chosen)
    beside = completed(known, bundle)
    if beside != known:
        known, bundle = beside, as_known(bundle, beside)
    if known.says_nothing and not (known.provenance and not bundle.has_metadata):
        atomic.write_bytes(target, model_file.whole_file(bundle))
        return model_file.read(target)
    return _with_metadata(bundle, target, known)


def fitting(bundle: Bundle, known: ModelHints) -> None:
    """Whether a model file, read as ``known.chosen`` says, can take these labels and this preprocessing.

    Raises:
        ModelError: ``wrong_labels``: the file has its own, they are not as many as its classes, or the photo is not of
            the size that it takes.
    """
    if bundle.has_metadata:
        raise ModelError(
            "wrong_labels",
            f"{bundle.path.name} already has its own labels and preprocessing.",
            "Install it without label or preprocessing options.",
        )
    if known.size is not None and known.size != bundle.input_shape[1:]:
        taken, given = (" x ".join(map(str, size[::-1])) for size in (bundle.input_shape[1:], known.size))
        raise ModelError("wrong_labels", f"{bundle.path.name} takes {taken} pixels, not {given}.")
    _labels(known, bundle.classes)


def as_known(bundle: Bundle, known: ModelHints) -> Bundle:
    """The file read again with what is known of it, where that makes another graph of it. Raises ModelError."""
    chosen = known.chosen
    resized = bundle.plan.image.free and chosen.size not in (None, bundle.input_shape[1:])
    renamed = len(bundle.plan.outputs) > 1 and chosen.classes not in (None, bundle.classes)
    if bundle.has_metadata or not (resized or renamed or any(one is not None for one in chosen.told)):
        return bundle
    return model_file.read(bundle.path, chosen)


def completed(known: ModelHints, bundle: Bundle) -> ModelHints:
    """What is known of a foreign model, with what lies beside its file, where neither the file nor anyone says it."""
    stated = bundle.prepared and all(note.code != "values_found" for note in bundle.notes)
    if bundle.has_metadata or (known.transforms is not None and known.labels is not None):
        return known
    found = look_beside(bundle.path)
    if known.labels is None and not bundle.named and len(found.labels or ()) == bundle.classes:
        known = replace(known, labels=found.labels)
    if known.transforms is None and not stated and found.transforms is not None:
        fits = bundle.plan.image.free or found.transforms.size == bundle.input_shape[1:]
        part: frozenset[Part] = frozenset() if fits else frozenset({"size"})
        known = replace(known, transforms=found.transforms, as_found=part, source=found.source)
    return known


def with_hints(bundle: Bundle, known: ModelHints) -> Bundle:
    """A foreign model that ``as_known`` has read and ``fitting`` has passed, with what is known of it."""
    answered = [] if known.labels is None else ["logit_assumed"]
    if known.says_values:
        answered += ["values_assumed", "values_found"]
    categories = known.labels or bundle.metadata.categories
    notes = [note for note in bundle.notes if note.code not in answered]
    if known.source:
        notes.append(Note("values_beside", f"How photos are prepared is said by {known.source} beside the file."))
    return replace(
        bundle,
        metadata=replace(bundle.metadata, categories=categories, transforms=preparing(bundle, known)),
        notes=tuple(notes),
        named=bundle.named or known.labels is not None,
        prepared=bundle.prepared or known.says_values,
    )


def preparing(bundle: Bundle, known: ModelHints) -> Transforms:
    """The preprocessing of a foreign model: what is known of it, in the sizes and values that its input can take."""
    said, found = known.transforms, bundle.metadata.transforms
    if said is None:
        return found
    image = bundle.plan.image
    if "size" in known.as_found:
        fitted = usual(image)
        said = replace(said, resize=fitted.resize, crop=fitted.crop, crop_width=fitted.crop_width)
    if "values" in known.as_found:
        said = replace(said, mean=found.mean, std=found.std)
    if "channels" in known.as_found:
        said = replace(said, channels=found.channels)
    return fitting_values(image, said)


def architecture_of(shapes: Mapping[str, tuple[int, ...]]) -> Architecture:
    """The network that arrays of these names and shapes belong to. Raises ModelError ``unsupported_model``."""
    first = shapes.get("conv1.weight", ())
    blocks = Counter(name.split(".")[0] for name in shapes if name.endswith(".conv2.weight") and name.count(".") == 3)
    depths = tuple(blocks[f"layer{i + 1}"] for i in range(len(blocks)))
    block = "bottleneck" if "layer1.0.conv3.weight" in shapes else "basic"
    stem = "cifar" if first[2:] == (3, 3) else "imagenet"
    residual = any(".downsample." in name for name in shapes)
    for found in ARCHITECTURES.values():
        if (found.block, found.depths, found.stem, found.residual) == (block, depths, stem, residual):
            return found
    raise ModelError(
        "unsupported_model",
        "These weights are of no network that the app knows: it reads those of ResNet-18, 34, 50, 101 and 152, "
        "by torchvision's names.",
        "Export the network to ONNX where it was trained, then open that file.",
    )


def _from_weights(path: Path, target: Path, known: ModelHints) -> Bundle:
    arrays = {
        name: array
        for name, array in torch_file.read_state_dict(path).items()
        if array.dtype == np.float32  # not the counters of the batch norms
    }
    arch = architecture_of({name: array.shape for name, array in arrays.items()})
    transforms = known.transforms or (
        Transforms(resize=CIFAR_SIDE, crop=CIFAR_SIDE) if arch.stem == "cifar" else Transforms()
    )
    model = build_resnet(arch, arrays, height=transforms.crop, width=transforms.crop, storage="float32")
    labels = _labels(known, _classes(arrays))
    metadata = Metadata(arch=arch.name, categories=labels, transforms=transforms, provenance=known.provenance)
    if known.thresholds:
        thresholds_of(metadata, known.thresholds, path.name)  # which says that such weights take none
    return model_file.write(target, model, metadata)


def _with_metadata(bundle: Bundle, target: Path, known: ModelHints) -> Bundle:
    metadata = bundle.metadata
    if not bundle.has_metadata or not replace(known, thresholds=()).says_nothing:
        metadata = _told(bundle, known)
    if known.thresholds:
        metadata = replace(metadata, thresholds=thresholds_of(metadata, known.thresholds, bundle.path.name))
    model = tensors.parse(model_file.whole_file(bundle), bundle.path).model
    return model_file.write(target, model, metadata)


def _told(bundle: Bundle, known: ModelHints) -> Metadata:
    """What the file of a foreign model is to say."""
    fitting(bundle, known)
    return replace(
        bundle.metadata,
        categories=bundle.metadata.categories if known.labels is None else _labels(known, bundle.classes),
        transforms=preparing(bundle, known),
        assumed=() if bundle.prepared or known.says_values else ("values",),
        provenance=known.provenance,
        layout=known.layout or ("nhwc" if bundle.plan.image.order == "nhwc" else None),
        output_name=known.output_name or _other_output(bundle),
    )


def _other_output(bundle: Bundle) -> str | None:
    """The output that is taken, where it is not the first one, which an older app would take."""
    name = bundle.plan.ending.row.name
    return None if name == bundle.plan.outputs[0] else name


def _classes(arrays: Mapping[str, NDArray[Any]]) -> int:
    return int(arrays[f"{head_names(arrays)[-1]}.bias"].shape[0])


def _other_count(labels: int, classes: int) -> str:
    """What to do about another number of labels."""
    if labels == classes + 1:
        return "If the first line of the label file is a heading or a class that the model lacks, remove it."
    return "Use the label file that belongs to this model, with one name for each class."


def _labels(known: ModelHints, classes: int) -> tuple[str, ...]:
    if known.labels is None:
        return tuple(f"class {i}" for i in range(classes))
    if len(known.labels) != classes:
        found = f"There are {len(known.labels)} labels for {classes} classes"
        first = f"; the first is “{printable(known.labels[0][:60])}”" if known.labels else ""
        raise ModelError("wrong_labels", f"{found}{first}.", _other_count(len(known.labels), classes))
    for index, label in enumerate(known.labels):
        if not is_label(label):
            raise ModelError("wrong_labels", f"Class {index} has no valid label.")
    return known.labels
