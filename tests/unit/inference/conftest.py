"""One tiny model for most tests of this folder."""

from __future__ import annotations

import pytest

from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.inference.classifier import Classifier

from .making import tiny_bundle


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A tiny network with random weights and seven classes."""
    return tiny_bundle(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def classifier(bundle: Bundle) -> Classifier:
    """The same, ready on the CPU."""
    return Classifier(bundle, provider="cpu", top_k=3)
