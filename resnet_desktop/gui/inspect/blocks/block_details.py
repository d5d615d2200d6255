"""One residual block: how it is built, its numbers in words, its feature maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QBoxLayout, QFrame, QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from resnet_desktop.gui.inspect.blocks.block_diagram import BlockDiagram
from resnet_desktop.gui.inspect.blocks.block_measures import block_title, facts
from resnet_desktop.gui.inspect.blocks.feature_sheet import FeatureSheetView
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.help import help_texts
from resnet_desktop.gui.widgets.help.help_button import HelpButton
from resnet_desktop.gui.widgets.plain import PlainLabel, plain_tip
from resnet_desktop.session.inspections import OpenedBlocks

if TYPE_CHECKING:
    from resnet_desktop.explain.residual.analysis import FeatureSheet

_SIDE_BY_SIDE = 820
"""From this width on the feature maps stand beside the rest."""
_MOST_FACTS = 5


class BlockDetails(QFrame):
    """The block that was chosen in the chart.

    Signals: ``heatmap_wanted`` (the block's name).
    """

    heatmap_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "true")
        self._name = ""
        self._title = PlainLabel()
        self._maps_title, self._maps_note = PlainLabel(self.tr("Feature maps")), PlainLabel()
        self._help = HelpButton(help_texts.feature_maps())
        self.diagram, self.sheet = BlockDiagram(), FeatureSheetView()
        self._facts = [(PlainLabel(), PlainLabel()) for _ in range(_MOST_FACTS)]
        self._button = QPushButton(self.tr("Show the heatmap at this block"))
        self._button.clicked.connect(lambda: self.heatmap_wanted.emit(self._name))
        self._parts = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._build()
        self.refresh_theme()

    @property
    def heatmap_button(self) -> QPushButton:
        """Asks for the heatmap at this block."""
        return self._button

    @property
    def words(self) -> tuple[str, ...]:
        """What is said about the block."""
        return tuple(text.text() for name, text in self._facts if not name.isHidden())

    @property
    def note(self) -> str:
        """What is said about its feature maps."""
        return self._maps_note.text()

    def arrange(self, width: int) -> None:
        """Side by side where there is room."""
        wide = width >= _SIDE_BY_SIDE
        direction = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        self._parts.setDirection(direction)
        self._parts.setSpacing(theme.XL if wide else theme.L)
        for column, stretch in enumerate((5, 6)):
            self._parts.setStretch(column, stretch if wide else 0)

    def show_block(self, opened: OpenedBlocks, index: int) -> None:
        """Show a block; its feature maps come later."""
        sketch = opened.sketches[index]
        self._name = sketch.name
        self._title.setText(block_title(opened, index))
        self._title.setToolTip(plain_tip(self.tr("In the model's file: {name}").format(name=sketch.name)))
        self.diagram.show_block(sketch)
        rows = facts(opened, index)
        for row, (name, words) in enumerate(self._facts):
            known = row < len(rows)
            name.setVisible(known)
            words.setVisible(known)
            if known:
                name.setText(rows[row][0])
                words.setText(rows[row][1])
        self._maps_note.setText(self.tr("Working…"))
        self.sheet.show_sheet(None)

    def show_sheet(self, sheet: FeatureSheet) -> None:
        """The feature maps are there."""
        count = len(sheet.channels)
        text = self.tr("The {count} channels with most evidence for the class, strongest first.").format(count=count)
        self._maps_note.setText(text)
        self.sheet.show_sheet(sheet)

    def show_problem(self, text: str) -> None:
        """There are no feature maps."""
        self._maps_note.setText(text)
        self.sheet.show_sheet(None)

    def refresh_theme(self) -> None:
        """Follow colours and font."""
        self._title.setFont(theme.font(1.1, strong=True))
        self._maps_title.setFont(theme.font(1.1, strong=True))
        self._help.refresh_theme()
        self.sheet.update()
        self.diagram.update()

    def _build(self) -> None:
        for label in (self._maps_note, *(name for name, _ in self._facts)):
            label.setProperty("tone", "secondary")
        for label in (self._maps_note, *(words for _, words in self._facts)):
            label.setWordWrap(True)
        left, right = QVBoxLayout(), QVBoxLayout()
        head = QHBoxLayout()
        head.setSpacing(theme.S)
        head.addWidget(self._title, 0, Qt.AlignmentFlag.AlignBaseline)
        head.addStretch(1)
        left.addLayout(head)
        left.addWidget(self.diagram)
        left.addLayout(self._fact_grid())
        left.addSpacing(theme.XS)
        left.addWidget(self._button, 0, Qt.AlignmentFlag.AlignLeft)
        left.addStretch(1)
        maps_head = QHBoxLayout()
        maps_head.setSpacing(theme.XS)
        maps_head.addWidget(self._maps_title)
        maps_head.addWidget(self._help)
        maps_head.addStretch(1)
        right.addLayout(maps_head)
        right.addWidget(self._maps_note)
        right.addWidget(self.sheet)
        right.addStretch(1)
        for column in (left, right):
            column.setSpacing(theme.S)
        self._parts.setContentsMargins(theme.L, theme.M, theme.L, theme.L)
        self._parts.addLayout(left)
        self._parts.addLayout(right)
        self.arrange(0)

    def _fact_grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.M)
        grid.setVerticalSpacing(theme.XS + 2)
        grid.setColumnStretch(1, 1)
        for row, (name, words) in enumerate(self._facts):
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            grid.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(words, row, 1)
        return grid
