"""A classifier in one file: reading it with full checks, writing it whole or not at all, proving its weights.

A model file is untrusted: everything it says is checked before it is believed, and every refusal is a ModelError.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from resnet_desktop import __version__
from resnet_desktop.bundle.adapt import tried
from resnet_desktop.bundle.adapt.assumptions import DOUBTS, agreed, assumed, notes_on, notes_on_values
from resnet_desktop.bundle.adapt.chosen import NOTHING, Chosen
from resnet_desktop.bundle.adapt.inputs import find_input
from resnet_desktop.bundle.adapt.outputs import choose
from resnet_desktop.bundle.adapt.outputs import ending as ending_of
from resnet_desktop.bundle.adapt.pruning import prune
from resnet_desktop.bundle.adapt.surgery import Plan, apply, planned
from resnet_desktop.bundle.adapt.values import values_taken
from resnet_desktop.bundle.adapt.versions import claims_wrong_shapes, readable
from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.builders.efficientnet import is_efficientnet_lite, read_shape
from resnet_desktop.bundle.builders.resnet import PRODUCER, check_arrays, read_arrays
from resnet_desktop.bundle.file import tensors
from resnet_desktop.bundle.format.metadata import CHECKSUM_KEY, PREFIX, Metadata
from resnet_desktop.bundle.labels.label_metadata import Said, said_by_itself
from resnet_desktop.bundle.structure.graph_view import ONNX_DOMAINS, GraphView
from resnet_desktop.bundle.structure.logits import FeatureLayer, final_operator, find_features
from resnet_desktop.core import atomic
from resnet_desktop.core.errors import LayerError, ModelError
from resnet_desktop.imaging.notes import Note

__all__ = [
    "VARIANT_KEY",
    "Bundle",
    "Chosen",
    "FeatureLayer",
    "VerifyResult",
    "read",
    "serialized",
    "verify",
    "weights_sha256",
    "whole_file",
    "write",
]

VARIANT_KEY = "variant"
"""In the provenance of a file that was made of another to be faster: how (see ``file.variant``)."""

_QUANTIZED = ("QuantizeLinear", "DequantizeLinear", "QLinearConv", "ConvInteger")


@dataclass(frozen=True, eq=False)
class Bundle:
    """A checked model file. The weights stay in the file: ``serialized`` gives them to a session.

    Attributes:
        path: the file.
        metadata: its labels, transforms and so on; for a foreign model the labels that it names, else "class 0" …,
            and the usual transforms.
        has_metadata: False for a foreign model.
        input_name: the input of ``serialized``, float32 ``[batch, 3, height, width]``.
        input_shape: ``(3, height, width)``.
        output_name: the tensor with the logits ``[batch, classes]``; an output of ``serialized``, where a final Softmax
            is peeled off, other probabilities become their logarithms and ``[batch, classes, 1, 1]`` is flattened.
        classes: how many.
        batch: the batch size, if the model works with no other; else None.
        size: of the file, in bytes.
        features: where the closed form of a heatmap applies; None if it does not.
        view: the graph, without weights.
    """

    path: Path
    metadata: Metadata
    has_metadata: bool
    input_name: str
    input_shape: tuple[int, int, int]
    output_name: str
    classes: int
    batch: int | None
    size: int
    features: FeatureLayer | None
    view: GraphView = field(repr=False)
    modified_ns: int = field(repr=False)
    rewritten: bool = field(repr=False)
    """Whether a session needs another graph than the file's: a Softmax is peeled off, or weights lie outside."""
    plan: Plan = field(repr=False)
    """How that other graph is made."""
    named: bool = False
    """Whether the file says what its classes are called: a bundle does, another model by luck (``label_metadata``)."""
    prepared: bool = False
    """Whether the file says how photos are prepared; else the usual way is assumed."""
    notes: tuple[Note, ...] = ()
    """What was done to another model's graph so that it can be run here, and what had to be assumed of it."""

    @property
    def doubts(self) -> tuple[Note, ...]:
        """Of the notes those that belong to each of its answers: the answer is wrong if the assumption is."""
        return tuple(note for note in self.notes if note.code in DOUBTS)

    @property
    def variant(self) -> str | None:
        """Which faster form of another file this is, such as ``int8``; None for a file as it was installed."""
        about = self.metadata.provenance.get(VARIANT_KEY)
        kind = about.get("kind") if isinstance(about, dict) else None
        return kind if isinstance(kind, str) else None

    @cached_property
    def file_sha256(self) -> str:
        """sha256 of the whole file, in hexadecimal digits; computed when first asked for. Raises ModelError."""
        return hashlib.sha256(_unchanged_bytes(self)).hexdigest()


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """Whether the weights are those that were written.

    Attributes:
        ok: ``expected`` and ``found`` are the same.
        expected: the checksum that the file carries; None if it carries none, as foreign models do.
        found: the checksum of its weights.
    """

    ok: bool
    expected: str | None
    found: str


def read(path: Path, chosen: Chosen = NOTHING, *, afresh: bool = False) -> Bundle:
    """Open a model file and check everything but the values of its weights (see ``verify``).

    Args:
        path: the file.
        chosen: what the user says of it, and its metadata do not.
        afresh: whether what an earlier trial has shown is left aside, as a trial must: it would find nothing again.

    Raises:
        ModelError: ``missing_model``, ``not_onnx``, ``damaged_model``, ``newer_format``, ``bad_metadata``,
            ``wrong_shapes``, ``external_data``, ``unsupported_model``.
    """
    data, state = tensors.read_bytes(path)
    parsed = tensors.parse(data, path)
    chosen = replace(chosen, found=tried.UNTRIED if afresh else tried.recall(data))
    return _checked(parsed, path, size=len(data), modified_ns=state.st_mtime_ns, chosen=chosen)


def serialized(bundle: Bundle, extra_outputs: Sequence[str] = ()) -> bytes:
    """The model for a session: logits as ``bundle.output_name``, and ``extra_outputs`` as outputs besides.

    Raises:
        LayerError: ``unknown_layer`` if an extra output is no tensor of the graph.
        ModelError: the file is gone or has changed since it was read.
    """
    for name in extra_outputs:
        if bundle.view.producer(name) is None:
            raise LayerError("unknown_layer", f"The model has no tensor {name!r}.")
    data = _unchanged_bytes(bundle)
    present = set(bundle.view.outputs)
    if bundle.rewritten:
        model = tensors.parse(data, bundle.path).model
        readable(model, bundle.plan.ending.row.tensor)
        apply(model, bundle.plan)
        del model.graph.value_info[:]  # which may be wrong; the runtime finds out by itself
        prune(model, [bundle.output_name, *extra_outputs])
        data = model.SerializeToString()
        present = {bundle.output_name}
    added = [onnx.ValueInfoProto(name=n) for n in dict.fromkeys(extra_outputs) if n not in present]
    if not added:
        return data
    # Protobuf merges messages that follow each other, so that outputs are added without copying the weights around.
    merged: bytes = data + onnx.ModelProto(graph=onnx.GraphProto(output=added)).SerializeToString()
    return merged


def whole_file(bundle: Bundle) -> bytes:
    """The file as it is, for a copy that stands alone: weights in other files are put inside. Raises ModelError."""
    data = _unchanged_bytes(bundle)
    model, external = tensors.parse(data, bundle.path)
    return model.SerializeToString() if external else data


def write(path: Path, model: onnx.ModelProto, metadata: Metadata) -> Bundle:
    """Write a bundle atomically; what would not be read back is not written.

    The model is changed: it gets the metadata, the checksum of its weights and this program's name.

    Raises:
        ModelError: as ``read``, of the model and the metadata as given.
        StorageError: the folder or the disk refuses; the old file stays.
    """
    metadata = replace(metadata, weights_sha256=weights_sha256(model))
    foreign = {p.key: p.value for p in model.metadata_props if not p.key.startswith(PREFIX)}
    onnx.helper.set_model_props(model, foreign | metadata.to_props())
    model.producer_name = PRODUCER
    model.producer_version = __version__
    data = model.SerializeToString()
    chosen = Chosen(found=tried.recall(data))
    bundle = _checked(tensors.parse(data, path), path, size=len(data), modified_ns=0, chosen=chosen)
    atomic.write_bytes(path, data)
    return replace(bundle, modified_ns=path.stat().st_mtime_ns)


def weights_sha256(model: onnx.ModelProto) -> str:
    r"""sha256 over the initializers sorted by name: name, type, shape and bytes (little-endian) of each.

    Name, type and dimensions are the text ``name\0type\0d0,d1,…\0`` in UTF-8, with the type's number in ONNX.
    """
    digest = hashlib.sha256()
    for tensor in sorted(model.graph.initializer, key=lambda t: t.name):
        dims = ",".join(str(d) for d in tensor.dims)
        digest.update(f"{tensor.name}\0{tensor.data_type}\0{dims}\0".encode())
        if tensor.HasField("raw_data"):
            digest.update(tensor.raw_data)
        else:
            array = numpy_helper.to_array(tensor)
            digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def verify(bundle: Bundle) -> VerifyResult:
    """Compare the weights in the file with the checksum that it carries. Raises ModelError if it cannot be read."""
    data, _ = tensors.read_bytes(bundle.path)
    model = tensors.parse(data, bundle.path).model
    expected = {p.key: p.value for p in model.metadata_props}.get(CHECKSUM_KEY)
    found = weights_sha256(model)
    return VerifyResult(expected == found, expected, found)


def arrays(bundle: Bundle) -> dict[str, NDArray[np.float32]]:
    """The weights by name, as float32. Raises ModelError if the file is gone or has changed."""
    return read_arrays(tensors.parse(_unchanged_bytes(bundle), bundle.path).model)


def _unchanged_bytes(bundle: Bundle) -> bytes:
    data, state = tensors.read_bytes(bundle.path)
    if (len(data), state.st_mtime_ns) != (bundle.size, bundle.modified_ns):
        raise ModelError(
            "damaged_model", f"The model file {bundle.path} has changed since it was opened.", "Reopen it."
        )
    return data


def _checked(parsed: tensors.Parsed, path: Path, *, size: int, modified_ns: int, chosen: Chosen = NOTHING) -> Bundle:
    model = parsed.model
    metadata = _metadata(model)
    told_output = chosen.output_name if metadata is None else metadata.output_name or chosen.output_name
    outputs = tuple(value.name for value in model.graph.output)
    changed = readable(model, told_output)
    plan, view = _planned(model, metadata, chosen)
    values = values_taken(view, plan.image) if metadata is None else None
    plan = replace(plan, outputs=outputs)
    changed |= claims_wrong_shapes(model, view)
    if plan.is_needed:
        apply(model, plan)
    image, ending = plan.image, plan.ending
    sides = (image.height, image.width)
    pruned = prune(model, [plan.output_name, ending.row.name])
    if plan.changes_tensors or pruned:
        view = GraphView(model, input_shape=(plan.batch, 3, *sides))
    if metadata is None:
        said = said_by_itself(assumed(plan, values), {p.key: p.value for p in model.metadata_props})
        told = chosen.told
        notes = notes_on_values(values, stated=said.prepared)
        said = replace(said, prepared=said.prepared or values is not None)
    else:
        _check_agreement(metadata, ending.classes, sides)
        metadata = replace(metadata, output=ending.gives)
        if not _has_its_architecture(metadata, view):
            metadata = replace(metadata, arch=None)
        said = Said(metadata, named=True, prepared="values" not in metadata.assumed)
        notes = notes_on_values(None, stated=said.prepared)
        told = (metadata.layout, metadata.output_name)
    return Bundle(
        path=path,
        metadata=said.metadata,
        has_metadata=metadata is not None,
        input_name=plan.input_name,
        input_shape=(3, *sides),
        output_name=plan.output_name,
        classes=ending.classes,
        batch=plan.batch,
        size=size,
        features=find_features(view, model, plan.output_name),
        view=view,
        modified_ns=modified_ns,
        rewritten=plan.is_needed or parsed.external or changed or pruned,
        plan=plan,
        named=said.named or (metadata is None and ending.row.labels is not None),
        prepared=said.prepared,
        notes=(*notes_on(plan, view, told, named=said.named), *notes),
    )


def _planned(model: onnx.ModelProto, metadata: Metadata | None, chosen: Chosen) -> tuple[Plan, GraphView]:
    """What is to be done to the graph so that it takes pictures and gives logits, and the graph as it is."""
    told = chosen if metadata is None else chosen.or_as_in(metadata)
    image = find_input(model, told.size, told.layout)
    strict = metadata is not None and metadata.arch is not None and _is_plain_onnx(model)
    view = GraphView(model, input_shape=image.shape, strict=strict)
    row = choose(model, view, told.output_name, told.classes, {p.key: p.value for p in model.metadata_props})
    ending = tried.as_found(ending_of(model, view, row), told.found)
    if metadata is not None:
        ending = agreed(metadata, ending, final_operator(view, row.tensor))
    return planned(image, ending, view, told.found.batch), view


def _metadata(model: onnx.ModelProto) -> Metadata | None:
    props = {p.key: p.value for p in model.metadata_props}
    if len(props) != len(model.metadata_props):
        raise ModelError("bad_metadata", "The model's metadata contains a duplicate key.")
    metadata = Metadata.from_props(props)
    if model.producer_name == PRODUCER and (metadata is None or metadata.weights_sha256 is None):
        # The metadata is what the file ends with, the checksum last.
        raise ModelError(
            "damaged_model", "The model file is incomplete: its metadata is missing.", "Copy or download it again."
        )
    return metadata


def _check_agreement(metadata: Metadata, classes: int, sides: tuple[int, int]) -> None:
    labels = len(metadata.categories)
    if labels != classes:
        raise ModelError("bad_metadata", f"{PREFIX}categories has {labels} labels for {classes} classes.")
    if metadata.transforms.size != sides:
        crop, taken = (" x ".join(map(str, size[::-1])) for size in (metadata.transforms.size, sides))
        raise ModelError("bad_metadata", f"{PREFIX}transforms crops to {crop} pixels, but the network takes {taken}.")


def _has_its_architecture(metadata: Metadata, view: GraphView) -> bool:
    """Whether a network that says it is one of ours still is: not if somebody has folded its norms since.

    Raises:
        ModelError: ``wrong_shapes``: its weights are not those of its architecture, though it was not quantized since.
    """
    kinds = {node.op_type for node in view.nodes}
    if not kinds.isdisjoint(_QUANTIZED):
        return True
    arch = ARCHITECTURES.get(metadata.arch or "")
    if arch is None and not is_efficientnet_lite(metadata.arch):
        return True
    if "BatchNormalization" not in kinds:
        return False
    shapes = {name: tuple(d or 0 for d in t.shape or ()) for name, t in view.initializers.items()}
    if arch is not None:
        check_arrays(arch, shapes)
    else:
        read_shape(str(metadata.arch), {name: shape for name, shape in shapes.items() if shape})
    return True


def _is_plain_onnx(model: onnx.ModelProto) -> bool:
    """Whether shape inference knows every operator, so that what it cannot infer is a fault."""
    return not model.functions and all(node.domain in ONNX_DOMAINS for node in model.graph.node)
