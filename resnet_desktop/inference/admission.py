"""A model that is new here first runs in a process of its own: what crashes or never ends there harms nothing.

ONNX Runtime is a large program in C++ that is given a file from anywhere; checks of the file cannot foresee what it
does with it, nor can reading it be trusted to end. So the child comes first, by path, with limits on time and memory:
it reads the file, and runs it as the app will, on photos too. Only then does this process open it. Weights of PyTorch,
and whatever is to be installed, are turned into a model by the child as well. Files that have passed are remembered by
their sha256, so that each is tried once. The models that came with the app need no trial.
"""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnet_desktop import __version__
from resnet_desktop.bundle.adapt import tried
from resnet_desktop.bundle.adapt.tail import are_shares
from resnet_desktop.bundle.adapt.tried import UNTRIED, Found
from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file import tensors
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.library import importing
from resnet_desktop.bundle.library.importing import ModelHints
from resnet_desktop.core import atomic, paths
from resnet_desktop.core.errors import ModelError, ResNetDesktopError, StorageError
from resnet_desktop.core.processes import limits, own_process
from resnet_desktop.core.progress import Cancelled, CancelledError, never
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.inference import runtime
from resnet_desktop.inference.batch import cores, default_batch_size
from resnet_desktop.inference.classifier import Classifier

COMMAND = "admit"
"""The hidden command of the program that tries a file."""
LIMIT_SECONDS = 120.0
"""A network of 150 layers opens and runs once in 3 s on two cores."""
READ_SECONDS = 30.0
"""Reading a file takes so long at most: this process will do the same, and holds everything up meanwhile."""
MEMORY = 2 * 2**30
MEMORY_A_BYTE = 6
"""A model may take ``MEMORY``, and so many bytes for each of its file: the file, what is parsed of it, a session's."""
MEMORY_A_CORE = 32 * 2**20
"""Each core has a thread, whose stack counts."""
POLL_SECONDS = 0.05
BATCH_TOLERANCE = 2e-3
"""By so much a probability may differ, of 1, between a picture alone and the same one among others.

A network whose activations are quantized as they come takes the step from the whole batch, and differs by 0.01."""
MOST_REMEMBERED = 1000
_HINT = "The app tried it in a separate process, so nothing is lost."
_logger = logging.getLogger(__name__)


def admit(model: Path | Bundle, cancelled: Cancelled = never) -> None:
    """Try a model file in a child process, unless it came with the app or has passed before.

    Raises:
        ModelError: as ``bundle.read`` and ``Session``; ``unsupported_model`` if it crashes, never ends, takes too much
            memory, or cannot be run.
        CancelledError: ``cancelled`` said so.
    """
    path = model if isinstance(model, Path) else model.path
    if paths.came_with_app(path):
        return
    sha256, size = _identity(path)
    if _has_passed(sha256):
        return
    found = _ask([str(path.absolute())], b"", path.name, size, cancelled)
    _remember(path, sha256, found)


def copy(path: Path, target: Path, known: ModelHints, cancelled: Cancelled = never) -> Bundle:
    """As ``importing.copy_model``, done and tried by a child process: this one reads what has passed.

    Raises:
        ModelError: as ``copy_model`` and ``admit``.
        StorageError: the copy cannot be written.
        CancelledError: ``cancelled`` said so.
    """
    _, size = _identity(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".", suffix=".new", dir=target.parent))
    except OSError as error:
        raise atomic.storage_error(target, error) from error
    made = folder / target.name
    try:
        found = _ask([str(path.absolute()), "--to", str(made)], _told(known), path.name, size, cancelled)
        sha256, _ = _identity(made)
        _move(made, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _remember(target, sha256, found)
    return bundles.read(target)


def trial(path: Path) -> Found:
    """What the child does: open a model as the app does, and run it on empty pictures, noise and photos.

    Returns what these runs show of it that its graph does not. Raises ModelError, ProviderError.
    """
    began = time.monotonic()
    bundle = bundles.read(path, afresh=True)
    if time.monotonic() - began > READ_SECONDS:
        raise ModelError("unsupported_model", f"{path.name} takes longer than {READ_SECONDS:.0f} seconds to read.")
    classifier = Classifier(bundle, provider="cpu")
    size = default_batch_size(classifier.provider)
    noise = np.random.default_rng(0).standard_normal((size, *bundle.input_shape)).astype(np.float32)
    photos = classifier.new_batch(size)
    samples = sorted((paths.assets_folder() / "samples").glob("*.jpg"))
    for row in range(size):
        classifier.prepare(samples[row % len(samples)], photos[row])
    batches = (np.zeros((1, *bundle.input_shape), np.float32), noise, photos)
    rows = [classifier.session.run(batch)[bundle.output_name] for batch in batches]
    ending = bundle.plan.ending
    shares = ending.kind == "logits" and not ending.peeled and are_shares(np.concatenate(rows).astype(np.float64))
    single = bundle.batch is None and _depends_on_the_batch(classifier, photos, rows[-1])
    return Found(probabilities=ending.row.name if shares else None, batch=1 if single else None)


def _depends_on_the_batch(classifier: Classifier, photos: NDArray[np.float32], together: NDArray[np.float32]) -> bool:
    """Whether a model that says it takes any number of pictures fails on several, or answers them otherwise."""
    if classifier.session.fixed_batch is not None:
        return True
    alone = np.concatenate([classifier.session.run(photo[None])[classifier.bundle.output_name] for photo in photos])
    if not (np.isfinite(alone).all() and np.isfinite(together).all()):
        return False
    apart = np.abs(classifier.probabilities(alone) - classifier.probabilities(together))
    return bool(apart.max() > BATCH_TOLERANCE)


def answer(path: Path, target: Path | None = None, told: str = "") -> Mapping[str, Any]:
    """What the child says: ``ok``, or kind, code, message and hint of the error.

    Args:
        path: the file.
        target: where to write it as a model that stands alone, before that is tried.
        told: in JSON, what is known of it beside the file.
    """
    _limit(path)
    try:
        if target is not None:
            importing.copy_model(path, target, _known(told))
        found = trial(target if target is not None else path)
    except ResNetDesktopError as error:
        kind = "storage" if isinstance(error, StorageError) else "model"
        return {"ok": False, "kind": kind, "code": error.code, "message": error.message, "hint": error.hint}
    except MemoryError:
        return {"ok": False, "kind": "model", "code": "unsupported_model", "message": _too_large(path.name)}
    return {"ok": True, "found": asdict(found)}


def _ask(arguments: list[str], said: bytes, name: str, size: int, cancelled: Cancelled) -> Found:
    """Have a child do it, and say what its trial found. Raises ModelError, StorageError, CancelledError."""
    process = subprocess.Popen(
        own_process.command(own_process.PROGRAM, COMMAND, *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=own_process.environment(),
    )
    guard = limits.Guard(process, _memory(size))
    with process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            _write(process, said)
            _wait(process, guard, name, cancelled)
            found = _decoded(process.stdout.read())
        finally:
            process.kill()
            guard.close()
    if found is None:
        _logger.error("The trial of a model ended with %s and without an answer", process.returncode)
        raise ModelError("unsupported_model", f"{name} crashes the program that runs networks.", _HINT)
    if found.get("ok") is not True:
        kind = StorageError if found.get("kind") == "storage" else ModelError
        raise kind(str(found.get("code")), str(found.get("message")), found.get("hint") or None)
    return Found.from_json(found.get("found"))


def _move(made: Path, target: Path) -> None:
    try:
        made.replace(target)
    except OSError as error:
        raise atomic.storage_error(target, error) from error


def _write(process: subprocess.Popen[bytes], said: bytes) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(said)
        process.stdin.close()
    except OSError:  # it has ended already; what it says tells why
        return


def _wait(process: subprocess.Popen[bytes], guard: limits.Guard, name: str, cancelled: Cancelled) -> None:
    """Until the child has ended. Raises ModelError, CancelledError."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while process.poll() is None:
        if cancelled():
            raise CancelledError
        if time.monotonic() > deadline:
            _logger.error("The trial of a model was ended after %.0f s", LIMIT_SECONDS)
            raise ModelError("unsupported_model", f"{name} did not respond within {LIMIT_SECONDS:.0f} seconds.", _HINT)
        if guard.exceeded():
            _logger.error("The trial of a model was ended for its memory")
            raise ModelError("unsupported_model", _too_large(name), _HINT)
        time.sleep(POLL_SECONDS)


def _too_large(name: str) -> str:
    return f"{name} needs far more memory than a network of its size should."


def _memory(size: int) -> int:
    """Bytes that a child may have for a file of ``size`` bytes."""
    return MEMORY + MEMORY_A_BYTE * size + MEMORY_A_CORE * cores()


def _limit(path: Path) -> None:
    """What the child does first."""
    try:
        size = path.stat().st_size
    except OSError:  # reading it says so
        size = 0
    limits.limit_own_memory(_memory(size), tensors.MAX_BYTES)


def _told(known: ModelHints) -> bytes:
    transforms = None if known.transforms is None else known.transforms.to_json()
    told: dict[str, Any] = {"labels": known.labels, "transforms": transforms, "provenance": dict(known.provenance)}
    told |= {"as_found": sorted(known.as_found), "layout": known.layout, "output_name": known.output_name}
    told["thresholds"] = known.thresholds
    return json.dumps(told).encode("ascii")


def _known(told: str) -> ModelHints:
    values = json.loads(told)
    labels, transforms = values["labels"], values["transforms"]
    return ModelHints(
        None if labels is None else tuple(labels),
        None if transforms is None else Transforms.from_json(transforms),
        values["provenance"],
        frozenset(values["as_found"]),
        values["layout"],
        values["output_name"],
        tuple(values["thresholds"]),
    )


def _identity(path: Path) -> tuple[str, int]:
    """sha256 of a file, and its size with what lies beside it in files of its own. Raises ModelError."""
    sha256, size = tensors.file_sha256(path)
    beside = [path.with_name(f"{path.name}{suffix}") for suffix in (".data", "_data")]
    return sha256, min(tensors.MAX_BYTES, size + sum(file.stat().st_size for file in beside if file.is_file()))


def _decoded(data: bytes) -> Mapping[str, Any] | None:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):  # it had no time to say anything
        return None
    return value if isinstance(value, dict) else None


def _file() -> Path:
    return paths.cache_folder() / "admitted.json"


def _key(sha256: str, *, remarkable: bool) -> str:
    """Of a file that has passed; ``remarkable``: whether its trial found something, which is kept elsewhere."""
    return f"{sha256} {runtime.library().__version__}{' found' if remarkable else ''}"


def _has_passed(sha256: str) -> bool:
    """Whether a file needs no trial: one whose findings are lost would be answered wrongly without them."""
    keys = _passed()
    plain, remarkable = (_key(sha256, remarkable=kind) in keys for kind in (False, True))
    return tried.knows(sha256) if remarkable else plain


def _passed() -> tuple[str, ...]:
    try:
        values = json.loads(_file().read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return ()
    if not isinstance(values, dict) or values.get("version") != __version__:
        return ()
    keys = values.get("passed")
    return tuple(key for key in keys if isinstance(key, str)) if isinstance(keys, list) else ()


def _remember(path: Path, sha256: str, found: Found) -> None:
    try:
        size = path.stat().st_size
    except OSError:  # reading it says so
        return
    tried.remember(sha256, size, found)
    mine = [_key(sha256, remarkable=kind) for kind in (False, True)]
    keys = (*(key for key in _passed() if key not in mine), mine[found != UNTRIED])
    try:
        atomic.write_text(_file(), json.dumps({"version": __version__, "passed": keys[-MOST_REMEMBERED:]}) + "\n")
    except StorageError:  # then it is tried again the next time
        return
