"""The one door to ONNX Runtime.

The library is imported when it is first needed (it takes a quarter of a second, which ``--help`` should not pay), it is
told to keep quiet (what it writes to standard error names its own source lines; the app says the same in a sentence),
and it never changes the provider behind the app's back.
"""

from __future__ import annotations

import functools
import importlib
import logging
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.inference.binding import BoundSession, StoppableSession

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"

_FATAL_ONLY = 4
_logger = logging.getLogger(__name__)

_FAILURES = (
    "EPFail",
    "EngineError",
    "Fail",
    "InvalidArgument",
    "InvalidGraph",
    "InvalidProtobuf",
    "NoModel",
    "NotImplemented",
    "RuntimeException",
)

_PROVIDER_OPTIONS: dict[str, dict[str, str]] = {
    # The default tries every convolution algorithm for every new batch size, and the app's batches grow from one image;
    # the default arena doubles what it takes from the GPU, which other programs need too. TF32 keeps ten bits of each
    # factor: answers would differ from the CPU's in the third decimal.
    CUDA: {"cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested", "use_tf32": "0"},
}
_BOUND = {CUDA: "cuda"}
"""Providers whose sessions run through I/O binding, with the device of their buffers. On the CPU it gains nothing."""


class RunnableSession(Protocol):
    """What the app uses of an ``onnxruntime.InferenceSession``."""

    def run(self, output_names: Sequence[str] | None, input_feed: Mapping[str, NDArray[Any]]) -> Sequence[Any]:
        """Run the model on one batch. Raises CancelledError if it was told to end."""

    def get_providers(self) -> Sequence[str]:
        """The providers of this session, most wanted first."""

    def get_inputs(self) -> Sequence[Any]:
        """The inputs, each with ``name`` and ``shape``."""


SessionFactory = Callable[[bytes, str, int | None], RunnableSession]
"""From model bytes, provider and number of threads to a session that uses that provider, or one of ``failures()``."""


@functools.cache
def library() -> ModuleType:
    """The onnxruntime module, quiet."""
    module = importlib.import_module("onnxruntime")
    module.set_default_logger_severity(_FATAL_ONLY)
    return module


@functools.cache
def failures() -> tuple[type[Exception], ...]:
    """The exceptions by which ONNX Runtime says that a provider or a model does not work."""
    native = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    # RuntimeError and ValueError come from the bindings themselves, as when TensorRT's libraries are missing.
    return (*(getattr(native, name) for name in _FAILURES), RuntimeError, ValueError)


def open_session(model: bytes, provider: str, threads: int | None = None) -> RunnableSession:
    """An ONNX Runtime session of ``model`` on ``provider``, with the CPU only for what that provider cannot do.

    Args:
        model: the bytes of an ONNX file.
        provider: such as ``CUDAExecutionProvider``.
        threads: CPU threads for one run; None leaves it to ONNX Runtime (one for each core).

    Raises:
        Exception: one of ``failures()``; also if ONNX Runtime would have run on another provider than the one named.
    """
    ort = library()
    options = ort.SessionOptions()
    options.log_severity_level = _FATAL_ONLY
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    # Threads that spin between runs take the cores from decoding and from the window, and whenever anything else
    # wants a core they lengthen the run itself (tests/benchmarks measures both).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if provider == CPU:
        # Merged into operators of whole numbers, sums of products saturate on processors without VNNI: probabilities
        # are then off by 0.03 to 0.5 without a word. Left as they are, they are multiplied as float32.
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    if threads is not None:
        options.intra_op_num_threads = threads
    wanted = [(provider, _PROVIDER_OPTIONS.get(provider, {}))]
    session = _opened(ort, model, options, wanted)
    if provider not in session.get_providers():
        raise RuntimeError(f"{provider} could not be loaded")
    # Registered is not the same as used: ONNX Runtime gives each node to whichever provider claims it.
    if provider not in {part.ep_name for part in session.get_provider_graph_assignment_info()}:
        raise RuntimeError(f"{provider} took on no part of the model")
    return BoundSession(ort, session, _BOUND[provider]) if provider in _BOUND else StoppableSession(ort, session)


def on_threads(threads: int) -> SessionFactory:
    """``open_session`` with so many CPU threads for one run, unless others are asked for; 0: one for each core."""

    def opened(model: bytes, provider: str, wanted: int | None = None) -> RunnableSession:
        return open_session(model, provider, wanted or threads or None)

    return opened


def _opened(ort: ModuleType, model: bytes, options: Any, wanted: Any) -> Any:  # noqa: ANN401 - ONNX Runtime's types
    """A session at the highest level of optimization that loads: what merges operators can fail where they do not."""
    levels = ort.GraphOptimizationLevel
    first: Exception | None = None
    for level in (levels.ORT_ENABLE_ALL, levels.ORT_ENABLE_EXTENDED, levels.ORT_ENABLE_BASIC, levels.ORT_DISABLE_ALL):
        options.graph_optimization_level = level
        try:
            session = ort.InferenceSession(model, options, providers=wanted, enable_fallback=0)
        except failures() as error:
            if _is_final(error):
                raise
            first = first or error
            continue
        if first is not None:
            _logger.warning("A model loads only at a lower level of optimization")
        return session
    assert first is not None
    raise first


def _is_final(error: Exception) -> bool:
    """Whether no level would help: the file itself is not understood."""
    return type(error).__name__ in ("InvalidProtobuf", "InvalidGraph", "NoModel")


def same_numbers(found: NDArray[np.float32], expected: NDArray[np.float32]) -> bool:
    """Whether a provider computed what it should; the tolerance admits TF32 and float16 arithmetic."""
    return found.shape == expected.shape and bool(np.allclose(found, expected, rtol=2e-2, atol=2e-2))
