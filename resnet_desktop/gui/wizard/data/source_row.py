"""A source of photos in the list of the first step."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from resnet_desktop.gui.style import icons, theme
from resnet_desktop.gui.widgets.plain import PlainLabel, plain_tip


class SourceRow(QWidget):
    """Where it is, and buttons to take it away and to choose the columns of a table.

    Signals: ``removed``; ``columns_asked``.
    """

    removed = Signal()
    columns_asked = Signal()

    def __init__(self, source: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        place = Path(source.get("csv") or source["folder"])
        mark = PlainLabel()
        mark.setPixmap(icons.pixmap("folder", 18, theme.current().secondary))
        chosen = [source[key] for key in ("path_column", "label_column") if key in source]
        name = PlainLabel(f"{place}  ({', '.join(chosen)})" if chosen else str(place))
        name.setToolTip(plain_tip(str(place)))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(mark)
        layout.addWidget(name, 1)
        if "csv" in source:
            columns = QToolButton()
            columns.setText(self.tr("Columns…"))
            columns.setToolTip(self.tr("Choose the photo and label columns"))
            columns.clicked.connect(self.columns_asked)
            layout.addWidget(columns)
        away = QToolButton()
        away.setIcon(icons.icon("close"))
        away.setAccessibleName(self.tr("Remove {name}").format(name=place.name))
        away.setToolTip(self.tr("Remove it from the list. Your files are not touched."))
        away.clicked.connect(self.removed)
        layout.addWidget(away)
