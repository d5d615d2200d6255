"""What processes that train together tell each other beside the sums: that they are alive, and why one of them ends.

The sums go through PyTorch's process groups, which wait for days, for the first process may be paused and the others
with it. Here each process has a thread that beats in the key-value store of ``torchrun``. The first process watches the
beats of all, the others those of the first; whoever ends writes down how, once, for all.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

BEAT_SECONDS = 0.5
LOST_BEATS = 80
"""A process that has not beaten for so long has gone. Counted in beats: a computer that sleeps misses none."""
GRACE_SECONDS = 15.0
"""How long a process that waits for another may take to notice that it waits in vain, before it is ended."""
_END, _BEAT = "end", "beat"


@dataclass(frozen=True, slots=True)
class Ending:
    """How the run ended in the process that ended first: its rank, exit code and, for a failure, what it said."""

    rank: int
    code: int
    error: Mapping[str, str | None] | None = None


class Heartbeats:
    """This process among those that train together.

    Args:
        store: keys and values that all processes see, as ``torch.distributed`` has them.
        rank: of this process; 0 is the first.
        size: how many there are.
        beat: seconds between two beats.
        lost: beats that another may miss.

    Attributes:
        ending: how the run has ended, as far as is known here.
        paused: whether the first process stands still; it says so itself, the others hear of it.
        give_up: called on the thread here when the process still waits although another has ended or gone.
    """

    def __init__(
        self,
        store: Any,  # noqa: ANN401 - PyTorch's stores have no type that is exported
        rank: int,
        size: int,
        *,
        beat: float = BEAT_SECONDS,
        lost: int = LOST_BEATS,
    ) -> None:
        self.rank, self.size = rank, size
        self.ending: Ending | None = None
        self.paused = False
        self.give_up: Callable[[], object] = lambda: None
        self._store, self._beat, self._most_missed = store, beat, lost
        self._watched = set(range(1, size)) if rank == 0 else {0}
        self._beats: dict[int, bytes] = {}
        self._missed = dict.fromkeys(self._watched, 0)
        self._alone = False
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="peers", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> int | None:
        """The rank of a process that has gone without a word."""
        if self._alone:
            return None
        return next((rank for rank, missed in self._missed.items() if missed > self._most_missed), None)

    def end(self, code: int, error: Mapping[str, str | None] | None = None) -> None:
        """Say how this process ends, unless another has ended before."""
        with contextlib.suppress(RuntimeError):  # torchrun, which keeps the store, has gone
            self._store.compare_set(_END, "", json.dumps({"rank": self.rank, "code": code, "error": error}))
        self.look()

    def wait_for_ending(self, seconds: float) -> Ending | None:
        """How the run ends, once it has; None after so many seconds, or if another process goes without a word."""
        deadline = time.monotonic() + seconds
        while self.look() is None and self.lost is None and self._thread.is_alive() and time.monotonic() < deadline:
            time.sleep(self._beat / 5)
        return self.ending

    def look(self) -> Ending | None:
        """How the run has ended, asked anew."""
        with contextlib.suppress(RuntimeError):  # torchrun has gone
            if self.ending is None and self._store.check([_END]):
                self.ending = Ending(**json.loads(self._store.get(_END)))
        return self.ending

    def silent(self, seconds: float) -> int | None:
        """The rank of a process that does not beat within so many seconds; None as soon as all have."""
        deadline = time.monotonic() + seconds
        try:
            before = {rank: self._last_beat(rank) for rank in self._watched}
            # Asked anew each time: what the thread has seen may be older than what was there before.
            while quiet := [rank for rank in self._watched if self._last_beat(rank) in (None, before[rank])]:
                if time.monotonic() > deadline:
                    return min(quiet)
                time.sleep(self._beat / 5)
        except RuntimeError:  # torchrun has gone, and nobody knows
            return None
        return None

    def need_nobody(self) -> None:
        """What is left to do is done by this process alone: it goes on beating, but looks after nobody."""
        self._alone = True

    def close(self) -> None:
        """Beat no more."""
        self._closed.set()
        self._thread.join()

    def _watch(self) -> None:
        count, overdue = 0, 0
        while not self._closed.wait(self._beat):
            count += 1
            try:
                self._store.set(f"{_BEAT}/{self.rank}", f"{count} {int(self.paused)}")
                self._look_at_beats()
                self.look()
            except RuntimeError:  # torchrun has gone; the sums alone tell of the others from now on
                return
            ended = self.ending is not None and self.ending.rank != self.rank and not self._alone
            overdue = overdue + 1 if ended or self.lost is not None else 0
            if overdue * self._beat > GRACE_SECONDS:
                self.give_up()
                return

    def _look_at_beats(self) -> None:
        for rank in tuple(self._watched):
            now = self._last_beat(rank)
            self._missed[rank] = self._missed[rank] + 1 if now == self._beats.get(rank) else 0
            if now is not None:
                self._beats[rank] = now
                if rank == 0:
                    self.paused = now.endswith(b"1")

    def _last_beat(self, rank: int) -> bytes | None:
        key = f"{_BEAT}/{rank}"
        return self._store.get(key) if self._store.check([key]) else None
