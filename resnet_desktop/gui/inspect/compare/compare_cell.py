"""One of the heatmaps that are compared: photo, map, two lines of words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QGridLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from resnet_desktop.explain.cam.methods import METHODS
from resnet_desktop.gui.inspect.heatmap.heat_painter import HeatStyle
from resnet_desktop.gui.inspect.photo.image_view import ImageView
from resnet_desktop.gui.style import icons, theme, wording
from resnet_desktop.gui.widgets.elided_label import ElidedLabel
from resnet_desktop.gui.widgets.plain import plain_tip
from resnet_desktop.session.evidence_choice import choice_of
from resnet_desktop.session.results import Evidence, EvidenceRequest, Failure, Listed, ModelInfo, classes_in

if TYPE_CHECKING:
    from resnet_desktop.explain.cam.target import Target


class CompareCell(QWidget):
    """One heatmap with its caption.

    Attributes:
        slot: where its answer is asked for.
        view: the photo with the map.
        request: what was asked.
        kept: put here by the user: it stays when another model or photo comes.
        model: whose map it is, where that is to be said.
        photo: the name of its photo, where that is to be said.

    Signals: ``request_changed`` (EvidenceRequest): another map is wanted here; ``removed``; ``class_asked`` (what is
    called with the one that is picked): every class is to be seen.
    """

    request_changed = Signal(object)
    class_asked = Signal(object)
    removed = Signal()

    def __init__(self, slot: str, request: EvidenceRequest, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.slot = slot
        self.request = request
        self.kept = False
        self.model = self.photo = ""
        self.view = _CellView()
        self._image = QImage()
        self._evidence: Evidence | None = None
        self._waiting = False
        self._style = HeatStyle()
        self._title, self._detail = ElidedLabel(), ElidedLabel()
        self._menu_button, self._away = QToolButton(), QToolButton()
        self._menu = QMenu(self)
        self._known: tuple[ModelInfo, tuple[int, ...], Listed | None] | None = None
        self._menu.aboutToShow.connect(self._list_choices)
        self._build()

    @property
    def evidence(self) -> Evidence | None:
        """The map; None while it is on its way."""
        return self._evidence

    @property
    def waiting(self) -> bool:
        """Whether the map is on its way."""
        return self._waiting

    @property
    def image(self) -> QImage:
        """The photo."""
        return self._image

    @property
    def caption(self) -> tuple[str, str]:
        """What the cell shows, in words."""
        return self._title.text(), self._detail.text()

    @property
    def menu_button(self) -> QToolButton:
        """Opens the choices of this cell."""
        return self._menu_button

    @property
    def away_button(self) -> QToolButton:
        """Takes the cell away."""
        return self._away

    def show_photo(self, image: QImage) -> None:
        """The photo to explain; null while it is being read."""
        self._image = image
        self.view.show_photo(image)
        if self._evidence is not None:
            self.view.show_evidence(self._evidence, self._style)

    def show_waiting(self, label: str) -> None:
        """The answer is on its way."""
        self._evidence, self._waiting = None, True
        self.view.clear_evidence()
        self._say(label, self.tr("Working…"))

    def show_progress(self, done: int, total: int) -> None:
        """How far a long method is."""
        if self._waiting:
            self._detail.setText(self.tr("Working… {share}").format(share=wording.percent(done / max(1, total))))

    def show_evidence(self, evidence: Evidence) -> None:
        """Show a heatmap and say what it is."""
        self._evidence, self._waiting = evidence, False
        title, detail = caption_of(evidence, self.model, self.photo)
        self._say(title, detail)
        self.view.show_evidence(evidence, self._style)

    def name(self, *, model: str = "", photo: str = "") -> None:
        """Say from now on whose map, or of which photo, this is."""
        self.model, self.photo = model or self.model, photo or self.photo
        if self._evidence is not None:
            self._say(*caption_of(self._evidence, self.model, self.photo))

    def show_failure(self, failure: Failure) -> None:
        """Say why there is none."""
        self._evidence, self._waiting = None, False
        self._detail.setText(failure.text)

    def set_style(self, style: HeatStyle) -> None:
        """In other colours."""
        self._style = style
        if self._evidence is not None:
            self.view.show_evidence(self._evidence, style)

    def show_class(self, found: Listed) -> None:
        """Another class or group is wanted here."""
        self.request_changed.emit(self._about(self.request, found.target))

    def fill_menu(self, info: ModelInfo, classes: Sequence[int], said: Listed | None = None) -> None:
        """The choices of this cell: they are asked of the model that is open. ``said``: its answer for the photo."""
        self._known = info, tuple(classes), said
        self._menu_button.setMenu(self._menu)
        self._menu_button.show()

    def _list_choices(self) -> None:
        """When the menu opens, never while it is open: what is chosen in it changes the choices."""
        if self._known is None:
            return
        for submenu in [action.menu() for action in self._menu.actions()]:
            if isinstance(submenu, QMenu):
                submenu.deleteLater()
        self._menu.clear()
        info, classes, said = self._known
        request = self.request
        if choice_of(info.layers, request.layer) is None:
            request = replace(request, layer=None)
        layer = choice_of(info.layers, request.layer)
        layers = [(c.title, replace(request, layer=None if c.recommended else c.name)) for c in info.layers]
        methods = layer.methods if layer is not None else ()
        others = [i for i in classes if i not in classes_in(request.target)]
        against = [(info.categories[i], replace(request, against=i)) for i in others]
        own = [(info.categories[i], self._about(request, i)) for i in classes]
        if said is not None and isinstance(said.target, tuple):
            own.insert(0, (said.label, self._about(request, said.target)))
        choices = self._add(self.tr("Class"), own)
        if len(classes) < info.classes:
            choices.addSeparator()
            another = choices.addAction(self.tr("Another class…"))
            another.triggered.connect(lambda _=False: self.class_asked.emit(self.show_class))
        self._add(self.tr("Versus"), [(self.tr("No other class"), replace(request, against=None)), *against])
        self._add(self.tr("Method"), [(METHODS[name].title, replace(request, method=name)) for name in methods])
        self._add(self.tr("Layer"), layers)

    def refresh_theme(self) -> None:
        """Follow colours and font."""
        self._title.setFont(theme.font(0.95, strong=True))
        self._detail.setFont(theme.font(0.92))
        self._menu_button.setIcon(icons.icon("chevron"))
        self._away.setIcon(icons.icon("close"))

    @staticmethod
    def _about(request: EvidenceRequest, target: Target) -> EvidenceRequest:
        return replace(request, target=target, against=None if request.against == target else request.against)

    def _add(self, title: str, choices: Sequence[tuple[str, EvidenceRequest]]) -> QMenu:
        menu = self._menu.addMenu(title)
        menu.setEnabled(bool(choices))
        for text, request in choices:
            action = menu.addAction(text)
            action.setCheckable(True)
            action.setChecked(request == self.request)
            action.triggered.connect(lambda _=False, wanted=request: self.request_changed.emit(wanted))
        return menu

    def _say(self, title: str, detail: str) -> None:
        self._title.setText(title)
        self._detail.setText(detail)
        words = f"{title}, {detail}".strip(", ")
        self.setAccessibleName(words)
        self.view.setAccessibleName(self.tr("Photo with heatmap: {words}").format(words=words))

    def _build(self) -> None:
        self._detail.setProperty("tone", "secondary")
        for button, tip in (
            (self._menu_button, self.tr("Change the class, method or layer")),
            (self._away, self.tr("Remove this heatmap")),
        ):
            button.setToolTip(plain_tip(tip))
            button.setAccessibleName(tip)
            button.setStyleSheet("QToolButton { padding: 1px 3px; } QToolButton::menu-indicator { image: none; }")
        self._menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menu_button.hide()
        self._away.clicked.connect(self.removed)
        words = QGridLayout()
        words.setSpacing(0)
        words.setColumnStretch(0, 1)
        for column, widget in enumerate((self._title, self._menu_button, self._away)):
            words.addWidget(widget, 0, column)
        words.addWidget(self._detail, 1, 0, 1, 3)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.XS)
        layout.addWidget(self.view, 1)
        layout.addLayout(words)
        self.refresh_theme()


def caption_of(evidence: Evidence, model: str, photo: str) -> tuple[str, str]:
    """A heatmap in two lines: which class, and how it was made; ``model`` and ``photo`` where they are to be named."""
    translate = QCoreApplication.translate
    title = evidence.label
    if evidence.against is not None:
        rather = translate("compare_cell", "{label} rather than {other}")
        title = rather.format(label=title, other=evidence.against_label)
    if evidence.problem is not None:
        return title, evidence.problem.text
    info = METHODS[evidence.method]
    empty = translate("compare_cell", "no positive evidence") if evidence.empty else ""
    words = (info.title, evidence.where if info.needs_layer else "", empty, model, photo)
    return title, " · ".join(word for word in words if word)


class _CellView(ImageView):
    """A view with little margin, that may be small."""

    def __init__(self) -> None:
        super().__init__(margin=0)
        self.setMinimumSize(120, 90)
