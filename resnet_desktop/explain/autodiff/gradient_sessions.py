"""Sessions of graphs that are made for explaining, beside the plain one that classifies.

ONNX Runtime runs all of a graph whatever outputs are fetched, so that gradients live in graphs of their own: the model
as it is, with the nodes of ``backward`` behind it. Each holds a copy of the weights, so that few are kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.explain.autodiff.backward import SEED, appended, gradient_name, gradient_part
from resnet_desktop.inference import runtime
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.inference.runtime import SessionFactory
from resnet_desktop.inference.session import Session

MOST_SESSIONS = 2

Graph = tuple[bytes, Sequence[str]]
"""A serialized model with the input of the classifier's, and those of its outputs that are fetched."""


@dataclass(frozen=True, slots=True, eq=False)
class GradientRun:
    """What a run of n pictures gave.

    Attributes:
        logits: float32 ``(n, classes)``, before temperature.
        activations: by tensor, float32 ``(n, C, h, w)``, of tokens those that have a place in the picture.
        gradients: of ``sum(seed * logits)`` with respect to them, by tensor; of the same shapes.
    """

    logits: NDArray[np.float32]
    activations: dict[str, NDArray[np.float32]]
    gradients: dict[str, NDArray[np.float32]]


class GradientSessions:
    """The sessions of one classifier: opened when first asked for, the longest unused one closed for a new one.

    They run where the classifier runs; when it falls back to the CPU they are opened anew there. A session that fails
    there itself falls back alone and says so in the same way.

    Args:
        classifier: whose model it is; its own session is never touched.
        most: how many are kept.
        factory: opens ONNX Runtime sessions.
    """

    def __init__(
        self, classifier: Classifier, *, most: int = MOST_SESSIONS, factory: SessionFactory = runtime.open_session
    ) -> None:
        self._classifier = classifier
        self._most = most
        self._factory = factory
        self._provider = classifier.provider
        self._sessions: OrderedDict[Hashable, Session] = OrderedDict()
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._sessions)

    def gradient(self, inputs: NDArray[np.float32], seed: NDArray[np.float32], layers: Sequence[str]) -> GradientRun:
        """One run, forward and back.

        Args:
            inputs: prepared pictures, float32 ``(n, 3, H, W)``.
            seed: float32 ``(n, classes)``; the gradient is that of ``sum(seed * logits)``.
            layers: tensors of the graph.

        Raises:
            LayerError: ``no_gradient_rule``, ``unknown_layer``.
            ModelError: the file is gone or has changed.
            ProviderError: ``provider_failed``.
        """
        wanted = tuple(dict.fromkeys(layers))
        session = self.session(("gradient", wanted), lambda: gradient_graph(self._classifier.bundle, wanted))
        found = session.run(inputs, {SEED: seed})
        return GradientRun(
            logits=found[self._classifier.bundle.output_name],
            activations={name: self._picture(name, found[name]) for name in wanted},
            gradients={name: self._picture(name, found[gradient_name(name)]) for name in wanted},
        )

    def activations(self, inputs: NDArray[np.float32], layers: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """One run forward: what ``layers`` hold, by tensor, float32 ``(n, C, h, w)``. Raises as ``gradient``."""
        wanted = tuple(dict.fromkeys(layers))
        bundle = self._classifier.bundle
        session = self.session(("activations", wanted), lambda: (bundles.serialized(bundle, wanted), wanted))
        return {name: self._picture(name, found) for name, found in session.run(inputs).items()}

    def session(self, key: Hashable, build: Callable[[], Graph]) -> Session:
        """The session that is kept under ``key``; ``build`` gives its graph where it must be opened.

        Raises:
            ModelError: ``unsupported_model``: not even the CPU can load the graph.
        """
        with self._lock:
            provider = self._classifier.provider
            if provider != self._provider:
                self._provider = provider
                self._sessions.clear()
            session = self._sessions.pop(key, None)
            if session is None:
                while len(self._sessions) >= self._most:  # before the new one takes memory
                    self._sessions.popitem(last=False)
                session = self._open(*build())
            self._sessions[key] = session
            return session

    def _picture(self, tensor: str, found: NDArray[np.float32]) -> NDArray[np.float32]:
        """What a layer holds, or its gradient, as ``(n, C, h, w)``, however it lies in the network."""
        grid = self._classifier.bundle.view.layout.grid(tensor)
        return found if grid is None else grid.picture(found)

    def _open(self, model: bytes, outputs: Sequence[str]) -> Session:
        return Session(
            self._classifier.bundle,
            self._provider,
            on_fallback=self._classifier.session.on_fallback,
            factory=self._factory,
            model=model,
            outputs=outputs,
        )


def gradient_graph(bundle: Bundle, layers: Sequence[str]) -> Graph:
    """The second graph of a model: its own with the gradients at ``layers`` (tensors), to be given a seed.

    Raises:
        LayerError: ``unknown_layer``, ``no_gradient_rule``.
        ModelError: the file is gone or has changed.
    """
    data = bundles.serialized(bundle, layers)
    part = gradient_part(onnx.load_from_string(data), bundle.view, bundle.output_name, layers)
    return appended(data, part), (bundle.output_name, *layers, *(gradient_name(name) for name in layers))
