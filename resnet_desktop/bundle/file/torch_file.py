"""Weights out of PyTorch's files (``.pth``, ``.pt``), without PyTorch and without running what is in them.

Both containers that ``torch.save`` writes are read: the zip archive (since PyTorch 1.6: ``NAME/data.pkl`` and one
uncompressed member for each storage, ``NAME/data/KEY``) and the stream of pickles before it (magic number, protocol,
system, object, storage keys, then each storage with its length).

A pickle is a program. This one may name dictionaries and tensors and nothing else: its instructions are looked through
before the first is carried out, and any other name in it is a refusal.
"""

from __future__ import annotations

import collections
import io
import math
import pickle
import pickletools
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.file import tensors
from resnet_desktop.bundle.file.pickle_extent import SpreadError, check_pickle
from resnet_desktop.core.errors import ModelError

SUFFIXES = (".pth", ".pt", ".bin", ".ckpt")
MAX_PICKLE = 16 * 2**20
"""Bytes of the pickle that describes the tensors; a ResNet-152's has 150 kB."""
MAX_NUMBER = 2**48
"""Sizes, strides and offsets are below it; the products of larger ones alone can take minutes."""
MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001

_TYPES: dict[str, tuple[str, int]] = {
    "FloatStorage": ("<f4", 4),
    "HalfStorage": ("<f2", 2),
    "DoubleStorage": ("<f8", 8),
    "BFloat16Storage": ("<u2", 2),
    "LongStorage": ("<i8", 8),
    "IntStorage": ("<i4", 4),
    "ShortStorage": ("<i2", 2),
    "CharStorage": ("<i1", 1),
    "ByteStorage": ("<u1", 1),
    "BoolStorage": ("?", 1),
}
"""NumPy's type and the bytes of an element."""
_INSTRUCTIONS = frozenset(
    (
        *("PROTO", "FRAME", "STOP", "MARK", "POP", "POP_MARK", "DUP", "NONE", "NEWTRUE", "NEWFALSE"),
        *("INT", "LONG", "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
        *("EMPTY_DICT", "DICT", "SETITEM", "SETITEMS", "EMPTY_LIST", "LIST", "APPEND", "APPENDS"),
        *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "GET", "BINGET", "LONG_BINGET"),
        *("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "BINPERSID"),
    )
)
_BROKEN = (
    *(zipfile.BadZipFile, pickle.UnpicklingError, struct.error, zlib.error, EOFError, LookupError, ValueError),
    *(TypeError, AttributeError, ArithmeticError, MemoryError, RuntimeError),
)
"""What carrying out a damaged pickle, or opening a damaged archive, can raise; there is no shorter list."""
LARGEST_SHARE = 8
"""Bytes of arrays for each byte of the file: more than this is no storage format but a trap."""
_WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Under one of these a training script keeps the weights beside other things."""


class _Storage(NamedTuple):
    """What the pickle says of a storage: its type's name, its key in the container, its elements.

    A tuple, as ``_Tensor`` is: the pickle's BUILD instruction changes what has attributes, after it was checked.
    """

    kind: str
    key: str
    elements: int


class _Tensor(NamedTuple):
    """What the pickle says of a tensor; offset and strides count elements."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


Fetch = Callable[[_Storage], bytes | memoryview]


def is_torch_file(path: Path) -> bool:
    """Whether a file looks like one of PyTorch's, by its first bytes. False where it cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(2)
    except (OSError, ValueError):
        return False
    return head in tensors.TORCH_HEADS


def read_state_dict(path: Path) -> dict[str, NDArray[Any]]:
    """The named arrays of a file of weights; floating point as float32, whatever it was stored as.

    Raises:
        ModelError: ``missing_model``, ``not_onnx`` (no file), ``damaged_model`` (cut short, or its parts do not agree),
            ``unsupported_model`` (it contains more than weights, or no weights).
    """
    data, _ = tensors.read_bytes(path)
    try:
        found, fetch = _archive(data) if data[:2] == b"PK" else _stream(data)
        named = _tensors(found)
        if 4 * sum(math.prod(tensor.size) for tensor in named.values()) > LARGEST_SHARE * len(data):
            raise ValueError("the same storage many times")
        return {name: _array(tensor, fetch) for name, tensor in named.items()}
    except _BROKEN as error:
        raise ModelError(
            "damaged_model", f"The file {path} is damaged or incomplete.", "Download or copy it again."
        ) from error


def _archive(data: bytes) -> tuple[Any, Fetch]:
    archive = zipfile.ZipFile(io.BytesIO(data))
    names = archive.namelist()
    pickled = next(name for name in (*names, "") if name.endswith("data.pkl") or not name)
    if not pickled:
        raise _unsupported("it is a zip archive without weights")
    folder = pickled.removesuffix("data.pkl")
    order = f"{folder}byteorder"
    if order in names and (archive.getinfo(order).file_size > 16 or archive.read(order) != b"little"):
        raise _unsupported("its numbers are big-endian")
    if archive.getinfo(pickled).file_size > MAX_PICKLE:
        raise _unsupported("it contains more than weights")

    def fetch(storage: _Storage) -> bytes:
        member = archive.getinfo(f"{folder}data/{storage.key}")
        if member.compress_type != zipfile.ZIP_STORED or member.file_size != _bytes(storage):
            raise ValueError(storage.key)
        return archive.read(member)  # checks the CRC

    return _unpickled(archive.read(pickled))[0], fetch


def _stream(data: bytes) -> tuple[Any, Fetch]:
    """The older container: five pickles, then the storages in the order of the fifth."""
    position, parts = 0, []
    sizes: dict[str, int] = {}
    for _ in range(5):
        end = _end_of_pickle(data, position)
        part, storages = _unpickled(data[position:end])
        parts.append(part)
        sizes |= {storage.key: _bytes(storage) for storage in storages}
        position = end
    magic, protocol, system, found, keys = parts
    if (magic, protocol) != (MAGIC, PROTOCOL) or not system.get("little_endian"):
        raise _unsupported("it is a pickle, but not a PyTorch one")
    view, where = memoryview(data), {}
    for key in keys:
        (elements,) = struct.unpack_from("<q", data, position)
        where[key] = (position + 8, sizes[key])
        position += 8 + sizes[key]
        if elements < 0 or position > len(data):
            raise ValueError(key)

    def fetch(storage: _Storage) -> memoryview:
        start, size = where[storage.key]
        return view[start : start + size]

    return found, fetch


def _end_of_pickle(data: bytes, start: int) -> int:
    """Where the pickle that begins at ``start`` ends, without carrying it out."""
    stream = io.BytesIO(data)
    stream.seek(start)
    for _ in pickletools.genops(stream):
        if stream.tell() - start > MAX_PICKLE:
            raise _unsupported("it contains more than weights")
    return stream.tell()


def _unpickled(data: bytes) -> tuple[Any, list[_Storage]]:
    """What a pickle holds, and the storages that it speaks of."""
    try:
        check_pickle(_instructions(data))
    except SpreadError as error:
        raise _unsupported("it contains more than weights, nested inside each other") from error
    unpickler = _Unpickler(io.BytesIO(data), encoding="utf-8")
    return unpickler.load(), unpickler.storages


def _instructions(data: bytes) -> Iterator[tuple[str, object]]:
    """The names of a pickle's opcodes with their arguments, all of them such as weights need. Raises ModelError."""
    for instruction, argument, _ in pickletools.genops(data):
        if instruction.name not in _INSTRUCTIONS:
            raise _unsupported(f"it contains more than weights ({instruction.name.lower()})")
        if instruction.name.endswith("PUT") and isinstance(argument, int) and argument > len(data):
            raise ValueError(argument)  # the unpickler would make room for so many
        yield instruction.name, argument


class _Unpickler(pickle.Unpickler):
    """Knows dictionaries and tensors, and makes notes of the latter."""

    def __init__(self, file: io.BytesIO, *, encoding: str) -> None:
        super().__init__(file, encoding=encoding)
        self.storages: list[_Storage] = []

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - as the base class
        if (module, name) == ("collections", "OrderedDict"):
            return partial(_mapping)
        if (module, name) in (("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_tensor")):
            return partial(_tensor)
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return partial(_parameter)
        if module == "torch" and name in _TYPES:
            return name
        raise _unsupported(f"it contains more than weights ({module}.{name})")

    def persistent_load(self, pid: Any) -> _Storage:  # noqa: ANN401 - as the base class
        what, kind, key, _, elements, *view = pid
        if (
            what != "storage"
            or kind not in _TYPES
            or any(view)
            or not isinstance(elements, int)
            or not 0 <= elements < MAX_NUMBER
        ):
            raise ValueError(pid)
        if not isinstance(key, str):
            raise ValueError(pid)
        self.storages.append(_Storage(kind, key, elements))
        return self.storages[-1]


class _Weights(collections.OrderedDict[Any, Any]):
    """PyTorch hangs notes on the dictionary (``_metadata``), which nothing here reads."""

    def __setstate__(self, state: object) -> None:
        """Forget them."""


def _mapping(*items: Any) -> _Weights:  # noqa: ANN401 - checked when it is read
    return _Weights(*items)


def _tensor(storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object) -> _Tensor:
    numbers = (offset, *size, *stride)
    if not isinstance(storage, _Storage) or len(size) != len(stride) or len(size) > 8:
        raise ValueError(size)
    if any(not isinstance(number, int) or not 0 <= number < MAX_NUMBER for number in numbers):
        raise ValueError(numbers)
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    count = math.prod(int(n) for n in size)
    if count > storage.elements or (count and last >= storage.elements):
        raise ValueError(numbers)
    return _Tensor(storage, offset, tuple(size), tuple(stride))


def _parameter(tensor: _Tensor, *_: object) -> _Tensor:
    return tensor


def _tensors(found: object) -> dict[str, _Tensor]:
    """The tensors by name, out of what a training script keeps them in."""
    for key in _WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    entries = found.items() if isinstance(found, Mapping) else ()
    named = {name: value for name, value in entries if isinstance(name, str) and isinstance(value, _Tensor)}
    if not named:
        raise _unsupported("it contains no named weights")
    if all(name.startswith("module.") for name in named):  # as DataParallel names them
        named = {name.removeprefix("module."): value for name, value in named.items()}
    return named


def _bytes(storage: _Storage) -> int:
    return storage.elements * _TYPES[storage.kind][1]


def _array(tensor: _Tensor, fetch: Fetch) -> NDArray[Any]:
    kind, width = _TYPES[tensor.storage.kind]
    flat = np.frombuffer(fetch(tensor.storage), dtype=kind)
    strides = tuple(width * s for s in tensor.stride)
    view = np.lib.stride_tricks.as_strided(flat[tensor.offset :], tensor.size, strides, writeable=False)
    if tensor.storage.kind == "BFloat16Storage":  # the upper half of a float32
        return (view.astype(np.uint32) << 16).view(np.float32)
    return np.array(view, dtype=np.float32 if view.dtype.kind == "f" else view.dtype)


def _unsupported(reason: str) -> ModelError:
    return ModelError(
        "unsupported_model",
        f"The file cannot be used as weights: {reason}.",
        "Save only the weights: torch.save(network.state_dict(), FILE).",
    )
