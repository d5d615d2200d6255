"""Heatmaps of the photos of a run: made off the GUI thread, those that are looked at first, a bounded number kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QPixmap

from resnet_desktop.core.errors import DataError, ImageError, ResNetDesktopError
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.session.results import Failure

if TYPE_CHECKING:
    from resnet_desktop.bundle.file.layers import Layer
    from resnet_desktop.explain.report.model_diff import Change, Look
    from resnet_desktop.gui.wizard.pictures.run_models import RunModels

T = TypeVar("T")
KEPT = 240
"""Small heatmaps in memory: about 25 MB."""

Wish = tuple[str, str]
"""The name of a photo, and the class whose evidence is wanted."""


class Heatmaps(QObject):
    """One thread with the models of one run, for all that look at its photos.

    Signals: ``painted`` (photo, class): a small heatmap is there; ``failed`` (Failure): the model does not work.
    """

    painted = Signal(str, str)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = Tasks(1, "heatmaps", self)
        self._wanted: tuple[str | None, Path] = (None, Path())
        self._models: RunModels | None = None  # touched by the worker alone
        self._opened: tuple[str | None, Path] = (None, Path())  # likewise
        self._kept: OrderedDict[Wish, QPixmap] = OrderedDict()
        self._waiting: list[Wish] = []
        self._busy = False

    def show_run(self, base: str | None, model: Path) -> None:
        """Another run: its base, or None, and its model. What was asked about the one before is forgotten."""
        self._wanted = base, model
        self._waiting.clear()
        self._kept.clear()

    @property
    def base(self) -> str | None:
        """The model that the run began with; None for none."""
        return self._wanted[0]

    def kept(self, name: str, label: str) -> QPixmap | None:
        """A small heatmap, if it is there; null where the photo cannot be read."""
        found = self._kept.get((name, label))
        if found is not None:
            self._kept.move_to_end((name, label))
        return found

    def want(self, wishes: Sequence[Wish]) -> None:
        """Make these small heatmaps, in this order; what was wished before and is not there yet is dropped."""
        self._waiting = [wish for wish in wishes[:KEPT] if wish not in self._kept]
        self._start_next()

    def look(self, name: str, labels: tuple[str, ...], done: Callable[[Future[tuple[Look, ...]]], None]) -> None:
        """A photo with the evidence for each of ``labels``, large; comes before all small ones."""
        self._ask(lambda models: models.looks(name, labels), done)

    def change(self, name: str, label: str | None, layer: str | None, done: Callable[[Future[Change]], None]) -> None:
        """A photo as base and new model see it; see ``RunModels.change``."""
        self._ask(lambda models: models.change(name, label, layer), done)

    def layers(self, done: Callable[[Future[tuple[Layer, ...]]], None]) -> None:
        """Where the new model can be looked into."""
        self._ask(lambda models: models.layers(), done)

    def close(self) -> None:
        """Wait for the thread."""
        self._waiting.clear()
        self._tasks.drain()
        if self._models is not None:
            self._models.close()
            self._models = None

    def _ask(self, work: Callable[[RunModels], T], done: Callable[[Future[T]], None]) -> None:
        """Do it with the models of this run; an answer about an earlier run is not delivered."""
        wanted = self._wanted

        def deliver(future: Future[T]) -> None:
            if wanted == self._wanted:
                done(future)

        self._tasks.run_task(lambda: work(self._ready(wanted)), deliver)

    def _ready(self, wanted: tuple[str | None, Path]) -> RunModels:
        from resnet_desktop.gui.wizard.pictures.run_models import RunModels

        if self._models is None or self._opened != wanted:
            if self._models is not None:
                self._models.close()
            self._models, self._opened = RunModels(*wanted), wanted
        return self._models

    def _start_next(self) -> None:
        if self._busy or not self._waiting:
            return
        self._busy = True
        wanted, (name, label) = self._wanted, self._waiting.pop(0)
        self._tasks.run_task(
            lambda: self._ready(wanted).small(name, label), lambda future: self._on_small(wanted, name, label, future)
        )

    def _on_small(self, wanted: tuple[str | None, Path], name: str, label: str, future: Future[QImage]) -> None:
        self._busy = False
        if wanted == self._wanted:
            try:
                self._keep((name, label), QPixmap.fromImage(future.result()))
            except (ImageError, DataError):  # its place on the sheet is empty too
                self._keep((name, label), QPixmap())
            except ResNetDesktopError as error:
                self._waiting.clear()
                self.failed.emit(Failure.of(error))
                return
            self.painted.emit(name, label)
        self._start_next()

    def _keep(self, wish: Wish, pixmap: QPixmap) -> None:
        self._kept[wish] = pixmap
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
