"""Which execution providers work on this machine, each proven by a real run, and why the others do not.

ONNX Runtime lists every provider that it was built with, whether or not the machine can run it; only a session that was
opened on a provider and gave the right numbers shows that it works.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import io
import logging
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from resnet_desktop.core.errors import ProviderError
from resnet_desktop.inference import runtime
from resnet_desktop.inference.runtime import CPU, CUDA, SessionFactory

_logger = logging.getLogger(__name__)

SHORT_NAMES: dict[str, str] = {
    "TensorrtExecutionProvider": "TensorRT",
    CUDA: "CUDA",
    "MIGraphXExecutionProvider": "MIGraphX",
    "ROCMExecutionProvider": "ROCm",
    "CoreMLExecutionProvider": "CoreML",
    "DmlExecutionProvider": "DirectML",
    "QNNExecutionProvider": "QNN",
    "OpenVINOExecutionProvider": "OpenVINO",
    CPU: "CPU",
}
"""The providers that the app knows, most wanted first, and what it calls them."""

_ONLY_ON_REQUEST = frozenset({"TensorrtExecutionProvider", "QNNExecutionProvider"})
"""TensorRT compiles a model for minutes before its first answer; QNN wants quantized models."""

_CUDA_EXTRA = "pip install 'resnet-desktop[cuda]'"


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """What came out of trying one provider.

    Attributes:
        name: ONNX Runtime's name, such as ``CUDAExecutionProvider``.
        short: the name shown, such as ``CUDA``.
        usable: whether a test model ran on it and gave the right numbers.
        reason: one sentence without the name: how it was proven, or why it cannot be used.
        seconds: how long the test model's run took, or None.
    """

    name: str
    short: str
    usable: bool
    reason: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The provider to use, every provider that was tried for it, and the reason in one line."""

    provider: str
    statuses: tuple[ProviderStatus, ...]
    reason: str

    @property
    def short(self) -> str:
        """The name shown, such as ``CUDA``."""
        return short_name(self.provider)


def short_name(provider: str) -> str:
    """What the app calls a provider."""
    return SHORT_NAMES.get(provider, provider.removesuffix("ExecutionProvider"))


def available() -> tuple[str, ...]:
    """The known providers that this build of ONNX Runtime has, most wanted first, the CPU last."""
    listed = set(runtime.library().get_available_providers())
    return tuple(name for name in SHORT_NAMES if name in listed)


def preference() -> tuple[str, ...]:
    """The providers that ``auto`` tries, in this order."""
    return tuple(name for name in available() if name not in _ONLY_ON_REQUEST)


def prove(name: str, *, factory: SessionFactory = runtime.open_session) -> ProviderStatus:
    """Try ``name`` with a real run of a small network. Never raises.

    Args:
        name: an ONNX Runtime provider name.
        factory: opens the session; the default is the one that classification uses.
    """
    short = short_name(name)
    problem = _missing_machine(name)
    if problem is not None:
        return ProviderStatus(name, short, usable=False, reason=problem)
    try:
        seconds = _run_probe(name, factory)
    except runtime.failures() as error:
        _logger.warning("%s does not run here: %s", short, sentence(error))
        return ProviderStatus(name, short, usable=False, reason=missing_library(name) or sentence(error))
    if seconds is None:
        _logger.error("%s returned wrong results for a test model", short)
        return ProviderStatus(name, short, usable=False, reason="it returned wrong results for a test model")
    where = f" on {gpu_name()}" if name == CUDA else ""
    return ProviderStatus(
        name, short, usable=True, reason=f"ran a test model{where} in {seconds * 1e3:.1f} ms", seconds=seconds
    )


def prove_all() -> tuple[ProviderStatus, ...]:
    """Every known provider of this build, tried; and CUDA, whose absence from a build people look for."""
    absent = () if CUDA in available() else (_absent_cuda(),)
    return (*absent, *(prove(name) for name in available()))


def _absent_cuda() -> ProviderStatus:
    reason = "not available for this system"
    if sys.platform != "darwin":
        reason = _nvidia_problem() or f"this build of ONNX Runtime does not include it; {_CUDA_EXTRA}"
    return ProviderStatus(CUDA, short_name(CUDA), usable=False, reason=reason)


def choose(wanted: str = "auto", *, factory: SessionFactory = runtime.open_session) -> Choice:
    """The best provider that runs, or the one that was asked for.

    Args:
        wanted: ``auto``, or a provider by its short or full name in any case (``cpu``, ``cuda`` …).
        factory: opens the sessions of the tries.

    Raises:
        ProviderError: ``provider_unavailable``, with the reason, if the provider asked for does not run, or none does.
    """
    if wanted.lower() == "auto":
        return _choose_best(factory)
    name = _find(wanted)
    status = prove(name, factory=factory)
    if not status.usable:
        raise ProviderError("provider_unavailable", f"{status.short} cannot be used here: {status.reason}.")
    return Choice(name, (status,), f"{status.short}: requested; {status.reason}.")


def sentence(error: BaseException | str) -> str:
    """What ONNX Runtime said, without codes, source lines and line breaks; no full stop at the end."""
    text = str(error)
    text = re.sub(r"\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ", "", text)
    text = re.sub(r"(?:[A-Za-z]:)?[\w./\\-]*onnxruntime_src\S*:\d+ .*?\)\s+", "", text)
    text = " ".join(text.split())
    return (text[:297] + "…" if len(text) > 300 else text).rstrip(".") or type(error).__name__


def _choose_best(factory: SessionFactory) -> Choice:
    tried: list[ProviderStatus] = []
    for name in preference():
        status = prove(name, factory=factory)
        tried.append(status)
        if status.usable:
            passed_over = [f"{s.short}: {s.reason}." for s in tried[:-1]]
            reason = " ".join([f"{status.short}: {status.reason}.", *passed_over])
            return Choice(name, tuple(tried), reason)
    reasons = " ".join(f"{s.short}: {s.reason}." for s in tried)
    raise ProviderError("provider_unavailable", f"No execution provider works here. {reasons}")


def named(wanted: str) -> str | None:
    """ONNX Runtime's name of a provider by its short or full name in any case; None for one that is not known."""
    known = {**{short.lower(): name for name, short in SHORT_NAMES.items()}, **{n.lower(): n for n in SHORT_NAMES}}
    known["tensorrt"] = "TensorrtExecutionProvider"
    known["dml"] = "DmlExecutionProvider"
    return known.get(wanted.lower())


def _find(wanted: str) -> str:
    name = named(wanted)
    here = available()
    if name in here:
        return name
    choices = ", ".join(["auto", *(short_name(n).lower() for n in here)])
    what = f"There is no execution provider called {wanted!r}."
    if name is not None:
        what = f"{short_name(name)} cannot be used here: this build of ONNX Runtime does not include it."
    raise ProviderError("provider_unavailable", what, f"Choose one of {choices}.")


def _run_probe(name: str, factory: SessionFactory) -> float | None:
    """Seconds of the second run of the test model on ``name`` (the first one sets up), or None if it is wrong."""
    # the test model is only needed here; building it needs the onnx package
    from resnet_desktop.bundle.library import probe

    session = factory(probe.probe_model(), name, None)
    feed = {session.get_inputs()[0].name: probe.probe_input()}
    expected = probe.probe_expected()
    right = runtime.same_numbers(session.run(None, feed)[0], expected)
    start = time.perf_counter()
    right = right and runtime.same_numbers(session.run(None, feed)[0], expected)
    return time.perf_counter() - start if right else None


def _missing_machine(name: str) -> str | None:
    """Why this machine cannot run the provider whatever is installed, or None; readies CUDA's libraries."""
    if name not in (CUDA, "TensorrtExecutionProvider"):
        return None
    problem = _nvidia_problem()
    if problem is None:
        _preload_cuda()
    return problem


def gpu_name() -> str:
    """The first GPU's name by its driver (cuDeviceGetName), such as ``NVIDIA H100 80GB HBM3``."""
    name, first = ctypes.create_string_buffer(256), ctypes.c_int(0)
    try:
        driver = _driver()
    except OSError:
        return "no GPU"
    found = driver.cuInit(0) == 0 and driver.cuDeviceGet(ctypes.byref(first), 0) == 0
    if not found or driver.cuDeviceGetName(name, len(name), first) != 0:
        return "a GPU without a name"
    return name.value.decode("utf-8", "replace")


def _driver() -> ctypes.CDLL:
    """The NVIDIA driver's library. Raises OSError where there is none."""
    return ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")


def _nvidia_problem() -> str | None:
    """What the NVIDIA driver says (CUDA driver API: cuInit, cuDriverGetVersion, cuDeviceGetCount), or None if well."""
    try:
        driver = _driver()
    except OSError:
        return "no NVIDIA driver on this machine"
    count, version = ctypes.c_int(0), ctypes.c_int(0)
    status = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    if status == 100 or (status == 0 and count.value == 0):  # CUDA_ERROR_NO_DEVICE
        return "no NVIDIA GPU on this machine"
    if status != 0:
        return f"the NVIDIA driver does not respond (CUDA error {status})"
    built_for = str(getattr(runtime.library(), "cuda_version", "") or "").partition(".")[0]
    if driver.cuDriverGetVersion(ctypes.byref(version)) == 0 and built_for.isdigit():
        serves = version.value // 1000
        if serves < int(built_for):
            return (
                f"the NVIDIA driver supports CUDA {serves}, but ONNX Runtime needs CUDA {built_for}; update the driver"
            )
    return None


@functools.cache
def _preload_cuda() -> None:
    """Load the CUDA and cuDNN wheels' libraries, which lie where no loader looks. What it prints is not for users."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(RuntimeError, OSError):
        runtime.library().preload_dlls()


def missing_library(name: str) -> str | None:
    """Which shared library keeps the provider from loading, or None.

    ONNX Runtime writes this to its log alone. Loading its plug-in once more, after it has failed to, gives the name.
    """
    stem = {CUDA: "cuda", "TensorrtExecutionProvider": "tensorrt"}.get(name)
    if stem is None:
        return None
    file = f"onnxruntime_providers_{stem}.dll" if sys.platform == "win32" else f"libonnxruntime_providers_{stem}.so"
    try:
        ctypes.CDLL(str(Path(str(runtime.library().__file__)).parent / "capi" / file))
    except OSError as error:
        missing = re.match(r"(\S+\.(?:so|dylib)\S*): cannot open shared object", str(error))
        library = f"the library {missing[1]} is missing" if missing else "one of its libraries is missing"
        return f"{library}; {_CUDA_EXTRA}" if stem == "cuda" else f"{library}; install TensorRT"
    return None
