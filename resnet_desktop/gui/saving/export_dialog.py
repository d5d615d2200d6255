"""What of the results goes into a file, and of which kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QSpinBox, QVBoxLayout, QWidget

from resnet_desktop.gui.gallery.gallery_model import Item
from resnet_desktop.gui.gallery.scope import Scope
from resnet_desktop.gui.saving.results_table import Export, Kind
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.choice import Choice
from resnet_desktop.gui.widgets.inputs import calm
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.session.results import Result

HEATMAPS = "heatmaps"


class ExportDialog(QDialog):
    """Asks. Signals: ``wanted`` (Export): a table or JSON; ``heatmaps_wanted`` (items): a picture of each."""

    wanted = Signal(object)
    heatmaps_wanted = Signal(object)

    def __init__(self, items: Sequence[Item], selected: Sequence[Item], classes: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Export results"))
        self.scope, self.kind, self.top = Scope(items, selected), Choice(), QSpinBox()
        self._words = PlainLabel()
        self._listed = max((len(i.outcome.scores) for i in items if isinstance(i.outcome, Result)), default=0)
        buttons = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(buttons.Cancel | buttons.Save)
        self._build(classes)
        self._refresh()

    def _build(self, classes: int) -> None:
        for title, kind in (
            (self.tr("CSV, a row for each photo"), "wide"),
            (self.tr("CSV, a row for each class"), "long"),
            (self.tr("JSON"), "json"),
            (self.tr("Heatmaps, as PNG files"), HEATMAPS),
        ):
            self.kind.addItem(title, kind)
        self.kind.setMinimumContentsLength(26)
        self.kind.setAccessibleName(self.tr("Format"))
        calm(self.top)
        self.top.setRange(0, max(1, classes))
        self.top.setSpecialValueText(self.tr("all"))
        self.top.setValue(self._listed)
        self._words.setWordWrap(True)
        self._words.setProperty("tone", "secondary")
        form = self._form = QFormLayout()
        form.setSpacing(theme.S)
        form.addRow(self.tr("Photos"), self.scope)
        form.addRow(self.tr("Format"), self.kind)
        form.addRow(self.tr("Classes of each"), self.top)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.L, theme.L, theme.L)
        layout.setSpacing(theme.M)
        layout.addLayout(form)
        layout.addWidget(self._words)
        layout.addStretch(1)
        layout.addWidget(self.buttons)
        self.setMinimumWidth(420)
        self.kind.currentIndexChanged.connect(self._refresh)
        self.top.valueChanged.connect(self._refresh)
        self.buttons.rejected.connect(self.reject)
        self.buttons.accepted.connect(self._on_accepted)

    def _refresh(self) -> None:
        pictures = self.kind.currentData() == HEATMAPS
        self._form.setRowVisible(self.top, not pictures)
        again = not pictures and not 0 < self.top.value() <= self._listed
        self._words.setText(
            self.tr("More classes than are listed: the photos are classified once more.") if again else ""
        )

    def _on_accepted(self) -> None:
        if self.kind.currentData() == HEATMAPS:
            self.heatmaps_wanted.emit(self.scope.items)
        else:
            self.wanted.emit(Export(self.scope.items, cast("Kind", self.kind.currentData()), self.top.value()))
        self.accept()
