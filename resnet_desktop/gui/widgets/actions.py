"""Every command of the window: menus, tool bar, shortcuts."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu, QSizePolicy, QWidget

from resnet_desktop.core.settings import THEME
from resnet_desktop.gui.style import icons
from resnet_desktop.gui.widgets.plain import plain_tip
from resnet_desktop.gui.widgets.tool_bar import ToolBar

Shortcut = QKeySequence | QKeySequence.StandardKey | str | tuple[str, ...]


class Actions(QObject):
    """The commands as actions; whoever carries them out connects to their ``triggered``."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._icons: dict[QAction, str] = {}
        keys = QKeySequence.StandardKey
        self.open_files = self._action(self.tr("Open photos…"), keys.Open, "photo")
        self.open_folder = self._action(self.tr("Open folder…"), "Ctrl+Shift+O", "folder")
        self.paste = self._action(self.tr("Paste"), keys.Paste, "paste")
        self.sort = self._action(self.tr("Sort into folders…"), "Ctrl+Shift+E")
        self.accept = self._action(self.tr("Accept predictions as labels…"), "Ctrl+Shift+L")
        self.similar = self._action(self.tr("Find similar photos…"), "Ctrl+Shift+M")
        self.export = self._action(self.tr("Export results…"), "Ctrl+E")
        self.quit = self._action(self.tr("Quit"), keys.Quit)
        self.remove = self._action(self.tr("Remove selected"), keys.Delete)
        self.clear = self._action(self.tr("Clear"), "Ctrl+Shift+Backspace", "clear")
        self.undo = self._action(self.tr("Undo"), keys.Undo)
        self.redo = self._action(self.tr("Redo"), keys.Redo)
        self.label = self._action(self.tr("Label photos"), "L", "label", checkable=True)
        self.accept_suggestion = self._action(self.tr("Accept suggested label"), ("Return", "Enter"))
        self.save_labels = self._action(self.tr("Save labels as CSV…"))
        self.open_labels = self._action(self.tr("Open labels…"))
        self.rest = self._action(self.tr("Classify the rest"), "F5")
        self.cancel = self._action(self.tr("Cancel"), "Esc")
        self.open_model = self._action(self.tr("Open ONNX file…"))
        self.get_models = self._action(self.tr("Get a pretrained network…"))
        self.abilities = self._action(self.tr("What this model knows…"))
        self.compare_models = self._action(self.tr("Compare two models on the list…"))
        self.manage_models = self._action(self.tr("Models…"), "Ctrl+M")
        self.heatmap = self._action(self.tr("Heatmap"), "H", "heatmap", checkable=True)
        self.fit = self._action(self.tr("Fit"), "Ctrl+0", "fit")
        self.actual_size = self._action(self.tr("Actual size (100\u00a0%)"), "Ctrl+Alt+0")
        self.wheel = self._action(self.tr("The wheel zooms"), checkable=True)
        self._make_list_actions()
        self._make_evidence_actions()
        self.teach = self._action(self.tr("Teach it your classes…"), "Ctrl+T", "teach")
        self.zoom_in = self._action(self.tr("Zoom in"), keys.ZoomIn)
        self.zoom_out = self._action(self.tr("Zoom out"), keys.ZoomOut)
        self._make_window_actions()
        self.report = self._action(self.tr("Report a problem…"))
        self.about = self._action(self.tr("About ResNet Desktop"))
        self.themes = self._theme_actions()
        self._set_tips()
        self.model_menu = QMenu(self.tr("&Model"), window)
        self._fill_menus()
        self.tool_bar = self._tool_bar()
        self.refresh_icons()

    def _set_tips(self) -> None:
        tips = {
            self.open_files: self.tr("Classify photos"),
            self.open_folder: self.tr("Classify the photos in a folder and its subfolders"),
            self.paste: self.tr("Paste an image or copied files"),
            self.clear: self.tr("Clear the list. Your files are not touched."),
            self.heatmap: self.tr("Show where the network found its evidence"),
            self.fit: self.tr("Show the whole photo"),
            self.select_part: self.tr("Classify a part of the photo: drag a rectangle, or hold Shift and drag"),
            self.label: self.tr("Sort the photos into classes of your own"),
            self.teach: self.tr("Train a classifier on your own photos"),
        }
        for action, text in tips.items():
            keys_text = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            action.setToolTip(plain_tip(f"{text} ({keys_text})"))

    def refresh_icons(self) -> None:
        """Draw the icons in the colours of the theme."""
        for action, name in self._icons.items():
            action.setIcon(icons.icon(name))

    def _make_list_actions(self) -> None:
        self.find = self._action(self.tr("Find photos"), QKeySequence.StandardKey.Find)
        self.show_all = self._action(self.tr("Show all photos"), "Ctrl+Shift+F")
        self.again = self._action(self.tr("Classify again"), "Shift+F5")
        self.grid = self._action(self.tr("Photos as a grid"), "G", checkable=True)
        self.group = self._action(self.tr("Group by class"), "Shift+G", checkable=True)
        self.copy_picture = self._action(self.tr("Copy picture"), QKeySequence.StandardKey.Copy)
        self.copy_heatmap = self._action(self.tr("Copy picture with heatmap"), "Ctrl+Shift+C")
        self.copy_path = self._action(self.tr("Copy path"), "Ctrl+Alt+C")
        self.show_in_folder = self._action(self.tr("Show in file manager"), "Ctrl+Alt+R")

    def _make_window_actions(self) -> None:
        self.settings = self._action(self.tr("Settings…"), "Ctrl+,")
        self.open_session = self._action(self.tr("Open session…"))
        self.save_session = self._action(self.tr("Save session…"))
        self.recent_menu = QMenu(self.tr("Open recent"), self._window)
        self.guide = self._action(self.tr("Guide"), "F1")
        self.keys = self._action(self.tr("Keys…"), ("?", "Ctrl+/"))
        self.about_photo = self._action(self.tr("About this photo…"), "Ctrl+I")
        self.full_screen = self._action(self.tr("Full screen"), "F11", checkable=True)
        self.previous_photo = self._action(self.tr("Previous photo"), "Alt+Left")
        self.next_photo = self._action(self.tr("Next photo"), "Alt+Right")

    def _make_evidence_actions(self) -> None:
        self.select_part = self._action(self.tr("Select a part of the photo"), "S", "part", checkable=True)
        self.select_part.setPriority(QAction.Priority.LowPriority)  # in the tool bar its icon alone
        self.show_photo = self._action(self.tr("Photo"), "Ctrl+1")
        self.show_compare = self._action(self.tr("Compare heatmaps"), ("C", "Ctrl+2"))
        self.show_blocks = self._action(self.tr("Residual blocks"), ("B", "Ctrl+3"))
        self.deeper = self._action(self.tr("Deeper layer"), ("]", "D"))
        self.shallower = self._action(self.tr("Shallower layer"), ("[", "Shift+D"))
        self.next_method = self._action(self.tr("Next method"), "M")
        self.last_method = self._action(self.tr("Previous method"), "Shift+M")
        self.runner_up = self._action(self.tr("Contrast with the runner-up"), "A", checkable=True)
        self.all_classes = self._action(self.tr("All classes…"), "Ctrl+K")
        self.cells = self._action(self.tr("Show the layer's cells"), "U", checkable=True)
        self.contour = self._action(self.tr("Contour at half the peak"), "T", checkable=True)
        self.swipe = self._action(self.tr("Swipe between photo and heatmap"), "W", checkable=True)
        self.check = self._action(self.tr("Check this heatmap…"), "K")
        self.put_beside = self._action(self.tr("Add this heatmap to the comparison"), "P")
        self.save_picture = self._action(self.tr("Save picture with heatmap…"), "Ctrl+S")
        self.save_map = self._action(self.tr("Save raw heatmap (NPZ)…"), "Ctrl+Shift+S")
        self.save_report = self._action(self.tr("Save a report on this photo…"), "Ctrl+R")
        self.caption = self._action(self.tr("Add a caption to saved pictures"), checkable=True)

    def _action(
        self, text: str, shortcut: Shortcut | None = None, icon: str = "", *, checkable: bool = False
    ) -> QAction:
        action = QAction(text, self)
        action.setCheckable(checkable)
        if isinstance(shortcut, QKeySequence.StandardKey):
            action.setShortcuts(shortcut)
        elif isinstance(shortcut, tuple):
            action.setShortcuts([QKeySequence(key) for key in shortcut])
        elif shortcut is not None:
            action.setShortcut(QKeySequence(shortcut))
        if icon:
            self._icons[action] = icon
        self._window.addAction(action)
        return action

    def _theme_actions(self) -> QActionGroup:
        titles = {"system": self.tr("System"), "light": self.tr("Light"), "dark": self.tr("Dark")}
        group = QActionGroup(self)
        for choice in THEME.choices:
            action = self._action(titles.get(choice, choice), checkable=True)
            action.setData(choice)
            group.addAction(action)
        return group

    def _fill_menus(self) -> None:
        bar = self._window.menuBar()
        file = bar.addMenu(self.tr("&File"))
        file.addActions([self.open_files, self.open_folder])
        file.addMenu(self.recent_menu)
        file.addSeparator()
        file.addActions([self.open_session, self.save_session])
        file.addSeparator()
        file.addActions([self.export, self.sort])
        file.addSeparator()
        file.addActions([self.save_picture, self.save_map, self.save_report, self.caption])
        file.addSeparator()
        file.addAction(self.quit)
        edit = bar.addMenu(self.tr("&Edit"))
        edit.addActions([self.undo, self.redo])
        edit.addSeparator()
        edit.addActions([self.copy_picture, self.copy_heatmap, self.copy_path, self.paste, self.remove, self.clear])
        edit.addSeparator()
        edit.addActions([self.select_part, self.find, self.show_all, self.similar])
        edit.addSeparator()
        edit.addActions([self.again, self.rest, self.cancel])
        edit.addSeparator()
        edit.addAction(self.settings)
        bar.addMenu(self.model_menu)
        view = bar.addMenu(self.tr("&View"))
        view.addActions([self.show_photo, self.show_compare, self.show_blocks])
        view.addSeparator()
        view.addActions([self.grid, self.group])
        view.addSeparator()
        view.addActions([self.previous_photo, self.next_photo, self.about_photo])
        view.addSeparator()
        view.addActions([self.fit, self.actual_size, self.zoom_in, self.zoom_out, self.wheel, self.full_screen])
        view.addSeparator()
        view.addMenu(self.tr("Appearance")).addActions(self.themes.actions())
        evidence = bar.addMenu(self.tr("E&vidence"))
        evidence.addActions([self.heatmap, self.cells, self.contour, self.swipe])
        evidence.addSeparator()
        evidence.addActions([self.deeper, self.shallower, self.next_method, self.last_method, self.runner_up])
        evidence.addAction(self.all_classes)
        evidence.addSeparator()
        evidence.addActions([self.put_beside, self.check])
        teach = bar.addMenu(self.tr("&Teach"))
        teach.addActions([self.label, self.accept_suggestion, self.save_labels, self.open_labels])
        teach.addSeparator()
        teach.addAction(self.teach)
        bar.addMenu(self.tr("&Help")).addActions([self.guide, self.keys, self.report, self.about])

    def _tool_bar(self) -> ToolBar:
        bar = ToolBar(self.tr("Tools"))
        bar.setObjectName("tools")
        bar.addActions([self.open_files, self.open_folder, self.paste])
        bar.addSeparator()
        bar.addAction(self.clear)
        room = QWidget()
        room.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        bar.addWidget(room)
        bar.addActions([self.label, self.teach, self.select_part, self.heatmap, self.fit])
        bar.reach_by_tab()
        self._window.addToolBar(bar)
        return bar
