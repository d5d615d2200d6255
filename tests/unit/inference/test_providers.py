"""Providers are claimed only after a real run, and the others come with a reason that a person understands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from resnet_desktop.bundle.library import probe
from resnet_desktop.core.errors import ProviderError
from resnet_desktop.inference import providers, runtime
from resnet_desktop.inference.runtime import CPU, CUDA, RunnableSession

from .making import FailingSession, failing_factory, refusing


class WrongSession(FailingSession):
    """A real session whose numbers are not those of the model."""

    def run(self, output_names: Sequence[str] | None, input_feed: Mapping[str, NDArray[Any]]) -> Sequence[Any]:
        """Run and spoil the result."""
        return [np.asarray(found) + 1 for found in super().run(output_names, input_feed)]


def test_the_cpu_is_proven_by_a_run() -> None:
    status = providers.prove(CPU)
    assert status.usable
    assert status.short == "CPU"
    assert status.seconds is not None
    assert status.seconds > 0
    assert "ran a test model" in status.reason


def test_every_provider_of_this_build_has_a_status_in_words() -> None:
    statuses = providers.prove_all()
    assert statuses[-1].name == CPU
    for status in statuses:
        assert status.reason
        assert "\n" not in status.reason
        assert "onnxruntime_src" not in status.reason
        assert status.usable == (status.seconds is not None)


def test_a_build_without_cuda_says_so_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "available", lambda: (CPU,))
    statuses = providers.prove_all()
    assert [(status.name, status.usable) for status in statuses] == [(CUDA, False), (CPU, True)]
    reasons = ("no NVIDIA driver on", "no NVIDIA GPU on", "the NVIDIA driver", "this build of", "not available for")
    assert statuses[0].reason.startswith(reasons)


def test_a_gpu_is_called_by_its_name_where_there_is_one() -> None:
    problem = providers._nvidia_problem()
    assert (providers.gpu_name() == "no GPU") == (problem == "no NVIDIA driver on this machine")


def test_nothing_reaches_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    providers.prove_all()
    for name in providers.available():
        try:
            runtime.open_session(probe.probe_model(), name)
        except runtime.failures():
            continue
    assert capfd.readouterr() == ("", "")


def test_an_unloadable_provider_is_an_error_not_a_silent_cpu_session() -> None:
    if CUDA not in runtime.library().get_available_providers() or providers.prove(CUDA).usable:
        pytest.skip("needs a build with CUDA on a machine where it does not run")
    with pytest.raises(runtime.failures()):
        runtime.open_session(probe.probe_model(), CUDA)


def test_a_missing_cuda_library_is_named_with_its_remedy() -> None:
    if CUDA not in runtime.library().get_available_providers() or providers.prove(CUDA).usable:
        pytest.skip("needs a build with CUDA on a machine where it does not run")
    with pytest.raises(runtime.failures()):
        runtime.open_session(probe.probe_model(), CUDA)
    reason = providers.missing_library(CUDA)
    if reason is None:
        pytest.skip("all CUDA libraries are installed")
    assert "missing" in reason
    assert "resnet-desktop[cuda]" in reason


def test_wrong_numbers_do_not_count_as_a_run() -> None:
    def spoiled(model: bytes, provider: str, threads: int | None) -> RunnableSession:
        return WrongSession(runtime.open_session(model, provider, threads), 9, [])

    status = providers.prove(CPU, factory=spoiled)
    assert not status.usable
    assert status.reason == "it returned wrong results for a test model"


def test_a_provider_that_fails_while_it_runs_is_not_usable() -> None:
    status = providers.prove(CPU, factory=failing_factory(1, cpu_too=True))
    assert not status.usable
    assert "unspecified launch failure" in status.reason


def test_auto_takes_the_first_that_runs_and_keeps_the_reasons_of_the_others() -> None:
    choice = providers.choose("auto")
    assert choice.provider == next(status.name for status in choice.statuses if status.usable)
    assert [status.name for status in choice.statuses] == list(providers.preference()[: len(choice.statuses)])
    for status in choice.statuses:
        assert f"{status.short}: {status.reason}." in choice.reason


@pytest.mark.parametrize("name", ["cpu", "CPU", "CPUExecutionProvider"])
def test_a_provider_can_be_asked_for_by_name(name: str) -> None:
    choice = providers.choose(name)
    assert (choice.provider, choice.short) == (CPU, "CPU")


@pytest.mark.parametrize("name", ["warp", ""])
def test_an_unknown_name_is_refused_with_what_there_is(name: str) -> None:
    with pytest.raises(ProviderError) as caught:
        providers.choose(name)
    assert caught.value.code == "provider_unavailable"
    assert "cpu" in str(caught.value)


def test_a_provider_that_this_build_lacks_is_refused_by_its_name() -> None:
    absent = next(name for name in providers.SHORT_NAMES if name not in providers.available())
    with pytest.raises(ProviderError, match="this build of ONNX Runtime does not include it"):
        providers.choose(absent)


def test_a_provider_asked_for_that_does_not_run_is_refused_with_the_reason() -> None:
    with pytest.raises(ProviderError) as caught:
        providers.choose("cpu", factory=refusing(CPU))
    assert caught.value.message == "CPU cannot be used here: CPUExecutionProvider could not be loaded."


def test_auto_says_so_when_nothing_runs() -> None:
    with pytest.raises(ProviderError, match="No execution provider works here"):
        providers.choose("auto", factory=refusing(*providers.available()))


def test_runtime_talk_becomes_a_sentence() -> None:
    said = "[ONNXRuntimeError] : 1 : FAIL : CUDA failure 100: no device\n ; GPU=0 ; hostname=x."
    assert providers.sentence(said) == "CUDA failure 100: no device ; GPU=0 ; hostname=x"
    said = "/onnxruntime_src/onnxruntime/python/x.cc:729 void onnxruntime::python::F(A&, const B&) Please install it."
    assert providers.sentence(said) == "Please install it"
    assert len(providers.sentence("x" * 1000)) < 300
    assert providers.sentence(RuntimeError()) == "RuntimeError"


def test_onnx_runtime_is_imported_only_when_it_is_needed() -> None:
    code = "import sys, resnet_desktop.inference.batch, resnet_desktop.explain.cam.explainer as _; "
    code += "print('onnxruntime' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
