"""Runs are told to end by whoever may give them up."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from resnet_desktop.core.processes.running import running, stop_all, stoppable

WAIT = 10.0


@dataclass
class Fake:
    terminate: bool = False


def wait_for(run: Fake) -> bool:
    deadline = time.monotonic() + WAIT
    while not run.terminate and time.monotonic() < deadline:
        time.sleep(0.01)
    return run.terminate


def test_a_run_ends_when_its_thread_is_given_up() -> None:
    gone = threading.Event()
    first, second, other = Fake(), Fake(), Fake()
    with running(other):
        with stoppable(gone.is_set), running(first):
            assert not first.terminate
            gone.set()
            assert wait_for(first)
        with stoppable(lambda: False), stoppable(gone.is_set), running(second):
            assert wait_for(second), "the innermost counts"
        assert not other.terminate


def test_a_run_of_nobody_goes_on_until_all_end() -> None:
    run = Fake()
    assert not stop_all()
    with running(run):
        assert stop_all()
        assert run.terminate
    assert not stop_all()


def test_another_thread_is_not_meant() -> None:
    run, begun, done = Fake(), threading.Event(), threading.Event()

    def work() -> None:
        with running(run):
            begun.set()
            done.wait(WAIT)

    with stoppable(lambda: True):
        thread = threading.Thread(target=work)
        thread.start()
        assert begun.wait(WAIT)
        time.sleep(0.2)
        assert not run.terminate
        done.set()
        thread.join()
