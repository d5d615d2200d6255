"""The installed models: looked at, used, checked, renamed, removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QMessageBox,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.models import knowledge
from resnet_desktop.gui.models.abilities import AbilitiesDialog
from resnet_desktop.gui.models.installed_list import InstalledList
from resnet_desktop.gui.models.knowledge import Installed, ModelFacts
from resnet_desktop.gui.models.model_card import ModelCard
from resnet_desktop.gui.models.rename_dialog import RenameDialog
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.style.show_file import show_in_folder
from resnet_desktop.gui.widgets.menus import Entry, Line, copy_text, open_menu
from resnet_desktop.gui.widgets.plain import PlainLabel, message_box
from resnet_desktop.session.results import Failure


class InstalledPage(QWidget):
    """The list on the left, the card of the one that is looked at on the right.

    Signals: ``model_wanted`` (a name; empty: the default): use it; ``labels_wanted`` (ModelFacts): ask what its classes
    are called; ``renamed`` (the former name, the present one); ``changed``: there are other models than before.
    """

    model_wanted = Signal(str)
    labels_wanted = Signal(object)
    renamed = Signal(str, str)
    changed = Signal()

    def __init__(self, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._in_use = ""
        self._wanted = ""  # a model that was just installed, to be looked at
        self._facts: ModelFacts | None = None
        self.models, self.card = InstalledList(), ModelCard()
        self._title, self._said = PlainLabel(), PlainLabel()
        self.use_button, self.labels_button = QPushButton(self.tr("Use it")), QPushButton(self.tr("Name its classes…"))
        self.check_button, self.remove_button = QPushButton(self.tr("Check the file")), QPushButton(self.tr("Remove…"))
        self.classes_button, self.rename_button = QPushButton(self.tr("All classes…")), QPushButton(self.tr("Rename…"))
        self.install_button = QPushButton(self.tr("Install a file…"))
        self._build()

    @property
    def said(self) -> str:
        """What became of the last thing asked for."""
        return self._said.text()

    @property
    def facts(self) -> ModelFacts | None:
        """What is known of the model that is looked at; None while it is read."""
        return self._facts

    def show_current(self, name: str) -> None:
        """Which model is in use."""
        self._in_use = name
        self.look()

    def look(self, wanted: str = "") -> None:
        """See again what is installed; ``wanted`` is then looked at."""
        self._wanted = wanted or self._wanted
        self._tasks.run_task(knowledge.installed, self._on_listed)

    def install(self, file: Path) -> None:
        """Copy a model file into the library."""
        self._say(self.tr("Checking {name}…").format(name=file.name))
        self._do(lambda: knowledge.install(file), self._on_installed)

    def check(self) -> None:
        """Hold the weights against the checksum in the file."""
        if self._facts is None:
            return
        path = self._facts.path
        self._say(self.tr("Checking…"))

        def done(whole: bool | None) -> None:
            words = {
                None: self.tr("{name} has no checksum, so its weights cannot be verified."),
                True: self.tr("The weights of {name} are intact."),
                False: self.tr("The weights of {name} do not match its checksum. Reinstall it."),
            }
            self._say(words[whole].format(name=path.stem))

        self._do(lambda: knowledge.is_whole(path), done)

    def show_classes(self) -> None:
        """The classes of the model that is looked at, to be searched."""
        if self._facts is not None:
            AbilitiesDialog(self._facts, self).show()

    def rename(self) -> None:
        """Ask for another name for the model that is looked at."""
        model = self.models.chosen
        if model is not None and not model.ours:
            dialog = RenameDialog(model.name, self._tasks, self)
            dialog.renamed.connect(lambda present: self._on_renamed(model, present))
            dialog.open()

    def remove(self) -> None:
        """Delete the model that is looked at."""
        model = self.models.chosen
        if model is not None and not model.ours:
            self._do(lambda: knowledge.remove(model.name), lambda _none: self._on_removed(model))

    def _do(self, work: Callable[[], object], done: Callable[..., None]) -> None:
        """Work off the GUI thread; what goes wrong is said."""

        def ended(future: Future[object]) -> None:
            try:
                result = future.result()
            except ResNetDesktopError as error:
                self._say(Failure.of(error).text)
                return
            done(result)

        self._tasks.run_task(work, ended)

    def _say(self, text: str) -> None:
        self._said.setText(text)
        self._said.setVisible(bool(text))

    def _on_listed(self, future: Future[Sequence[Installed]]) -> None:
        chosen = self.models.chosen
        looked_at = self._wanted or (chosen.name if chosen is not None else "")
        self._wanted = ""
        self.models.show_models(future.result(), self._in_use, looked_at)

    def _on_chosen(self, model: Installed | None) -> None:
        self._facts = None
        self._title.setText("" if model is None else model.name)
        self._refresh()
        self.card.show_facts(())
        if model is None:
            return

        def ended(future: Future[ModelFacts]) -> None:
            if self.models.chosen != model:
                return
            try:
                self._facts = future.result()
            except ResNetDesktopError as error:
                self.card.show_facts(((self.tr("Cannot be used"), [(self.tr("Why"), Failure.of(error).text)]),))
            else:
                self.card.show_model(self._facts)
            self._refresh()

        self._tasks.run_task(lambda: knowledge.facts(model.path), ended)

    def _on_installed(self, model: Installed) -> None:
        self._say(self.tr("{name} is installed.").format(name=model.name))
        self.look(model.name)
        self.changed.emit()

    def _on_renamed(self, model: Installed, present: str) -> None:
        self._say(self.tr("{former} is now called {present}.").format(former=model.name, present=present))
        if model.name == self._in_use:
            self._in_use = present
        self.renamed.emit(model.name, present)
        self.look(present)
        self.changed.emit()

    def _on_removed(self, model: Installed) -> None:
        self._say(self.tr("{name} was removed.").format(name=model.name))
        if model.name == self._in_use:
            self.model_wanted.emit("")
        self.look()
        self.changed.emit()

    def _refresh(self) -> None:
        model, facts = self.models.chosen, self._facts
        self.use_button.setEnabled(facts is not None and model is not None and model.name != self._in_use)
        in_use = model is not None and model.name == self._in_use
        self.use_button.setText(self.tr("In use") if in_use else self.tr("Use it"))
        self.labels_button.setVisible(facts is not None and facts.foreign)
        self.check_button.setEnabled(facts is not None)
        self.classes_button.setEnabled(facts is not None)
        theirs = model is not None and not model.ours
        self.rename_button.setEnabled(theirs)
        self.remove_button.setEnabled(theirs)
        built_in = model is not None and model.ours
        self.rename_button.setToolTip(self.tr("Built into the app; keeps its name") if built_in else "")
        self.remove_button.setToolTip(self.tr("Built into the app; cannot be removed") if built_in else "")

    def _build(self) -> None:
        self._title.setFont(theme.font(1.25, strong=True))
        self._said.setWordWrap(True)
        self._said.setProperty("tone", "secondary")
        self._said.hide()
        self.use_button.setProperty("primary", "true")
        left, right = QWidget(), QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, theme.S, 0)
        column.addWidget(self.models, 1)
        column.addWidget(self.install_button)
        row = QHBoxLayout()
        row.setSpacing(theme.S)
        for button in (self.use_button, self.classes_button, self.labels_button, self.check_button):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.remove_button)
        room = QVBoxLayout(right)
        room.setContentsMargins(theme.L, 0, 0, 0)
        room.setSpacing(theme.S)
        heading = QHBoxLayout()
        heading.addWidget(self._title, 1)
        heading.addWidget(self.rename_button)
        room.addLayout(heading)
        room.addWidget(self.card, 1)
        room.addWidget(self._said)
        room.addLayout(row)
        halves = QSplitter(Qt.Orientation.Horizontal)
        halves.addWidget(left)
        halves.addWidget(right)
        halves.setStretchFactor(1, 1)
        halves.setSizes([270, 600])
        halves.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, theme.M, 0, 0)
        layout.addWidget(halves)
        self.models.model_chosen.connect(self._on_chosen)
        self.models.itemActivated.connect(lambda _item: self._on_use())
        self.models.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.models.customContextMenuRequested.connect(self._on_menu)
        self.use_button.clicked.connect(self._on_use)
        self.labels_button.clicked.connect(self._on_labels_asked)
        self.check_button.clicked.connect(self.check)
        self.classes_button.clicked.connect(self.show_classes)
        self.rename_button.clicked.connect(self.rename)
        QShortcut(QKeySequence("F2"), self.models, self.rename, context=Qt.ShortcutContext.WidgetShortcut)
        self.remove_button.clicked.connect(self._on_remove_asked)
        self.install_button.clicked.connect(self._on_install_asked)
        self._refresh()

    def _on_use(self) -> None:
        model = self.models.chosen
        if model is not None and self.use_button.isEnabled():
            self.model_wanted.emit(model.name)

    def _on_menu(self, where: QPoint) -> None:
        model = self.models.chosen
        if model is None:
            return
        buttons = (self.use_button, self.classes_button, self.labels_button, self.check_button)
        lines: list[Line] = [
            Entry(button.text(), button.click, button.isEnabled()) for button in buttons if not button.isHidden()
        ]
        lines += [
            None,
            Entry(self.tr("Show in file manager"), lambda: show_in_folder(model.path)),
            Entry(self.tr("Copy path"), lambda: copy_text(str(model.path))),
            None,
            Entry(self.rename_button.text(), self.rename, self.rename_button.isEnabled(), key="F2"),
            Entry(self.remove_button.text(), self._on_remove_asked, self.remove_button.isEnabled()),
        ]
        open_menu(self, lines, self.models.viewport().mapToGlobal(where))

    def _on_labels_asked(self) -> None:
        if self._facts is not None:
            self.labels_wanted.emit(self._facts)

    def _on_remove_asked(self) -> None:
        model = self.models.chosen
        if model is None:
            return
        text = self.tr("Remove {name}?").format(name=model.name)
        more = self.tr("This deletes its file: {path}").format(path=model.path)
        box = message_box(self, self.tr("Remove a model"), text, more)
        away = box.addButton(self.tr("Remove"), QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        away.clicked.connect(self.remove)
        box.open()

    def _on_install_asked(self) -> None:
        dialog = QFileDialog(self, self.tr("Install a model"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters([self.tr("Models (*.onnx *.pth *.pt)"), self.tr("All files (*)")])
        dialog.fileSelected.connect(lambda name: self.install(Path(name)))
        dialog.open()
