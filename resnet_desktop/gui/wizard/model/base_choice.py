"""What training starts from: a model of the library, or for a network from nothing the kind that is built."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from resnet_desktop.core.errors import ModelError
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.style import wording
from resnet_desktop.gui.widgets.choice import Choice

USUAL_ARCH = "resnet50"
MANY_CLASSES = 200
"""Who knows so many things has learnt to see most."""
_BUILT = ("resnet18", "resnet34", "resnet50", "resnet101", "plain18", "plain34", "resnet20-cifar", "resnet56-cifar")


@dataclass(frozen=True, slots=True)
class Base:
    """A model that can be taught, or a network that can be built.

    Attributes:
        name: in the library, or of the architecture.
        arch: the architecture; empty where nobody says.
        stages: how many it has; 0 where its parts have no names.
        features: channels that the pooling sees.
        classes: that it knows.
    """

    name: str
    arch: str
    stages: int
    features: int
    classes: int = 0


class BaseChoice(QWidget):
    """Signals: ``changed``; ``found``: the models of the library are there; ``more_asked``: others are to be had."""

    changed = Signal()
    more_asked = Signal()
    found = Signal()

    def __init__(self, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._bases: dict[str, Base] = {}
        self._built: dict[str, Base] = {}
        self.models, self._archs = Choice(), Choice()
        self.models.setAccessibleName(self.tr("Model to start from"))
        self._archs.setAccessibleName(self.tr("Network to build"))
        self._archs.hide()
        self.models.setPlaceholderText(self.tr("Reading the models…"))
        self._more = QPushButton(self.tr("Get another…"))
        self._more.setToolTip(self.tr("A network trained on a million photos is a far better start"))
        self._more.clicked.connect(self.more_asked)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.models, 1)
        layout.addWidget(self._archs, 1)
        layout.addWidget(self._more)
        self.models.currentIndexChanged.connect(self.changed)
        self._archs.currentIndexChanged.connect(self.changed)

    @property
    def base(self) -> Base | None:
        """What is chosen; None while the library is read, or where it is empty."""
        if not self._archs.isHidden():
            return self._built.get(str(self._archs.currentData()))
        return self._bases.get(str(self.models.currentData()))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the models in the library; none while it is read."""
        return tuple(self._bases)

    @property
    def model(self) -> str:
        """The name of the model that is chosen; empty where there is none."""
        return str(self.models.currentData() or "")

    @property
    def arch(self) -> str | None:
        """The network that is built from nothing; None where a model is the base."""
        return None if self._archs.isHidden() else str(self._archs.currentData() or USUAL_ARCH)

    def look(self, wanted: str, arch: str | None) -> None:
        """Read the library, off the GUI thread, and choose a model of this name, and a network to build."""
        self._tasks.run_task(lambda: _look(wanted), lambda future: self._on_found(arch, future))

    def build_from_nothing(self, built: bool) -> None:
        """Whether a network is built from nothing: then there is no model to start from."""
        self.models.setVisible(not built)
        self._archs.setVisible(built)
        self._more.setHidden(built)

    def _on_found(self, arch: str | None, future: Future[tuple[list[Base], list[Base], str]]) -> None:
        bases, built, wanted = future.result()
        self._bases, self._built = {base.name: base for base in bases}, {base.name: base for base in built}
        model, network = self.models.currentData() or wanted, arch or self._archs.currentData() or USUAL_ARCH
        for box, names, chosen in (
            (self.models, {base.name: self._model_name(base) for base in bases}, model),
            (self._archs, {base.name: self._arch_name(base.name) for base in built}, network),
        ):
            box.blockSignals(True)
            box.clear()
            for name, text in names.items():
                box.addItem(text, name)
            box.setCurrentIndex(max(0, box.findData(chosen)))
            box.blockSignals(False)
        self.found.emit()

    def _model_name(self, base: Base) -> str:
        """A model with what it is good for as a base."""
        text = self.tr("{name}  ({count} classes)")
        if base.classes >= MANY_CLASSES:
            text = self.tr("{name}  ({count} classes, a good start)")

        return text.format(name=base.name, count=wording.number(base.classes))

    def _arch_name(self, name: str) -> str:
        text = self.tr("a new {name}")
        if name.startswith("plain"):
            text = self.tr("a new {name}  (without skip connections, to compare)")
        elif name.endswith("-cifar"):
            text = self.tr("a new {name}  (small, for pictures of 32 pixels)")
        return text.format(name=name)


def _look(wanted: str) -> tuple[list[Base], list[Base], str]:
    """Every model that can be taught, every network that can be built, and what the model ``wanted`` is called now."""
    from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
    from resnet_desktop.bundle.file import bundle as bundles  # brings in onnx, which the window does not wait for
    from resnet_desktop.bundle.graph.head import find_head, logits_graph
    from resnet_desktop.bundle.library.library import Library
    from resnet_desktop.inference import admission

    def built(arch: str) -> Base:
        shape = ARCHITECTURES[arch]
        return Base(arch, arch, len(shape.depths), shape.features)

    def taught(name: str, path: Path) -> Base:
        bundle = bundles.read(path)
        width = find_head(logits_graph(bundle), (bundle.batch, *bundle.input_shape)).width
        shape = ARCHITECTURES.get(bundle.metadata.arch or "")
        stages = len(shape.depths) if shape is not None else 0
        return Base(name, bundle.metadata.arch or "", stages, width, bundle.classes)

    library, found = Library(), []
    for entry in library.entries():
        with contextlib.suppress(ModelError):  # a file that cannot be read is no base; the model menu says why
            admission.admit(entry.path)
            found.append(taught(entry.name, entry.path))  # one without a last layer to teach is none, either
    return found, [built(arch) for arch in _BUILT], library.present_name(wanted)
