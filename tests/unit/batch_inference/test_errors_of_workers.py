"""Errors that workers raise come back from Ray's text as what they were."""

from __future__ import annotations

import pytest

from resnet_desktop.batch_inference.cluster import _in_transit, _understood
from resnet_desktop.core.errors import ClusterError, ProviderError, ResNetDesktopError


@pytest.mark.parametrize(
    "error",
    [
        ClusterError("other_version", "A node has another version.", "Install the same one."),
        ProviderError("run_failed", 'The provider\nsaid "no" [1].'),
    ],
)
def test_an_error_of_ours_comes_back_whole(error: ResNetDesktopError) -> None:
    said = f"Traceback (most recent call last):\n  File x\nRuntimeError: {_in_transit(error)}\n\nThe above exception …"
    found = _understood(RuntimeError(said))
    assert type(found) is type(error)
    assert (found.code, found.message, found.hint) == (error.code, error.message, error.hint)


def test_of_all_else_the_last_line_is_told() -> None:
    found = _understood(RuntimeError("Traceback\n  File x\nThe actor died unexpectedly."))
    assert (found.code, found.message) == (
        "worker_failed",
        "A worker of the cluster failed: The actor died unexpectedly.",
    )


def test_the_cause_is_said_and_not_the_engines_advice() -> None:
    said = (
        "ray::MapWorker.submit() (pid=1)\n  File x\n    raise MemoryError\nMemoryError: no room for a photo\n\n"
        "The above exception was the direct cause of the following exception:\n\n"
        "ray::MapWorker.submit() (pid=1)\nray.exceptions.UserCodeException: UDF failed to process a data block.\n"
        "To change retry attempts, configure `ray.data.DataContext.get_current()`."
    )
    assert _understood(RuntimeError(said)).message == (
        "A worker of the cluster failed: MemoryError: no room for a photo."
    )
