"""Runs that can be ended, and runs whose inputs and outputs lie in buffers of the device.

A plain ``session.run`` takes memory on the device for every input and output of every run. Here each shape of input has
its own set of buffers, which are filled anew; the few sets that were used last are kept. What runs can be told to end,
by ONNX Runtime's own flag.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.core.processes.running import running
from resnet_desktop.core.progress import CancelledError

KEPT = 3
"""Sets of buffers: batches are of few sizes, and the sizes on the way to the largest do not come again."""

ENDED = "terminate flag"
"""What ONNX Runtime's message has where it ended a run because it was told to."""
Inputs = Mapping[str, NDArray[Any]]
_Key = tuple[Any, ...]


@contextmanager
def ended_on_wish(library: ModuleType) -> Iterator[Any]:
    """Options for a run within the block, which ``core.processes.running`` can end.

    Raises:
        CancelledError: it was ended.
    """
    options = library.RunOptions()
    try:
        with running(options):
            yield options
    except Exception as error:  # of a type that only ONNX Runtime's bindings name; all but one go on as they are
        if options.terminate and ENDED in str(error):
            raise CancelledError from error
        raise


class StoppableSession:
    """An ONNX Runtime session whose runs can be ended.

    Args:
        library: the onnxruntime module.
        session: an ``InferenceSession``.
    """

    def __init__(self, library: ModuleType, session: Any) -> None:  # noqa: ANN401
        self._library, self._session = library, session

    def run(self, output_names: Sequence[str] | None, input_feed: Inputs) -> Sequence[Any]:
        """Run the model on one batch. Raises CancelledError if it was ended."""
        with ended_on_wish(self._library) as options:
            found: Sequence[Any] = self._session.run(output_names, input_feed, options)
        return found

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Whatever else the session has, for ``BoundSession``."""
        return getattr(self._session, name)

    def get_providers(self) -> Sequence[str]:
        """The providers of this session, most wanted first."""
        providers: Sequence[str] = self._session.get_providers()
        return providers

    def get_inputs(self) -> Sequence[Any]:
        """The inputs, each with ``name`` and ``shape``."""
        inputs: Sequence[Any] = self._session.get_inputs()
        return inputs


class BoundSession:
    """An ONNX Runtime session that runs through I/O binding. Safe to use from several threads: one run at a time.

    Args:
        library: the onnxruntime module.
        session: an ``InferenceSession``.
        device: where the buffers lie, by ONNX Runtime's name: ``cuda``, or ``cpu``.
        kept: how many sets of buffers are kept.
    """

    def __init__(self, library: ModuleType, session: Any, device: str, *, kept: int = KEPT) -> None:  # noqa: ANN401
        self._library, self._session, self._device, self._most = library, session, device, kept
        self._sets: OrderedDict[_Key, _Buffers] = OrderedDict()
        self._lock = threading.Lock()

    def run(self, output_names: Sequence[str] | None, input_feed: Inputs) -> list[NDArray[Any]]:
        """Run the model on one batch. The arrays are the caller's own: no later run writes into them."""
        names = tuple(output_names or (output.name for output in self._session.get_outputs()))
        key = (names, *((name, array.shape, array.dtype.str) for name, array in input_feed.items()))
        with self._lock:
            buffers = self._sets.pop(key, None)
            if buffers is None:
                while len(self._sets) >= self._most:  # before the new ones take memory
                    self._sets.popitem(last=False)
                buffers = _Buffers(self._library, self._session, self._device, names)
            found = buffers.run(input_feed)
            self._sets[key] = buffers  # not after an error: what its buffers hold then is not known
            return found

    def get_providers(self) -> Sequence[str]:
        """The providers of this session, most wanted first."""
        providers: Sequence[str] = self._session.get_providers()
        return providers

    def get_inputs(self) -> Sequence[Any]:
        """The inputs, each with ``name`` and ``shape``."""
        inputs: Sequence[Any] = self._session.get_inputs()
        return inputs


class _Buffers:
    """Inputs and outputs of one shape."""

    def __init__(self, library: ModuleType, session: Any, device: str, outputs: tuple[str, ...]) -> None:  # noqa: ANN401
        self._library, self._session, self._device, self._names = library, session, device, outputs
        self._binding = session.io_binding()
        self._inputs: dict[str, Any] = {}
        self._outputs: list[Any] = []

    def run(self, feeds: Inputs) -> list[NDArray[Any]]:
        """Fill the inputs, run, and copy the outputs."""
        if self._inputs:
            for name, array in feeds.items():
                self._inputs[name].update_inplace(array)
        else:
            self._bind(feeds)
        with ended_on_wish(self._library) as options:
            self._session.run_with_iobinding(self._binding, options)
        if not self._outputs:  # the first run has made them: only now are their shapes known
            self._outputs = self._binding.get_outputs()
            for name, value in zip(self._names, self._outputs, strict=True):
                self._binding.bind_ortvalue_output(name, value)
        return [self._copy(value) for value in self._outputs]

    def _bind(self, feeds: Inputs) -> None:
        for name, array in feeds.items():
            made = self._library.OrtValue.ortvalue_from_shape_and_type(array.shape, array.dtype.type, self._device)
            made.update_inplace(array)
            self._binding.bind_ortvalue_input(name, made)
            self._inputs[name] = made
        for name in self._names:
            self._binding.bind_output(name, self._device)

    def _copy(self, value: Any) -> NDArray[Any]:  # noqa: ANN401
        array: NDArray[Any] = value.numpy()
        # From a device this is a copy already; on the CPU it shows the buffer itself, and the next run would change it.
        return np.array(array) if self._device == "cpu" else array
