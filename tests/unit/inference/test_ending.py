"""A run that never ends is ended by ONNX Runtime's own flag."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from resnet_desktop.bundle.file.bundle import read
from resnet_desktop.core.processes.running import stop_all, stoppable
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.inference import runtime
from resnet_desktop.inference.batch import classify_many
from resnet_desktop.inference.binding import BoundSession
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.inference.session import Session
from tests.conftest import FileMaker

from .test_admission import endless


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(read(endless(tmp_path / "endless.onnx")))


def pictures(session: Session) -> NDArray[np.float32]:
    return np.zeros((1, *session.bundle.input_shape), np.float32)


def after_a_while(do: threading.Event | None = None) -> threading.Timer:
    timer = threading.Timer(0.5, stop_all if do is None else do.set)
    timer.start()
    return timer


def test_cancelling_ends_the_run(session: Session) -> None:
    gone = threading.Event()
    timer = after_a_while(gone)
    with stoppable(gone.is_set), pytest.raises(CancelledError):
        session.run(pictures(session))
    timer.join()


def test_all_can_be_ended_at_once(session: Session) -> None:
    timer = after_a_while()
    with pytest.raises(CancelledError):
        session.run(pictures(session))
    timer.join()
    assert session.fallback_reason is None, "it was no failure"


def test_bound_runs_too(session: Session) -> None:
    library = runtime.library()
    model = session.bundle.path.read_bytes()
    bound = BoundSession(library, library.InferenceSession(model, providers=["CPUExecutionProvider"]), "cpu")
    timer = after_a_while()
    with pytest.raises(CancelledError):
        bound.run(None, {session.bundle.input_name: pictures(session)})
    timer.join()


def test_a_batch_that_is_cancelled_ends(session: Session, photo_file: FileMaker) -> None:
    gone = threading.Event()
    timer = after_a_while(gone)
    classifier = Classifier(session.bundle, provider="cpu", keep_activations=False)
    assert list(classify_many(classifier, [photo_file()], cancelled=gone.is_set)) == []
    timer.join()
