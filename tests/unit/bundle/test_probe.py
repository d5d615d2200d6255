"""The probe's answer is right, and can be told from a wrong one."""

from __future__ import annotations

import numpy as np

from resnet_desktop.bundle.library.probe import probe_expected, probe_input, probe_model

from .making import run


def test_the_runtime_gives_the_expected_answer() -> None:
    found = run(probe_model(), probe_input())[0]
    expected = probe_expected()
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_wrong_answer_would_show() -> None:
    x, expected = probe_input(), probe_expected()
    assert np.abs(expected).min() > 0.1
    assert np.abs(expected[0] - expected[1]).max() > 0.01, "the two images of the batch differ"
    turned = np.ascontiguousarray(x.transpose(0, 1, 3, 2))
    assert np.abs(run(probe_model(), turned)[0] - expected).max() > 1e-2, "a layout mistaken for another"
