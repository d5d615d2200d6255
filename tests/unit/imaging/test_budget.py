"""Decodes in flight share a bounded amount of memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from resnet_desktop.imaging.budget import BYTES_PER_PIXEL, DecodeBudget

SOON = 10.0  # seconds in which a thread must have got somewhere


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread is about to bring about."""
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_never_more_than_the_limit() -> None:
    budget = DecodeBudget(100 * BYTES_PER_PIXEL)
    most = 0
    watch = threading.Lock()

    def work(width: int) -> None:
        nonlocal most
        for _ in range(50):
            with budget.reserve(width, 1), watch:
                most = max(most, budget.used)

    threads = [threading.Thread(target=work, args=(width,)) for width in (10, 30, 60, 90)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0 < most <= 100 * BYTES_PER_PIXEL
    assert budget.used == 0


def test_a_picture_larger_than_the_budget_goes_alone() -> None:
    budget = DecodeBudget(10 * BYTES_PER_PIXEL)
    entered = threading.Event()

    def huge() -> None:
        with budget.reserve(1000, 1000):
            entered.set()

    with budget.reserve(1, 1):
        thread = threading.Thread(target=huge)
        thread.start()
        assert not entered.wait(0.05)
    assert entered.wait(SOON)
    thread.join()
    assert budget.used == 0


def test_first_come_first_served() -> None:
    """A large picture is not passed over for ever by small ones that would fit."""
    budget = DecodeBudget(10 * BYTES_PER_PIXEL)
    order: list[str] = []

    def work(name: str, width: int) -> None:
        with budget.reserve(width, 1):
            order.append(name)

    large, small = (threading.Thread(target=work, args=args) for args in (("large", 10), ("small", 1)))
    with budget.reserve(5, 1):
        large.start()
        until(lambda: len(budget._queue) == 1)
        small.start()
        until(lambda: len(budget._queue) == 2)
        assert order == []
    large.join()
    small.join()
    assert order == ["large", "small"]


def test_an_error_gives_the_memory_back() -> None:
    budget = DecodeBudget(10)
    with pytest.raises(KeyError), budget.reserve(1, 1):
        raise KeyError
    assert budget.used == 0


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        DecodeBudget(0)
