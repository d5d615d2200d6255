"""Which classes photos may have where their folders leave it open: shown with examples, for a person to choose."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QPushButton, QVBoxLayout, QWidget

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.data.sources.proposed_classes import Proposal, proposed
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.labels import label_store
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.plain import PlainLabel, plain_tip
from resnet_desktop.gui.wizard.page import heading, secondary

MOST_PHOTOS = 50_000
"""So many are looked at."""
SHOWN_CLASSES = 6


class ClassOffer(QFrame):
    """Looks into a folder, and offers what it finds; hidden where there is nothing to be decided.

    Signals:
        taken: the path of a table of the photos with the classes that were chosen.
        labelling_wanted: the photos, which are to be sorted by hand.
        problem: a sentence.
    """

    taken = Signal(Path)
    labelling_wanted = Signal(object)
    problem = Signal(str)

    def __init__(self, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "true")
        self._tasks = tasks
        self._asked = 0
        self.buttons: tuple[QPushButton, ...] = ()
        self._title, self._words = heading(""), secondary()
        self._rows = QGridLayout()
        self._rows.setHorizontalSpacing(theme.M)
        self._rows.setVerticalSpacing(theme.S)
        self._rows.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.M, theme.L, theme.M)
        layout.setSpacing(theme.S)
        layout.addWidget(self._title)
        layout.addWidget(self._words)
        layout.addLayout(self._rows)
        self.hide()

    def look(self, sources: Sequence[dict[str, str]], classes: Sequence[str]) -> None:
        """Look at what is to be learnt from; ``classes``: those that the folders give it, if any."""
        self._asked += 1
        self.hide()
        asked, here = self._asked, tuple(classes)
        if len(sources) == 1 and set(sources[0]) == {"folder"} and Path(sources[0]["folder"]).is_dir():
            root = Path(sources[0]["folder"])
            self._tasks.run_task(lambda: _found(root), lambda future: self._on_found(asked, here, future))

    def _on_found(
        self, asked: int, classes: tuple[str, ...], future: Future[tuple[list[Path], tuple[Proposal, ...]]]
    ) -> None:
        photos, found = future.result()
        if asked != self._asked or not photos:
            return
        if not classes and not found:
            self._offer_labelling(photos)
        elif (not classes and found) or len(found) > 1:
            self._offer(found, classes)

    def _offer(self, found: Sequence[Proposal], classes: tuple[str, ...]) -> None:
        by_name = found[0].depth == 0
        if by_name:
            self._title.setText(self.tr("The file names have something in common"))
            self._words.setText(self.tr("No folders say what the classes are, but the names may."))
        else:
            self._title.setText(self.tr("Which folders are the classes?"))
            self._words.setText(self.tr("The photos lie in folders within folders."))
        self._fill(len(found))
        for row, proposal in enumerate(found):
            now = set(proposal.classes) == set(classes)
            button = self.buttons[row]
            count = wording.number(len(proposal.classes))
            button.setText(
                self.tr("These {count}, as now").format(count=count)
                if now
                else self.tr("Use these {count}").format(count=count)
            )
            button.setEnabled(not now)
            button.clicked.connect(lambda _checked=False, proposal=proposal: self._take(proposal))
            self._rows.addWidget(_examples(proposal), row, 1)
        self.show()

    def _offer_labelling(self, photos: list[Path]) -> None:
        self._title.setText(self.tr("Nothing says which photo is which"))
        self._words.setText(
            self.tr("The photos lie in one folder, and their names have nothing in common. Sort them by hand.")
        )
        self._fill(1)
        self.buttons[0].setText(self.tr("Label these photos…"))
        self.buttons[0].clicked.connect(lambda: self.labelling_wanted.emit(photos))
        self.show()

    def _fill(self, rows: int) -> None:
        """Empty rows with a button each."""
        while self._rows.count():
            item = self._rows.takeAt(0)
            widget = None if item is None else item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.buttons = tuple(QPushButton() for _ in range(rows))
        for row, button in enumerate(self.buttons):
            self._rows.addWidget(button, row, 0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)

    def _take(self, proposal: Proposal) -> None:
        path = label_store.new_table()
        rows = [(photo, label) for photo, label in proposal.labels.items()]
        self._tasks.run_task(lambda: label_store.write_table(path, rows), lambda future: self._on_written(path, future))

    def _on_written(self, path: Path, future: Future[int]) -> None:
        try:
            future.result()
        except ResNetDesktopError as error:
            self.problem.emit(str(error))
            return
        self.hide()
        self.taken.emit(path)


def _examples(proposal: Proposal) -> PlainLabel:
    """The classes with how many photos, and the names of some of these in the tip."""
    shown = list(itertools.islice(proposal.classes.items(), SHOWN_CLASSES))
    words = ", ".join(f"{label} ({wording.number(len(paths))})" for label, paths in shown)
    label = PlainLabel(words + (" …" if len(proposal.classes) > len(shown) else ""))
    label.setWordWrap(True)
    label.setToolTip(plain_tip("\n".join(f"{name}: {paths[0].name}, {paths[-1].name}" for name, paths in shown)))
    return label


def _found(root: Path) -> tuple[list[Path], tuple[Proposal, ...]]:
    from resnet_desktop.imaging.files import find_images

    photos = [path for path in itertools.islice(find_images([root], recursive=True), MOST_PHOTOS) if path.is_file()]
    return photos, proposed(root, photos)
