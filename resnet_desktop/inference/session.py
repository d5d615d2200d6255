"""One model, loaded and ready to run, that falls back to the CPU when its provider fails."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.core.errors import ModelError, ProviderError
from resnet_desktop.inference import runtime
from resnet_desktop.inference.providers import sentence, short_name
from resnet_desktop.inference.runtime import CPU, RunnableSession, SessionFactory

_logger = logging.getLogger(__name__)
Inputs = Mapping[str, NDArray[np.float32]]
Outputs = dict[str, NDArray[np.float32]]


class Session:
    """Runs a model's graph on one provider. Safe to use from several threads.

    On the CPU their runs go side by side and share its cores; elsewhere one waits for the other.

    Args:
        bundle: the model.
        provider: such as ``CUDAExecutionProvider``.
        extra_outputs: tensors inside the graph to fetch beside the output.
        threads: CPU threads for one run; None is one for each core.
        on_fallback: called once, with a sentence, when the provider failed and the CPU took over; from the thread that
            ran the batch, before its results are there.
        factory: opens ONNX Runtime sessions.
        model: the bytes of another graph with the same input, to run in place of the bundle's own.
        outputs: the outputs of ``model`` to fetch.

    Attributes:
        provider: the provider that runs the model now.
        fallback_reason: why it is no longer the one that was asked for, or None.
        fixed_batch: the only number of pictures that the file can run at once; None where it takes any.
        side_by_side: whether runs from several threads go on at the same time.

    Raises:
        ModelError: ``unsupported_model``: not even the CPU can load the model.
    """

    def __init__(
        self,
        bundle: Bundle,
        provider: str = CPU,
        *,
        extra_outputs: Sequence[str] = (),
        threads: int | None = None,
        on_fallback: Callable[[str], None] | None = None,
        factory: SessionFactory = runtime.open_session,
        model: bytes | None = None,
        outputs: Sequence[str] | None = None,
    ) -> None:
        self.bundle = bundle
        self.provider = provider
        self.on_fallback = on_fallback
        self.fallback_reason: str | None = None
        self._threads = threads
        self._factory = factory
        self._lock = threading.RLock()
        self._model: bytes | None = model if model is not None else bundles.serialized(bundle, extra_outputs)
        self._session = self._open()
        self._output_names = list(dict.fromkeys(outputs or (bundle.output_name, *extra_outputs)))
        self._input_name = bundle.input_name
        fixed = self._session.get_inputs()[0].shape[0]
        self.fixed_batch = fixed if isinstance(fixed, int) else None
        self.side_by_side = self.provider == CPU

    def run(self, batch: NDArray[np.float32], others: Inputs | None = None) -> Outputs:
        """Run normalized pictures ``(n, 3, H, W)``; the logits and the extra outputs by name.

        The first axis of each is n, or a multiple of it where a layer puts windows there.

        Args:
            batch: the pictures.
            others: the graph's further inputs by name, their first axis n as well.

        Raises:
            ValueError: the shape or type is not what the model takes.
            ProviderError: ``provider_failed``: the CPU failed as well.
            CancelledError: the run was told to end (``core.processes.running``).
        """
        if batch.dtype != np.float32 or batch.shape[1:] != self.bundle.input_shape or not len(batch):
            raise ValueError(f"the model takes float32 (n, {self.bundle.input_shape}), not {batch.dtype} {batch.shape}")
        feeds = {self._input_name: batch, **(others or {})}
        with contextlib.nullcontext() if self.side_by_side else self._lock:
            try:
                return self._run(feeds)
            except runtime.failures() as error:
                if self.provider == CPU:
                    message = f"The model could not run on the CPU: {sentence(error)}."
                    _logger.error("%s", message)
                    raise ProviderError("provider_failed", message) from error
                self._fall_back(error)
            try:
                return self._run(feeds)
            except runtime.failures() as error:
                message = f"The model could not run, not even on the CPU: {sentence(error)}."
                _logger.error("%s", message)
                raise ProviderError("provider_failed", message) from error

    def _run(self, feeds: Inputs) -> Outputs:
        size, count = self.fixed_batch, len(feeds[self._input_name])
        if size is None:
            return self._run_freely(feeds, count)
        if size == count:
            return self._run_once(feeds)
        # The file fixes the batch (often at 1): run it in pieces, the last one filled up.
        pieces = []
        for start in range(0, count, size):
            rows = min(size, count - start)
            piece = {name: _filled(array[start : start + rows], size) for name, array in feeds.items()}
            # Windows may lie in the first axis, some to each picture.
            pieces.append({k: found[: len(found) // size * rows] for k, found in self._run_once(piece).items()})
        return {name: np.concatenate([piece[name] for piece in pieces]) for name in self._output_names}

    def _run_freely(self, feeds: Inputs, count: int) -> Outputs:
        """Run as many pictures as there are; some graphs say that they can, and have a batch of 1 inside."""
        failure: Exception | None = None
        try:
            found = self._run_once(feeds)
        except runtime.failures() as error:
            if count == 1 or self.provider != CPU:  # another provider may fail for want of memory
                raise
            failure = error
        else:
            if all(len(array) % count == 0 for array in found.values() if array.ndim):
                return found
        self.fixed_batch = 1
        try:
            found = self._run(feeds)
        except runtime.failures() as error:
            self.fixed_batch = None
            raise failure or error from error
        _logger.warning("%s runs one picture at a time", self.bundle.path.name)
        return found

    def _run_once(self, feeds: Inputs) -> Outputs:
        found = self._session.run(self._output_names, feeds)
        return dict(zip(self._output_names, found, strict=True))

    def _open(self) -> RunnableSession:
        assert self._model is not None
        try:
            session = self._factory(self._model, self.provider, self._threads)
        except runtime.failures() as error:
            if self.provider == CPU:
                message = f"ONNX Runtime cannot load {self.bundle.path.name}: {sentence(error)}."
                raise ModelError("unsupported_model", message) from error
            self._note_fallback(error)
            return self._open()
        if self.provider == CPU:
            self._model = None  # there is nothing left to fall back to: do not hold a second copy of the weights
        return session

    def _fall_back(self, error: Exception) -> None:
        self._note_fallback(error)
        self._session = self._open()
        self.side_by_side = self.provider == CPU

    def _note_fallback(self, error: Exception) -> None:
        self.fallback_reason = f"{short_name(self.provider)} failed: {sentence(error)}. Continuing on the CPU."
        _logger.warning("%s", self.fallback_reason)
        self.provider = CPU
        if self.on_fallback is not None:
            self.on_fallback(self.fallback_reason)


def _filled(rows: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """The same rows, and zeros up to ``size``."""
    if len(rows) == size:
        return rows
    filled = np.zeros((size, *rows.shape[1:]), np.float32)
    filled[: len(rows)] = rows
    return filled
