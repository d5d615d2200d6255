"""What the GPU benchmarks share: where they run, on which model and photos, and tables for the README."""

from __future__ import annotations

import importlib.util
import os
import platform
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.inference import providers, runtime
from resnet_desktop.inference.binding import BoundSession
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.inference.runtime import CPU, CUDA, RunnableSession
from tests.benchmarks import material
from tests.benchmarks.measure import Spread, Timings

Images = NDArray[np.float32]
GREATEST_WORK = 1024
"""Images of one timed case on a GPU, so that its clock does not measure launches alone."""


@dataclass(slots=True)
class Table:
    """Numbers in rows and columns; ``notes`` say what is missing and why."""

    title: str
    columns: tuple[str, ...]
    rows: dict[str, list[str]] = field(default_factory=dict)
    numbers: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        """As it can stand in the README."""
        lines = [
            f"**{self.title}**",
            "",
            f"| {' | '.join(('', *self.columns))} |",
            "|---" * (1 + len(self.columns)) + "|",
        ]
        lines += [f"| {' | '.join([name, *cells])} |" for name, cells in self.rows.items()]
        return "\n".join([*lines, *(f"\n{note}" for note in self.notes)])

    def json(self) -> dict[str, Any]:
        """The same for programs."""
        return asdict(self)


@dataclass(frozen=True)
class Setting:
    """Where and how much: the arguments of ``tests.benchmarks.gpu``; ``folder`` is for files of the run."""

    device: str
    batches: tuple[int, ...]
    rounds: int
    photos: int
    compiles: bool
    model: Path | None
    folder: Path

    @property
    def on_gpu(self) -> bool:
        """Whether this is no dry run."""
        return self.device == "cuda"

    @property
    def provider(self) -> str:
        """ONNX Runtime's name of it."""
        return CUDA if self.on_gpu else CPU

    @cached_property
    def no_runtime(self) -> str | None:
        """Why ONNX Runtime does not run on the device, or None."""
        if not self.on_gpu:
            return None
        if CUDA not in providers.available():
            return "this ONNX Runtime has no CUDA (onnxruntime-gpu is not installed)"
        status = providers.prove(CUDA)
        return None if status.usable else f"CUDA in ONNX Runtime: {status.reason}"

    @cached_property
    def no_torch(self) -> str | None:
        """Why PyTorch does not run on the device, or None."""
        if not importlib.util.find_spec("torch"):
            return "PyTorch is not installed"
        import torch

        return "PyTorch sees no GPU" if self.on_gpu and not torch.cuda.is_available() else None

    @cached_property
    def arrays(self) -> material.Arrays:
        """Random weights of a ResNet-50."""
        return material.resnet50_arrays()

    @cached_property
    def random_bundle(self) -> Bundle:
        """ResNet-50 at 224 pixels with these weights, as the other benchmarks use it."""
        return material.resnet50_bundle(self.folder, self.arrays)

    @cached_property
    def trained_bundle(self) -> Bundle:
        """The model asked for, or the first one that is installed, or else the one of random weights."""
        if self.model is not None:
            return bundles.read(self.model)
        found = Library().entries()
        return bundles.read(found[0].path) if found else self.random_bundle

    @cached_property
    def photo_files(self) -> list[Path]:
        """Photos of 512 pixels: all shared ones, or drawn ones where those are not here."""
        target = self.folder / "photos"
        if not material.PHOTOS.is_file():
            return material.photos(target)[: self.photos]
        target.mkdir()
        found = []
        with zipfile.ZipFile(material.PHOTOS) as archive:
            for name in sorted(n for n in archive.namelist() if n.endswith(".JPEG"))[: self.photos]:
                found.append(target / Path(name).name)
                found[-1].write_bytes(archive.read(name))
        return found

    def factory(self, model: bytes, provider: str, threads: int | None) -> RunnableSession:
        """Sessions that run through I/O binding, as the app's do on a GPU; on the CPU too, so that a dry run has it."""
        session = runtime.open_session(model, provider, threads)
        return session if self.on_gpu else BoundSession(runtime.library(), session, "cpu")

    def classifier(self, bundle: Bundle, *, keep_activations: bool = True) -> Classifier:
        """On the device. Raises ProviderError."""
        return Classifier(bundle, provider=self.device, keep_activations=keep_activations, factory=self.factory)

    def repeats(self, batch: int) -> int:
        """Runs in one timed case."""
        return min(64, max(4, GREATEST_WORK // batch)) if self.on_gpu else 1

    def wait(self) -> None:
        """Until PyTorch's work on the device is done."""
        if self.on_gpu and self.no_torch is None:
            import torch

            torch.cuda.synchronize()

    def machine(self) -> dict[str, Any]:
        """What the numbers are measured on."""
        found = {"platform": platform.platform(), "python": platform.python_version(), "cores": os.cpu_count()}
        found |= {"onnxruntime": runtime.library().__version__, "device": self.device, "gpu": providers.gpu_name()}
        if importlib.util.find_spec("torch"):
            import torch

            found["torch"] = torch.__version__
        return found


def repeated(run: Callable[[], object], times: int) -> Callable[[], None]:
    """The same run some times in a row."""

    def all_of_them() -> None:
        for _ in range(times):
            run()

    return all_of_them


def speeds(timings: Timings, images: Mapping[str, int]) -> dict[str, Spread]:
    """Images a second of each case, from the number of images that it did."""
    return {case: Spread.of([images[case] / s for s in seconds]) for case, seconds in timings.seconds.items()}


def shown(value: Spread) -> str:
    """A speed, with as many digits as it has."""
    return f"{value.median:,.0f}" if value.median >= 100 else f"{value.median:.1f}"
