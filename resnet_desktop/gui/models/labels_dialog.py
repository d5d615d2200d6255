"""What a model from elsewhere does not say: what its classes are called, and how its photos were prepared."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.core.errors import ModelError
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.models import knowledge
from resnet_desktop.gui.models.knowledge import ModelFacts
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.choice import Choice
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.imaging.transforms import PIXEL_VALUES
from resnet_desktop.session.results import Failure

IMAGENET_CLASSES = 1000
LARGEST_RESIZE = 4096
OWN = "own"
"""Stands for the mean and deviation of a file that has others than the usual ones."""


class LabelsDialog(QDialog):
    """Asks, and keeps the answers by the file's checksum, so that they hold wherever the file lies.

    Signal: ``answered`` (the model's path): it is to be opened again.
    """

    answered = Signal(Path)

    def __init__(self, facts: ModelFacts, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("A model without labels"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._facts, self._tasks = facts, tasks
        self._labels: tuple[str, ...] | None = facts.categories if facts.labelled else None
        self.numbered, self.imagenet = QRadioButton(self.tr("Leave them numbered")), QRadioButton()
        self.from_file = QRadioButton(self.tr("From a file: a list of names as text, JSON, YAML or a table"))
        self._choose = QPushButton(self.tr("Choose file…"))
        self.values, self.resize_box, self.resizing = Choice(), QSpinBox(), Choice()
        self.fitting, self.channels, self._middle = Choice(), Choice(), PlainLabel()
        self.output, self.layout_box, self._words = Choice(), Choice(), PlainLabel()
        self._found, self._said = PlainLabel(), PlainLabel()
        buttons = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(buttons.Ok | buttons.Cancel)
        self._build()
        self._refresh()

    @property
    def said(self) -> str:
        """What is wrong."""
        return self._said.text()

    def read_labels(self, file: Path) -> None:
        """Take the labels of a file."""
        self.from_file.setChecked(True)
        self._tasks.run_task(lambda: knowledge.labels_in(file), lambda future: self._on_labels(file, future))

    def accept(self) -> None:
        """Keep the answers."""
        labels = self._chosen_labels()
        size, resize = self._facts.size, self.resize_box.value()
        output = self.output.currentData() if self.output.count() > 1 else None
        layout = self.layout_box.currentData() or None
        path, transforms = self._facts.path, self._facts.transforms
        values = PIXEL_VALUES.get(str(self.values.currentData()), (transforms.mean, transforms.std))
        resizing, fit, channels = (box.currentData() for box in (self.resizing, self.fitting, self.channels))
        self._tasks.run_task(
            lambda: knowledge.remember(
                path, labels, size, resize, values, resizing, fit=fit, channels=channels, layout=layout, output=output
            ),
            self._on_remembered,
        )

    def _chosen_labels(self) -> tuple[str, ...] | None:
        if self.imagenet.isChecked():
            return knowledge.imagenet_labels()
        return self._labels if self.from_file.isChecked() else None

    def _on_labels(self, file: Path, future: Future[tuple[str, ...] | Failure]) -> None:
        found = future.result()
        self._labels = None
        if isinstance(found, Failure):
            self._found.setText(found.text)
        elif len(found) != self._facts.classes:
            text = self.tr("{name} has {labels} names, but the model has {classes} classes.")
            counts = {"labels": len(found), "classes": self._facts.classes}
            self._found.setText(text.format(name=file.name, **{k: wording.number(v) for k, v in counts.items()}))
        else:
            self._labels = found
            self._show_labels()
        self._refresh()

    def _on_remembered(self, future: Future[Failure | None]) -> None:
        failure = future.result()
        if failure is not None:
            self._said.setText(failure.text)
            return
        self.answered.emit(self._facts.path)
        super().accept()

    def _show_labels(self) -> None:
        if self._labels is not None:
            some = ", ".join(self._labels[:4]) + (" …" if len(self._labels) > 4 else "")
            self._found.setText(some)

    def _refresh(self) -> None:
        waits = self.from_file.isChecked() and self._labels is None
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(not waits)
        self._choose.setEnabled(self.from_file.isChecked())
        self._found.setVisible(self.from_file.isChecked())

    def _values(self) -> Mapping[str, str]:
        return {
            "imagenet": self.tr("ImageNet mean and standard deviation (most PyTorch networks)"),
            "-1..1": self.tr("From −1 to 1 (many TensorFlow networks)"),
            "0..1": self.tr("From 0 to 1"),
            "0..255": self.tr("From 0 to 255"),
            "caffe": self.tr("From 0 to 255, minus the mean of each channel (many Caffe networks)"),
        }

    def _fitting(self) -> Mapping[str, str]:
        return {
            "crop": self.tr("Centre crop (most networks)"),
            "stretch": self.tr("Whole photo, stretched to a square"),
        }

    def _channels(self) -> Mapping[str, str]:
        return {"rgb": self.tr("Red first (most networks)"), "bgr": self.tr("Blue first (many Caffe networks)")}

    def _layouts(self) -> Mapping[str, str]:
        return {
            "": self.tr("As its operators show (automatic)"),
            "nchw": self.tr("Channels first (most networks in PyTorch)"),
            "nhwc": self.tr("Channels last (most networks in TensorFlow)"),
        }

    def _resizing(self) -> Mapping[str, str]:
        return {
            "bilinear": self.tr("Bilinear (most networks)"),
            "bicubic": self.tr("Bicubic (many timm networks)"),
            "nearest": self.tr("Nearest neighbour"),
        }

    def _build(self) -> None:
        facts = self._facts
        self._words.setWordWrap(True)
        self._introduce(facts)
        is_imagenet = facts.classes == IMAGENET_CLASSES
        first = self.from_file if self._labels is not None else self.imagenet if is_imagenet else self.numbered
        first.setChecked(True)
        self._show_labels()
        self._fill_choices(facts)
        for label in (self._found, self._said):
            label.setWordWrap(True)
        self._found.setProperty("tone", "secondary")
        self._said.setProperty("tone", "error")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.XL, theme.L, theme.XL, theme.L)
        layout.setSpacing(theme.M)
        layout.addWidget(self._words)
        layout.addSpacing(theme.S)
        layout.addLayout(self._classes_part())
        layout.addSpacing(theme.S)
        layout.addLayout(self._photos_part())
        layout.addWidget(self._said)
        layout.addStretch(1)
        layout.addWidget(self.buttons)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setText(self.tr("Use these"))
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._choose.clicked.connect(self._on_choose)
        self.setMinimumWidth(520)

    def _introduce(self, facts: ModelFacts) -> None:
        """How many classes the chosen output tells apart, and what is to be answered."""
        text = self.tr(
            "{name} has {classes} classes, but the file does not say what they are called or how photos "
            "were prepared. Wrong settings here cause wrong predictions; ask whoever made the model."
        )
        if facts.labelled:
            text = self.tr(
                "{name} has {classes} classes, and their names are known. Wrong settings here cause wrong "
                "predictions; ask whoever made the model how photos were prepared."
            )
        self._words.setText(text.format(name=facts.path.name, classes=wording.number(facts.classes)))
        is_imagenet = facts.classes == IMAGENET_CLASSES
        more = "" if is_imagenet else self.tr(" (they are 1,000)")
        self.imagenet.setText(self.tr("ImageNet classes") + more)
        self.imagenet.setEnabled(is_imagenet)

    def _on_output(self) -> None:
        """Another output may have another number of classes."""
        name, path = self.output.currentData(), self._facts.path
        self._tasks.run_task(lambda: knowledge.facts(path, name), self._on_other_facts)

    def _on_other_facts(self, future: Future[ModelFacts]) -> None:
        try:
            facts = future.result()
        except ModelError as error:
            self._said.setText(Failure.of(error).text)
            return
        if facts.output != self.output.currentData():
            return  # another one has been chosen since
        self._facts = facts
        if self._labels is not None and len(self._labels) != facts.classes:
            self._labels = None
            self._found.setText("")
        if self.imagenet.isChecked() and facts.classes != IMAGENET_CLASSES:
            self.numbered.setChecked(True)
        self._introduce(facts)
        self._refresh()

    def _fill_choices(self, facts: ModelFacts) -> None:
        """What can be chosen of the preprocessing, and what is assumed now."""
        for name, title in self._values().items():
            self.values.addItem(title, name)
        transforms = facts.transforms
        # What the model is shown now, also where that was answered before.
        shown = (transforms.mean, transforms.std)
        known = next((name for name, pair in PIXEL_VALUES.items() if pair == shown), None)
        if known is None:
            mean, deviation = (" ".join(f"{one:.3g}" for one in numbers) for numbers in shown)
            text = self.tr("Mean {mean}, deviation {deviation}")
            self.values.addItem(text.format(mean=mean, deviation=deviation), OWN)
        self.values.setCurrentIndex(self.values.findData(OWN if known is None else known))
        for box, titles, now in (
            (self.resizing, self._resizing(), transforms.interpolation),
            (self.fitting, self._fitting(), transforms.fit),
            (self.channels, self._channels(), transforms.channels),
        ):
            for name, title in titles.items():
                box.addItem(title, name)
            box.setCurrentIndex(max(0, box.findData(now)))
        for name in facts.outputs:
            self.output.addItem(name, name)
        self.output.setCurrentIndex(max(0, self.output.findData(facts.output)))
        self.output.currentIndexChanged.connect(self._on_output)
        for order, title in self._layouts().items():
            self.layout_box.addItem(title, order)
        self.layout_box.setCurrentIndex(max(0, self.layout_box.findData(facts.layout)))
        self.fitting.currentIndexChanged.connect(self._on_fitting)
        self.resize_box.setRange(facts.side, max(LARGEST_RESIZE, facts.side))
        self.resize_box.setValue(max(facts.side, facts.transforms.resize))
        self.resize_box.setSuffix(self.tr(" pixels"))

    def _classes_part(self) -> QVBoxLayout:
        column, group = QVBoxLayout(), QButtonGroup(self)
        column.setSpacing(theme.S)
        column.addWidget(_heading(self.tr("What are its classes called?")))
        for button in (self.imagenet, self.from_file, self.numbered):
            group.addButton(button)
            button.toggled.connect(self._refresh)
            column.addWidget(button)
            if button is self.from_file:
                row = QHBoxLayout()
                row.setContentsMargins(theme.XL, 0, 0, 0)
                row.addWidget(self._choose)
                row.addWidget(self._found, 1)
                column.addLayout(row)
        return column

    def _photos_part(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.M)
        grid.setVerticalSpacing(theme.S)
        grid.setColumnStretch(1, 1)
        grid.addWidget(_heading(self.tr("How were its photos prepared?")), 0, 0, 1, 2)
        grid.addWidget(PlainLabel(self.tr("Pixel values")), 1, 0)
        grid.addWidget(self.values, 1, 1)
        grid.addWidget(PlainLabel(self.tr("Shorter side")), 2, 0)
        grid.addWidget(self.resize_box, 2, 1, Qt.AlignmentFlag.AlignLeft)
        height, width = self._facts.size
        text = self.tr("The network sees the middle {width} × {height} pixels of that.")
        self._middle.setText(text.format(width=width, height=height))
        self._middle.setProperty("tone", "secondary")
        grid.addWidget(self._middle, 3, 1)
        asked = [
            (self.tr("Crop"), self.fitting),
            (self.tr("Resizing"), self.resizing),
            (self.tr("Colours"), self.channels),
        ]
        if self._facts.layout_open:
            asked.append((self.tr("Layout"), self.layout_box))
        if len(self._facts.outputs) > 1:
            asked.append((self.tr("Output"), self.output))
        for row, (title, box) in enumerate(asked, 4):
            grid.addWidget(PlainLabel(title), row, 0)
            grid.addWidget(box, row, 1)
            box.setAccessibleName(title)
        self._on_fitting()
        self.values.setAccessibleName(self.tr("Pixel values"))
        self.resize_box.setAccessibleName(self.tr("Shorter side"))
        return grid

    def _on_fitting(self) -> None:
        cut = self.fitting.currentData() != "stretch"
        self.resize_box.setEnabled(cut)
        self._middle.setVisible(cut)

    def _on_choose(self) -> None:
        dialog = QFileDialog(self, self.tr("Choose a file of class names"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        lists = self.tr("Lists of names (*.txt *.json *.csv *.tsv *.yaml *.yml *.names)")
        dialog.setNameFilters([lists, self.tr("All files (*)")])
        dialog.fileSelected.connect(lambda name: self.read_labels(Path(name)))
        dialog.open()


def _heading(text: str) -> QLabel:
    label = PlainLabel(text)
    label.setFont(theme.font(strong=True))
    return label
