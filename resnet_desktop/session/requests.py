"""Requests to the session thread, at most one a slot: a new one takes the place of the one before it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resnet_desktop.core.progress import Cancelled, Progress
    from resnet_desktop.session.engine import Engine

    Work = Callable[[Engine, Cancelled, Progress], object]


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """``work`` is done on the session thread, and its answer belongs to ``slot``.

    ``urgent``: the user looks at it; it goes before all that is not, also while that runs.
    """

    slot: str
    work: Work
    urgent: bool = False


class Requests:
    """The requests of all slots. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current: dict[str, Request] = {}
        self._waiting: OrderedDict[str, Request] = OrderedDict()

    def __bool__(self) -> bool:
        """Whether a request waits to be taken."""
        return bool(self._waiting)

    def put(self, request: Request) -> None:
        """Ask; what was asked in this slot before is no longer wanted."""
        with self._lock:
            self._current[request.slot] = self._waiting[request.slot] = request
            self._waiting.move_to_end(request.slot)

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

    def take(self, *, urgent: bool = False) -> Request | None:
        """The request that has waited longest, urgent ones first; ``urgent``: only such a one."""
        with self._lock:
            slots = [slot for slot, request in self._waiting.items() if request.urgent]
            slots += [] if urgent else list(self._waiting)
            return self._waiting.pop(slots[0]) if slots else None

    def put_back(self, request: Request) -> None:
        """A request that had to give way is taken again later, if it is still wanted."""
        with self._lock:
            if self.wanted(request):
                self._waiting[request.slot] = request

    def wanted(self, request: Request) -> bool:
        """Whether nothing has taken the place of this request."""
        return self._current.get(request.slot) is request

    def finish(self, request: Request) -> bool:
        """The answer is about to be delivered: whether it is wanted. It is delivered once."""
        with self._lock:
            if not self.wanted(request):
                return False
            del self._current[request.slot]
            return True
