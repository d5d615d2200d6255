"""Runs through I/O binding: the numbers of a plain run, whatever the sizes, and results that nobody writes into."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.inference import providers, runtime
from resnet_desktop.inference.binding import BoundSession
from resnet_desktop.inference.runtime import CPU, CUDA, RunnableSession
from resnet_desktop.inference.session import Session

from .making import SIDE, images

FEED = "input"


def plain_session(bundle: Bundle) -> RunnableSession:
    assert bundle.features is not None
    session: RunnableSession = runtime.library().InferenceSession(
        bundles.serialized(bundle, [bundle.features.name]), providers=[CPU]
    )
    return session


def bound_factory(model: bytes, provider: str, threads: int | None) -> RunnableSession:
    """Sessions on the CPU that run through I/O binding, as those on a GPU do."""
    return BoundSession(runtime.library(), runtime.open_session(model, CPU, threads), "cpu")


@pytest.fixture
def plain(bundle: Bundle) -> RunnableSession:
    return plain_session(bundle)


@pytest.fixture
def bound(plain: RunnableSession) -> BoundSession:
    return BoundSession(runtime.library(), plain, "cpu")


def same(found: list[NDArray[Any]], expected: Any) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_batches_that_grow_shrink_and_come_again_give_the_numbers_of_a_plain_run(
    plain: RunnableSession, bound: BoundSession
) -> None:
    for number, count in enumerate((1, 2, 4, 8, 8, 3, 1, 5, 8, 2)):
        feed = {FEED: images(count, seed=number)}
        assert same(bound.run(None, feed), plain.run(None, feed)), f"batch {number} of {count}"


def test_a_result_that_is_held_is_not_written_into_by_later_runs(plain: RunnableSession, bound: BoundSession) -> None:
    held = [bound.run(None, {FEED: images(2, seed)}) for seed in range(4)]
    for seed, found in enumerate(held):
        assert same(found, plain.run(None, {FEED: images(2, seed)}))
    held[0][0][:] = 0  # nor does it lead back into the buffers
    assert same(bound.run(None, {FEED: images(2, 9)}), plain.run(None, {FEED: images(2, 9)}))


def test_an_input_may_change_after_its_run(plain: RunnableSession, bound: BoundSession) -> None:
    batch = images(2)
    expected = plain.run(None, {FEED: batch.copy()})
    found = bound.run(None, {FEED: batch})
    batch[:] = 0
    assert same(found, expected)
    assert same(bound.run(None, {FEED: images(2)}), expected)


def test_a_part_of_a_larger_buffer_runs_as_it_is(plain: RunnableSession, bound: BoundSession) -> None:
    buffer = images(8)
    for view in (buffer[:3], buffer[::2], buffer.transpose(0, 1, 3, 2)):
        assert same(bound.run(None, {FEED: view}), plain.run(None, {FEED: np.ascontiguousarray(view)}))


def test_outputs_come_as_asked_for(plain: RunnableSession, bound: BoundSession, bundle: Bundle) -> None:
    assert bundle.features is not None
    feed = {FEED: images(2)}
    for names in (["logits"], [bundle.features.name], [bundle.features.name, "logits"], ["logits"]):
        assert same(bound.run(names, feed), plain.run(names, feed))


def test_few_sets_of_buffers_are_kept(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    session = runtime.open_session(bundles.serialized(bundle), CPU)
    made: list[tuple[int, ...]] = []
    library = runtime.library()
    original = library.OrtValue.ortvalue_from_shape_and_type

    def counted(shape: Any, *others: Any) -> Any:
        made.append(tuple(shape))
        return original(shape, *others)

    monkeypatch.setattr(library.OrtValue, "ortvalue_from_shape_and_type", counted)
    bound = BoundSession(library, session, "cpu", kept=2)
    for count in (1, 2, 1, 2, 2):
        bound.run(None, {FEED: images(count)})
    assert [shape[0] for shape in made] == [1, 2], "buffers are used again"
    for count in (4, 2, 1):
        bound.run(None, {FEED: images(count)})
    assert [shape[0] for shape in made] == [1, 2, 4, 1], "the longest unused went, the others stayed"


def test_after_an_input_that_does_not_fit_the_next_one_runs(plain: RunnableSession, bound: BoundSession) -> None:
    for bad in (np.zeros((1, 3, SIDE, 8), "f"), np.zeros((1, 3, SIDE, SIDE), "d")):
        for _ in range(2):
            with pytest.raises(runtime.failures()):
                bound.run(None, {FEED: bad})
    assert same(bound.run(None, {FEED: images(1)}), plain.run(None, {FEED: images(1)}))


def test_threads_may_share_it(plain: RunnableSession, bound: BoundSession) -> None:
    wrong: list[int] = []

    def work(seed: int) -> None:
        feed = {FEED: images(1 + seed % 2, seed)}
        expected = plain.run(None, feed)
        wrong.extend(seed for _ in range(10) if not same(bound.run(None, feed), expected))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_session_of_the_app_runs_through_it(bundle: Bundle) -> None:
    assert bundle.features is not None
    extra = [bundle.features.name]
    usual = Session(bundle, extra_outputs=extra)
    session = Session(bundle, CUDA, extra_outputs=extra, factory=bound_factory)
    for count in (1, 3, 2):
        found, expected = session.run(images(count)), usual.run(images(count))
        assert found.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values)


def test_on_a_gpu_it_agrees_with_the_cpu(bundle: Bundle) -> None:
    status = providers.prove(CUDA)
    if not status.usable:
        pytest.skip(f"CUDA: {status.reason}")
    usual, session = Session(bundle), Session(bundle, CUDA)
    held = [(count, session.run(images(count, count))["logits"]) for count in (1, 2, 5, 2, 5, 1)]
    for count, found in held:
        np.testing.assert_allclose(found, usual.run(images(count, count))["logits"], rtol=1e-3, atol=1e-4)
    assert session.provider == CUDA
