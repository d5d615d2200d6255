"""A classifier in one file: reading it with full checks, writing it whole or not at all, proving its weights.

A model file is untrusted: everything it says is checked before it is believed, and every refusal is a ModelError.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from resnet_desktop import __version__
from resnet_desktop.bundle import tensors
from resnet_desktop.bundle.architectures import ARCHITECTURES
from resnet_desktop.bundle.features import FeatureLayer, behind_softmax, final_operator, find_features
from resnet_desktop.bundle.graph.efficientnet import is_efficientnet_lite, read_shape
from resnet_desktop.bundle.graph_view import ONNX_DOMAINS, GraphView, Shape, declared, type_name
from resnet_desktop.bundle.importers.label_metadata import Said, said_by_itself
from resnet_desktop.bundle.metadata import CHECKSUM_KEY, MAX_CLASSES, PREFIX, Metadata
from resnet_desktop.bundle.resnet_graph import PRODUCER, check_arrays, read_arrays
from resnet_desktop.core import atomic
from resnet_desktop.core.errors import LayerError, ModelError
from resnet_desktop.imaging.transforms import Transforms

__all__ = [
    "Bundle",
    "FeatureLayer",
    "VerifyResult",
    "read",
    "serialized",
    "verify",
    "weights_sha256",
    "whole_file",
    "write",
]

DEFAULT_SIDE = 224
"""Input side, in pixels, where a foreign model leaves it open."""

MAX_SIDE = 4096
_QUANTIZED = ("QuantizeLinear", "DequantizeLinear", "QLinearConv", "ConvInteger")


@dataclass(frozen=True, eq=False)
class Bundle:
    """A checked model file. The weights stay in the file: ``serialized`` gives them to a session.

    Attributes:
        path: the file.
        metadata: its labels, transforms and so on; for a foreign model the labels that it names, else "class 0" …,
            and the usual transforms.
        has_metadata: False for a foreign model.
        input_name: the graph's input, float32 ``[batch, 3, height, width]``.
        input_shape: ``(3, height, width)``.
        output_name: the tensor with the logits ``[batch, classes]``; an output of ``serialized``, where a final Softmax
            is peeled off and ``[batch, classes, 1, 1]`` is flattened.
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
    flattened: str | None = field(default=None, repr=False)
    """The tensor ``[batch, classes, 1, 1]`` that ``output_name`` is made of; None if the file has ``output_name``."""
    named: bool = False
    """Whether the file says what its classes are called: a bundle does, another model by luck (``label_metadata``)."""
    prepared: bool = False
    """Whether the file says how photos are prepared; else the usual way is assumed."""

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


def read(path: Path) -> Bundle:
    """Open a model file and check everything but the values of its weights (see ``verify``).

    Raises:
        ModelError: ``missing_model``, ``not_onnx``, ``damaged_model``, ``newer_format``, ``bad_metadata``,
            ``wrong_shapes``, ``external_data``, ``unsupported_model``.
    """
    data, state = tensors.read_bytes(path)
    return _checked(tensors.parse(data, path), path, size=len(data), modified_ns=state.st_mtime_ns)


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
        if bundle.flattened is not None:
            model.graph.node.append(_flatten(bundle.flattened, bundle.output_name))
        kept = onnx.ValueInfoProto(name=bundle.output_name)
        del model.graph.output[:]
        model.graph.output.append(kept)
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
    bundle = _checked(tensors.parse(data, path), path, size=len(data), modified_ns=0)
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


def _checked(parsed: tensors.Parsed, path: Path, *, size: int, modified_ns: int) -> Bundle:
    model = parsed.model
    metadata = _metadata(model)
    input_name, given = _input(model)
    batch, *_ = given
    view = GraphView(model, input_shape=given, strict=metadata is not None and _is_plain_onnx(model))
    output, classes = _output(model, view)
    logits = behind_softmax(view, output)
    _check_output_kind(view, output, metadata, peeled=logits is not None)
    side = given[-1]
    assert side is not None
    if metadata is None:
        usual = _foreign_metadata(classes, side, "probabilities" if logits is not None else "logits")
        said = said_by_itself(usual, {p.key: p.value for p in model.metadata_props})
    else:
        _check_agreement(metadata, classes, side)
        _check_architecture(metadata, view)
        said = Said(metadata, named=True, prepared=True)
    output_name, flattened = logits if logits is not None else output, None
    if len(view.shape(output_name)) > 2:
        output_name, flattened = f"{output_name}/flat", output_name
        model.graph.node.append(_flatten(flattened, output_name))
        view = GraphView(model, input_shape=given)
    return Bundle(
        path=path,
        metadata=said.metadata,
        has_metadata=metadata is not None,
        input_name=input_name,
        input_shape=(3, side, side),
        output_name=output_name,
        classes=classes,
        batch=batch,
        size=size,
        features=find_features(view, model, output_name),
        view=view,
        modified_ns=modified_ns,
        rewritten=logits is not None or flattened is not None or parsed.external,
        flattened=flattened,
        named=said.named,
        prepared=said.prepared,
    )


def _flatten(tensor: str, flat: str) -> onnx.NodeProto:
    return onnx.helper.make_node("Flatten", [tensor], [flat], axis=1)


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


def _input(model: onnx.ModelProto) -> tuple[str, Shape]:
    """The one input, which must take square RGB images: its name and ``(batch or None, 3, side, side)``."""
    weights = {t.name for t in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in weights]
    if len(inputs) != 1:
        raise ModelError("unsupported_model", f"An image classifier has one input; this model has {len(inputs)}.")
    tensor = declared(inputs[0])
    shape = tensor.shape or ()
    is_image = tensor.type == TensorProto.FLOAT and len(shape) == 4 and shape[1] in (3, None)
    if not is_image:
        what = f"{type_name(tensor.type)} {list(shape)}"
        raise ModelError(
            "unsupported_model",
            f"The model's input is {what}; an image classifier takes float32 [batch, 3, height, width].",
        )
    batch, _, height, width = shape
    height, width = height or width or DEFAULT_SIDE, width or height or DEFAULT_SIDE
    if height != width or not 1 <= height <= MAX_SIDE:
        raise ModelError(
            "unsupported_model", f"The model takes images of {width} x {height}; they must be square, up to {MAX_SIDE}."
        )
    if batch is not None and batch < 1:
        batch = None
    return inputs[0].name, (batch, 3, height, width)


def _output(model: onnx.ModelProto, view: GraphView) -> tuple[str, int]:
    """The first output, which must be one number for each class: its name and the number of classes."""
    if not model.graph.output:
        raise ModelError("unsupported_model", "The model has no output.")
    claimed = declared(model.graph.output[0])
    name = model.graph.output[0].name
    shape = view.shape(name) or claimed.shape or ()
    classes = shape[1] if _is_row(shape) else None
    if claimed.type != TensorProto.FLOAT or not _is_row(shape) or (classes is not None and classes < 1):
        raise ModelError(
            "unsupported_model",
            f"The model's output is {type_name(claimed.type)} {list(shape)}; "
            "an image classifier gives float32 [batch, classes].",
        )
    if classes is None and claimed.shape is not None and _is_row(claimed.shape):
        classes = claimed.shape[1]
    if classes is None or classes > MAX_CLASSES:
        raise ModelError("unsupported_model", "The model does not state how many classes it has.")
    if claimed.shape is not None and (not _is_row(claimed.shape) or claimed.shape[1] not in (None, classes)):
        raise ModelError(
            "wrong_shapes", f"The model declares an output of {list(claimed.shape)} but returns {list(shape)}."
        )
    return name, classes


def _is_row(shape: Shape) -> bool:
    """Whether there is one number for each class: ``[batch, classes]``, or ``[batch, classes, 1, 1]`` after pooling."""
    return len(shape) >= 2 and all(side == 1 for side in shape[2:])


def _check_output_kind(view: GraphView, output: str, metadata: Metadata | None, *, peeled: bool) -> None:
    kind = final_operator(view, output)
    if kind == "Sigmoid":
        raise ModelError(
            "unsupported_model", "The model scores each label independently (Sigmoid) instead of choosing one class."
        )
    if metadata is not None and (metadata.output == "probabilities") != peeled:
        raise ModelError(
            "bad_metadata", f"{PREFIX}output says {metadata.output}, but the graph ends in {kind or 'nothing'}."
        )


def _foreign_metadata(classes: int, side: int, output: Literal["logits", "probabilities"]) -> Metadata:
    return Metadata(
        arch=None,
        categories=tuple(f"class {i}" for i in range(classes)),
        transforms=Transforms(resize=max(side, round(side * 256 / 224)), crop=side),
        output=output,
    )


def _check_agreement(metadata: Metadata, classes: int, side: int) -> None:
    labels = len(metadata.categories)
    if labels != classes:
        raise ModelError("bad_metadata", f"{PREFIX}categories has {labels} labels for {classes} classes.")
    if metadata.transforms.crop != side:
        crop = metadata.transforms.crop
        raise ModelError("bad_metadata", f"{PREFIX}transforms crops to {crop} pixels, but the network takes {side}.")


def _check_architecture(metadata: Metadata, view: GraphView) -> None:
    """A network of ours must have exactly the weights of its architecture, unless it was quantized since."""
    if any(node.op_type in _QUANTIZED for node in view.nodes):
        return
    shapes = {name: tuple(d or 0 for d in t.shape or ()) for name, t in view.initializers.items()}
    arch = ARCHITECTURES.get(metadata.arch or "")
    if arch is not None:
        check_arrays(arch, shapes)
    elif is_efficientnet_lite(metadata.arch):
        read_shape(str(metadata.arch), {name: shape for name, shape in shapes.items() if shape})


def _is_plain_onnx(model: onnx.ModelProto) -> bool:
    """Whether shape inference knows every operator, so that what it cannot infer is a fault."""
    return not model.functions and all(node.domain in ONNX_DOMAINS for node in model.graph.node)
