"""Requests to the session thread, at most one a slot: a new one takes the place of the one before it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resnet_desktop.session.results import EvidenceRequest, Source

if TYPE_CHECKING:
    from resnet_desktop.core.progress import Cancelled, Progress
    from resnet_desktop.session.engine import Engine

    Work = Callable[[Engine, Cancelled, Progress], object]


Looked = tuple[int, int, Source, EvidenceRequest]
"""A heatmap that is wanted: a token that counts such requests, the photo's number, the photo, and which map."""


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """One request: ``work`` is done on the session thread, and its answer belongs to ``slot``."""

    slot: str
    work: Work


class Asks:
    """The requests of all slots. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current: dict[str, Ask] = {}
        self._waiting: OrderedDict[str, Ask] = OrderedDict()

    def __bool__(self) -> bool:
        """Whether a request waits to be taken."""
        return bool(self._waiting)

    def put(self, slot: str, work: Work) -> None:
        """Ask; what was asked in this slot before is no longer wanted."""
        with self._lock:
            self._current[slot] = self._waiting[slot] = Ask(slot, work)
            self._waiting.move_to_end(slot)

    def drop(self, slot: str) -> None:
        """Nothing is wanted in this slot any more."""
        with self._lock:
            self._current.pop(slot, None)
            self._waiting.pop(slot, None)

    def clear(self) -> None:
        """Nothing is wanted any more."""
        with self._lock:
            self._current.clear()
            self._waiting.clear()

    def take(self) -> Ask | None:
        """The request that has waited longest."""
        with self._lock:
            return self._waiting.popitem(last=False)[1] if self._waiting else None

    def put_back(self, ask: Ask) -> None:
        """A request that had to give way is taken again later, if it is still wanted."""
        with self._lock:
            if self._current.get(ask.slot) is ask:
                self._waiting[ask.slot] = ask

    def wanted(self, ask: Ask) -> bool:
        """Whether nothing has taken the place of this request."""
        return self._current.get(ask.slot) is ask

    def finish(self, ask: Ask) -> bool:
        """The answer is about to be delivered: whether it is wanted. It is delivered once."""
        with self._lock:
            if self._current.get(ask.slot) is not ask:
                return False
            del self._current[ask.slot]
            return True
