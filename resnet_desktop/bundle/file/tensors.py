"""Opening a model file without trusting it: its size, its tensors' sizes, where its data may lie.

Every size that the file declares is compared with the bytes that are really there before anything is allocated for it.
Weights may lie in other files ("external data" in the ONNX specification), if those lie beneath the model's folder.
"""

from __future__ import annotations

import hashlib
import math
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto

from resnet_desktop.bundle.file.extent import check_extent
from resnet_desktop.core.errors import ModelError
from resnet_desktop.core.text.error_text import error_text

MAX_BYTES = 2**31 - 1
"""The largest message that protobuf, and so ONNX in one piece, can hold."""

_MAX_IR_TAG = 64
TORCH_HEADS = (b"PK", b"\x80\x02")
"""How files begin that PyTorch writes."""
_BITS: dict[int, int] = {
    TensorProto.FLOAT: 32,
    TensorProto.UINT8: 8,
    TensorProto.INT8: 8,
    TensorProto.UINT16: 16,
    TensorProto.INT16: 16,
    TensorProto.INT32: 32,
    TensorProto.INT64: 64,
    TensorProto.BOOL: 8,
    TensorProto.FLOAT16: 16,
    TensorProto.DOUBLE: 64,
    TensorProto.UINT32: 32,
    TensorProto.UINT64: 64,
    TensorProto.BFLOAT16: 16,
    TensorProto.FLOAT8E4M3FN: 8,
    TensorProto.FLOAT8E4M3FNUZ: 8,
    TensorProto.FLOAT8E5M2: 8,
    TensorProto.FLOAT8E5M2FNUZ: 8,
    TensorProto.UINT4: 4,
    TensorProto.INT4: 4,
}


def file_sha256(path: Path) -> tuple[str, int]:
    """sha256 of a model file in hexadecimal digits, and its bytes; it is not read at once. Raises as ``read_bytes``."""
    size = _looked_at(path).st_size
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), size
    except OSError as error:
        raise ModelError("missing_model", f"The model file {path} cannot be read: {error_text(error)}.") from error


def read_bytes(path: Path) -> tuple[bytes, os.stat_result]:
    """The content of a model file and its state when it was read.

    Raises ModelError: ``missing_model``, ``not_onnx`` (a folder, a device; never waits on one), ``damaged_model``
    (empty), ``unsupported_model`` (2 GiB and more).
    """
    state = _looked_at(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError("missing_model", f"The model file {path} does not exist.") from error
    except OSError as error:
        raise ModelError("missing_model", f"The model file {path} cannot be read: {error_text(error)}.") from error
    if not data:
        raise ModelError("damaged_model", f"The model file {path} is empty.")
    return data, state


def _looked_at(path: Path) -> os.stat_result:
    """The state of what may be a model file, by what can be told without opening it. Raises ModelError."""
    try:
        state = path.stat()
    except FileNotFoundError as error:
        raise ModelError("missing_model", f"The model file {path} does not exist.") from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise ModelError("missing_model", f"The model file {path} cannot be read: {error_text(error)}.") from error
    if not stat.S_ISREG(state.st_mode):
        raise ModelError("not_onnx", f"{path} is not a file.")
    if state.st_size > MAX_BYTES:
        raise ModelError("unsupported_model", f"{path} is too large: a model file must be smaller than 2 GiB.")
    return state


class Parsed(NamedTuple):
    """A model, and whether some of its weights came from other files (they are inside ``model`` now)."""

    model: onnx.ModelProto
    external: bool


def parse(data: bytes, path: Path) -> Parsed:
    """Read a model out of ``data``; external data is read from beneath the folder of ``path`` and put inside.

    Raises ModelError: ``not_onnx``, ``damaged_model``, ``wrong_shapes``, ``external_data``, ``unsupported_model``.
    """
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise _not_a_model(data, path) from error
    if not model.graph.node or not model.opset_import:
        raise _not_a_model(data, path)
    check_extent(model)
    if not all(isinstance(text, str) for text in _texts(model)):  # protobuf gives text that is not UTF-8 as bytes
        raise _not_a_model(data, path)
    if model.graph.sparse_initializer:
        raise ModelError("unsupported_model", f"{path.name} has sparse weights, which ResNet Desktop does not support.")
    external = [t for t in model.graph.initializer if t.data_location == TensorProto.EXTERNAL]
    _read_external(external, path, len(data))
    for tensor in _all_tensors(model):
        check_tensor(tensor)
    return Parsed(model, bool(external))


def check_tensor(tensor: onnx.TensorProto) -> None:
    """Check that a tensor holds as much data as its dimensions say. Raises ModelError."""
    if tensor.data_location == TensorProto.EXTERNAL:
        raise ModelError(
            "external_data", f"The tensor {tensor.name!r} is stored outside the file, which is not allowed here."
        )
    if tensor.data_type == TensorProto.STRING:
        found, expected = len(tensor.string_data), math.prod(tensor.dims)
    elif tensor.HasField("raw_data"):
        found, expected = len(tensor.raw_data), byte_count(tensor)
    else:
        found, expected = _typed_count(tensor)
    if found != expected or any(d < 0 for d in tensor.dims):
        raise ModelError(
            "wrong_shapes",
            f"The tensor {tensor.name!r} has dimensions {list(tensor.dims)[:8]}, which do not match its data.",
        )


def byte_count(tensor: onnx.TensorProto) -> int:
    """The bytes that the dimensions and the type of a tensor ask for. Raises ModelError ``damaged_model``."""
    bits = _BITS.get(tensor.data_type)
    if bits is None:
        raise ModelError("damaged_model", f"The tensor {tensor.name!r} has an unknown type ({tensor.data_type}).")
    count: int = math.prod(tensor.dims)
    return -(-count * bits // 8)


def _typed_count(tensor: onnx.TensorProto) -> tuple[int, int]:
    """Numbers found in, and expected of, the field of a tensor that is not stored as raw bytes."""
    count = math.prod(tensor.dims)
    expected = -(-count // 2) if tensor.data_type in (TensorProto.UINT4, TensorProto.INT4) else count
    match tensor.data_type:
        case TensorProto.FLOAT:
            return len(tensor.float_data), expected
        case TensorProto.DOUBLE:
            return len(tensor.double_data), expected
        case TensorProto.INT64:
            return len(tensor.int64_data), expected
        case TensorProto.UINT32 | TensorProto.UINT64:
            return len(tensor.uint64_data), expected
        case _:
            byte_count(tensor)  # refuses a type that is not known
            return len(tensor.int32_data), expected


def _not_a_model(data: bytes, path: Path) -> ModelError:
    """Tell a broken ONNX file, which starts with a small version number, from something else."""
    if len(data) > 1 and data[0] == 0x08 and data[1] < _MAX_IR_TAG:
        return ModelError(
            "damaged_model", f"The model file {path} is damaged or incomplete.", "Download or copy it again."
        )
    hint = "If it contains PyTorch weights: resnet-desktop models install FILE." if data[:2] in TORCH_HEADS else None
    return ModelError("not_onnx", f"{path} is not an ONNX model.", hint)


def _texts(model: onnx.ModelProto) -> Iterator[str]:
    """All texts of a model that this program reads."""
    graph = model.graph
    yield from (model.producer_name, model.producer_version, graph.name)
    for named in (*graph.input, *graph.output, *graph.initializer):
        yield named.name
    for pair in (*model.metadata_props, *(e for t in graph.initializer for e in t.external_data)):
        yield from (pair.key, pair.value)
    for opset in (*model.opset_import, *model.functions):
        yield opset.domain
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (a.name for a in node.attribute)


def _all_tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every tensor of the model: initializers, constants, those in subgraphs and functions."""
    yield from _graph_tensors(model.graph)
    for function in model.functions:
        yield from _node_tensors(function.node)


def _graph_tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield sparse.values
        yield sparse.indices
    yield from _node_tensors(graph.node)


def _node_tensors(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.TensorProto]:
    for node in nodes:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                if sparse.HasField("values"):
                    yield sparse.values
                    yield sparse.indices
            if attribute.HasField("g"):
                yield from _graph_tensors(attribute.g)
            for graph in attribute.graphs:
                yield from _graph_tensors(graph)


def _read_external(tensors: list[onnx.TensorProto], path: Path, size: int) -> None:
    total = size + sum(byte_count(t) for t in tensors if min(t.dims, default=0) >= 0)
    if total > MAX_BYTES:
        raise ModelError("unsupported_model", f"{path} is too large: a model must be smaller than 2 GiB.")
    for tensor in tensors:
        tensor.raw_data = _external_bytes(tensor, path)
        tensor.ClearField("external_data")
        tensor.data_location = TensorProto.DEFAULT


def _external_bytes(tensor: onnx.TensorProto, path: Path) -> bytes:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    source = _external_path(entries.get("location", ""), path)
    wanted = byte_count(tensor)
    offset = _external_number(entries, "offset", 0, path)
    length = _external_number(entries, "length", wanted, path)
    if length != wanted or any(d < 0 for d in tensor.dims):
        raise ModelError("wrong_shapes", f"The tensor {tensor.name!r} does not match its external data.")
    try:
        state = source.stat()
        if not stat.S_ISREG(state.st_mode) or offset + length > state.st_size:
            raise ModelError("external_data", f"The file {source} does not contain the weights that {path.name} needs.")
        with source.open("rb") as file:
            file.seek(offset)
            data = file.read(length)
    except OSError as error:
        raise ModelError("external_data", f"The weights of {path.name} cannot be read: {error_text(error)}.") from error
    if len(data) != length:
        raise ModelError("external_data", f"The file {source} shrank while it was being read.")
    return data


def _external_number(entries: dict[str, str], key: str, default: int, path: Path) -> int:
    text = entries.get(key, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ModelError("external_data", f"{path.name} has an external data {key} that is not a number.")
    return int(text)


def _external_path(location: str, path: Path) -> Path:
    """The file that ``location`` names, if it lies beneath the model's folder, links followed."""
    refused = ModelError(
        "external_data",
        f"{path.name} refers to weights in {location!r}, outside its own folder; such files are refused.",
    )
    windows, posix = PureWindowsPath(location), PurePosixPath(location)
    anchored = windows.anchor or posix.anchor
    if not location or "\0" in location or anchored or ".." in windows.parts or ".." in posix.parts:
        raise refused
    try:
        folder = path.parent.resolve()
        source = (folder / location).resolve()
    except (OSError, RuntimeError) as error:  # a circle of links
        raise refused from error
    if not source.is_relative_to(folder):
        raise refused
    return source
