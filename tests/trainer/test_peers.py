"""What processes that train together tell each other, over a store in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from torch.distributed import HashStore  # type: ignore[attr-defined]

from resnet_desktop.core.errors import TrainingError
from resnet_desktop.runs.control import CancelledRunError
from resnet_desktop.trainer.distributed import heartbeat
from resnet_desktop.trainer.distributed.heartbeat import Heartbeats
from resnet_desktop.trainer.distributed.process_group import ProcessGroup
from resnet_desktop.trainer.launcher import Led

BEAT = 0.01
WAIT = 20.0

Meet = Callable[[int], list[Heartbeats]]


@pytest.fixture
def meet() -> Iterator[Meet]:
    """So many processes that share a store."""
    found: list[Heartbeats] = []

    def make(size: int) -> list[Heartbeats]:
        store = HashStore()
        found.extend(Heartbeats(store, rank, size, beat=BEAT, lost=30) for rank in range(size))
        return found

    yield make
    for one in found:
        one.close()


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(BEAT)


def test_one_that_stops_beating_is_missed(meet: Meet) -> None:
    first, second, third = meet(3)
    assert first.silent(WAIT) is None, "all are there"
    third.close()
    wait_for(lambda: first.lost == 2)
    assert first.silent(5 * BEAT) == 2
    assert second.lost is None, "the others watch the first alone"
    first.need_nobody()
    assert first.lost is None


def test_a_beat_that_was_not_seen_yet_is_none_that_came_since(meet: Meet) -> None:
    first, second = meet(2)
    wait_for(lambda: first.silent(WAIT) is None)
    second.close()
    second._store.set(f"{heartbeat._BEAT}/1", "the last")
    assert first.silent(5 * BEAT) == 1


def test_a_pause_of_the_first_is_heard_by_the_others(meet: Meet) -> None:
    first, second = meet(2)
    first.paused = True
    wait_for(lambda: second.paused)
    led = Led(ProcessGroup(1, 2, peers=second))
    checked = threading.Thread(target=led.check)
    checked.start()
    checked.join(20 * BEAT)
    assert checked.is_alive(), "it stands still as well"
    first.paused = False
    checked.join(WAIT)
    assert not checked.is_alive()


def test_all_end_as_the_first_that_ends(meet: Meet) -> None:
    first, second, third = meet(3)
    first.end(4)
    second.end(1, {"code": "late", "message": "Too late.", "hint": None})
    for one in (second, third):
        ending = one.wait_for_ending(WAIT)
        assert ending is not None
        assert (ending.rank, ending.code, ending.error) == (0, 4, None)
    with pytest.raises(CancelledRunError):
        Led(ProcessGroup(2, 3, peers=third)).check()


def test_the_first_says_why_another_has_failed(meet: Meet) -> None:
    first, second = meet(2)
    world = ProcessGroup(0, 2, peers=first)
    assert world.trouble() is None
    second.end(1, TrainingError("out_of_memory", "There is no memory.", "Buy some.").as_dict() | {"hint": "Buy some."})
    trouble = world.trouble()
    assert trouble is not None
    assert (trouble.code, trouble.hint) == ("out_of_memory", "Buy some.")
    assert "Process 1 of 2 has failed: There is no memory." in trouble.message


def test_waiting_in_vain_is_given_up(meet: Meet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resnet_desktop.trainer.distributed.heartbeat.GRACE_SECONDS", 5 * BEAT)
    first, second = meet(2)
    wait_for(lambda: second.silent(WAIT) is None)
    called = threading.Event()
    second.give_up = called.set
    first.close()
    assert called.wait(WAIT)
    assert second.lost == 0
