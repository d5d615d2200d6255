"""What can be taken back: one list of steps for all that changes the list or its labels."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QUndoStack

MOST_STEPS = 200
"""Older ones are forgotten: each may hold pictures that were pasted."""


class History(QObject):
    """The stack, and the two commands that walk it."""

    def __init__(self, undo: QAction, redo: QAction, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.stack = QUndoStack(self)
        self.stack.setUndoLimit(MOST_STEPS)
        self._undo, self._redo = undo, redo
        undo.triggered.connect(self.stack.undo)
        redo.triggered.connect(self.stack.redo)
        stack = self.stack
        for signal in (stack.canUndoChanged, stack.canRedoChanged, stack.undoTextChanged, stack.redoTextChanged):
            signal.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        stack = self.stack
        self._undo.setEnabled(stack.canUndo())
        self._redo.setEnabled(stack.canRedo())
        self._undo.setText(self.tr("Undo {step}").format(step=stack.undoText()).strip())
        self._redo.setText(self.tr("Redo {step}").format(step=stack.redoText()).strip())
