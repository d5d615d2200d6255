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
