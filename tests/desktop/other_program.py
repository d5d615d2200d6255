"""Run as a program: a window whose left half offers files to be dragged, and whose right half takes what is dropped."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, Qt, QTimer, QUrl
from PySide6.QtGui import QDrag, QDragEnterEvent, QDropEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QWidget


class Source(QLabel):
    """Files that can be dragged away."""

    def __init__(self, files: list[Path]) -> None:
        super().__init__("Files")
        self._files = files

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not event.buttons() & Qt.MouseButton.LeftButton:
            return
        drag, mime = QDrag(self), QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(file)) for file in self._files])
        drag.setMimeData(mime)
        drag.exec(Qt.DropAction.CopyAction)


class Target(QLabel):
    """What takes files; it prints their paths, and how large they were when they came."""

    def __init__(self) -> None:
        super().__init__("Here")
        self.setAcceptDrops(True)
        self.dropped: list[list[tuple[str, int]]] = []

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls()]
        self.dropped.append([(str(path), path.stat().st_size if path.exists() else -1) for path in paths])
        event.acceptProposedAction()
        say(self)


def say(target: Target) -> None:
    """The state: where both halves are on the screen, and what was dropped."""
    window = target.window()
    halves = [child for child in window.children() if isinstance(child, QLabel)]
    places = {type(half).__name__: half.mapToGlobal(QPoint(half.width() // 2, half.height() // 2)) for half in halves}
    print(json.dumps({name: place.toTuple() for name, place in places.items()} | {"dropped": target.dropped}))


def main() -> None:
    """``X Y WIDTH HEIGHT FILE…``."""
    app, window = QApplication(sys.argv[:1]), QWidget()
    target = Target()
    layout = QHBoxLayout(window)
    layout.addWidget(Source([Path(name) for name in sys.argv[5:]]))
    layout.addWidget(target)
    window.setGeometry(*map(int, sys.argv[1:5]))
    window.show()
    QTimer.singleShot(1000, lambda: say(target))  # the window manager has put it by then
    app.exec()


if __name__ == "__main__":
    main()
