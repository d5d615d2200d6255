"""Which layer, which method, against which class: with words on what each choice means."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QCoreApplication, QEvent, QModelIndex, QObject, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSlider,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.explain.cam.methods import DEFAULT_METHOD, METHODS, MethodInfo
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.choice import Choice
from resnet_desktop.gui.widgets.help.help_button import HelpButton
from resnet_desktop.gui.widgets.help.help_texts import Help
from resnet_desktop.gui.widgets.plain import PlainLabel, plain_tip
from resnet_desktop.session.evidence_choice import choice_of
from resnet_desktop.session.results import EvidenceRequest, LayerChoice

_RECOMMENDED = int(Qt.ItemDataRole.UserRole) + 1


class EvidenceControls(QWidget):
    """How the heatmap is made.

    Signals:
        layer_chosen: a layer's name.
        method_chosen: a method's name.
        against_chosen: a class index, or None.
        depth_touched: the slider is about to be moved.
    """

    layer_chosen = Signal(str)
    method_chosen = Signal(str)
    against_chosen = Signal(object)
    depth_touched = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layers: tuple[LayerChoice, ...] = ()
        self._categories: tuple[str, ...] = ()
        self.depth_slider = QSlider(Qt.Orientation.Horizontal)
        self.layer, self.method, self.against = Choice(), Choice(), Choice()
        self.home = QToolButton()
        self.about_method = HelpButton(_about(METHODS[DEFAULT_METHOD]))
        self._advice, self._grid = PlainLabel(), PlainLabel()
        self._build()
        self._connect()

    @property
    def advice(self) -> str:
        """What is said about the layer."""
        return self._advice.text()

    def show_model(self, layers: Sequence[LayerChoice], categories: Sequence[str]) -> None:
        """Another model."""
        self._layers, self._categories = tuple(layers), tuple(categories)
        _quietly(self.layer, self._fill_layers)
        self.depth_slider.blockSignals(True)
        self.depth_slider.setRange(0, max(0, len(self._layers) - 1))
        self.depth_slider.blockSignals(False)
        self.show_classes(())

    def show_classes(self, best: Sequence[int]) -> None:
        """The classes to contrast with: those predicted first."""
        chosen = self.against.currentData()

        def fill() -> None:
            self.against.clear()
            self.against.addItem(self.tr("No other class"), None)
            known = [index for index in best if index < len(self._categories)]
            for index in known:
                self.against.addItem(self._categories[index], index)
            if known:
                self.against.insertSeparator(self.against.count())
            for index, name in enumerate(self._categories):
                if index not in known:
                    self.against.addItem(name, index)
            self.against.setCurrentIndex(max(0, self.against.findData(chosen)))

        _quietly(self.against, fill)

    def show_request(self, request: EvidenceRequest, methods: Sequence[str]) -> None:
        """What is wanted now, and which methods work there."""
        choice = choice_of(self._layers, request.layer)
        info = METHODS[request.method]
        self.depth_slider.blockSignals(True)
        if choice is not None:
            place = self._layers.index(choice)
            self.depth_slider.setValue(place)
            _quietly(self.layer, lambda: self.layer.setCurrentIndex(place))
        self.depth_slider.blockSignals(False)
        _quietly(self.method, lambda: self._fill_methods(methods, choice, request.method))
        _quietly(self.against, lambda: self.against.setCurrentIndex(max(0, self.against.findData(request.against))))
        self.method.setToolTip(plain_tip(f"{info.summary}\n{self.tr('Takes')} {info.cost}.\n{info.paper}"))
        self.about_method.show_help(_about(info))
        looks_inside = info.needs_layer and bool(self._layers)
        for widget in (self.layer, self.depth_slider):
            widget.setEnabled(looks_inside)
        self._show_advice(choice, looks_inside)

    def refresh_fonts(self) -> None:
        """Follow the app's font and colours."""
        self.about_method.refresh_theme()
        small = theme.font(0.92)
        for label in (self._advice, self._grid):
            label.setFont(small)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The pointer or the keyboard comes near the slider: its maps may soon be wanted."""
        if event.type() in (QEvent.Type.Enter, QEvent.Type.FocusIn) and self.depth_slider.isEnabled():
            self.depth_touched.emit()
        return super().eventFilter(watched, event)

    def _fill_layers(self) -> None:
        self.layer.clear()
        for choice in self._layers:
            self.layer.addItem(choice.title, choice.name)
            row = self.layer.count() - 1
            self.layer.setItemData(row, choice.recommended, _RECOMMENDED)
            tip = f"{choice.name}: {choice.grid}"
            if choice.recommended:
                tip += "\n" + self.tr("★ recommended: start here")
            self.layer.setItemData(row, plain_tip(tip), Qt.ItemDataRole.ToolTipRole)
        view = self.layer.view()
        view.setMinimumWidth(view.sizeHintForColumn(0) + theme.XL)

    def _fill_methods(self, methods: Sequence[str], choice: LayerChoice | None, chosen: str) -> None:
        self.method.clear()
        for info in METHODS.values():
            self.method.addItem(info.title, info.name)
            row = self.method.count() - 1
            tip = f"{info.summary}\n{self.tr('Takes')} {info.cost}."
            if info.name not in methods:
                model = self.method.model()
                assert isinstance(model, QStandardItemModel)
                model.item(row).setEnabled(False)
                tip = self._why_not(choice)
            self.method.setItemData(row, plain_tip(tip), Qt.ItemDataRole.ToolTipRole)
        self.method.setCurrentIndex(self.method.findData(chosen))

    def _why_not(self, choice: LayerChoice | None) -> str:
        if choice is None:
            return self.tr("This method needs a layer with height and width, and this model has none.")
        if choice.no_gradient is not None:
            text = self.tr("This method needs gradients, which cannot pass through the operator {operator}.")
            return text.format(operator=choice.no_gradient)
        return self.tr("This method does not work at this layer.")

    def _show_advice(self, choice: LayerChoice | None, looks_inside: bool) -> None:
        here = choice is not None and choice.recommended
        self.home.setEnabled(looks_inside)
        self.home.setText("★" if here else "☆")
        self.home.setToolTip(self.tr("This is the recommended layer") if here else self.tr("Use the recommended layer"))
        if choice is None:
            self._grid.clear()
            none = self.tr("This model has no layer with height and width. Occlusion works without one.")
            self._advice.setText(none if self._categories else "")  # nothing is known before a model is there
        elif not looks_inside:
            self._grid.clear()
            self._advice.setText(
                self.tr("This method covers parts of the photo and watches the prediction. It does not use a layer.")
            )
        else:
            self._grid.setText(choice.grid)
            self._advice.setText(choice.text)

    def _connect(self) -> None:
        self.layer.currentIndexChanged.connect(lambda index: self.layer_chosen.emit(self.layer.itemData(index)))
        self.method.currentIndexChanged.connect(lambda index: self.method_chosen.emit(self.method.itemData(index)))
        self.against.currentIndexChanged.connect(lambda index: self.against_chosen.emit(self.against.itemData(index)))
        self.depth_slider.valueChanged.connect(self._on_depth)
        self.depth_slider.installEventFilter(self)
        self.home.clicked.connect(self._on_home)

    def _on_depth(self, place: int) -> None:
        if 0 <= place < len(self._layers):
            self.layer_chosen.emit(self._layers[place].name)

    def _on_home(self) -> None:
        choice = choice_of(self._layers, None)
        if choice is not None:
            self.layer_chosen.emit(choice.name)

    def _build(self) -> None:
        for label in (self._advice, self._grid):
            label.setWordWrap(True)
            label.setProperty("tone", "secondary")
        self._advice.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.refresh_fonts()
        self.home.setAccessibleName(self.tr("Recommended layer"))
        self.layer.setItemDelegate(_Stars(self.layer))
        self.depth_slider.setAccessibleName(self.tr("Depth of the layer, from first to last"))
        self.depth_slider.setToolTip(self.tr("From the first layer to the last: [ and ], or Shift+D and D"))
        self.depth_slider.setPageStep(1)
        self.layer.setAccessibleName(self.tr("Layer"))
        self.method.setAccessibleName(self.tr("Method"))
        self.against.setAccessibleName(self.tr("Class to compare with"))
        self.against.setToolTip(self.tr("Show the evidence for the class rather than for this one (A: the runner-up)"))
        self.against.setMaxVisibleItems(16)
        slider = QHBoxLayout()
        slider.setSpacing(theme.XS)
        slider.addWidget(self.depth_slider, 1)
        slider.addWidget(self.home)
        form = QGridLayout()
        form.setColumnStretch(1, 1)
        form.setHorizontalSpacing(theme.M)
        form.setVerticalSpacing(theme.S - 2)
        for row, (text, widget) in enumerate(
            ((self.tr("Method"), self.method), (self.tr("Versus"), self.against), (self.tr("Layer"), self.layer))
        ):
            form.addWidget(_label(text, widget), row, 0)
            form.addWidget(widget, row, 1, 1, 1 if widget is self.method else 2)
        form.addWidget(self.about_method, 0, 2)
        form.addWidget(_label(self.tr("Depth"), self.depth_slider), 3, 0)
        form.addLayout(slider, 3, 1, 1, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.XS)
        layout.addLayout(form)
        layout.addWidget(self._grid)
        layout.addWidget(self._advice)
        layout.addStretch(1)


class _Stars(QStyledItemDelegate):
    """A star after what is recommended, in the list alone: there is no room for it in the box."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        super().initStyleOption(option, index)
        if index.data(_RECOMMENDED):
            option.text = f"{index.data()}  ★"

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return super().sizeHint(option, index) + QSize(0, theme.XS)


def _about(info: MethodInfo) -> Help:
    formula = QCoreApplication.translate("evidence_controls", "Formula: {formula}").format(formula=info.formula)
    cost = QCoreApplication.translate("evidence_controls", "It takes {cost}.").format(cost=info.cost)
    return Help(info.title, (info.summary, formula, cost), (info.paper,))


def _label(text: str, buddy: QWidget) -> QLabel:
    label = PlainLabel(text)
    label.setProperty("tone", "secondary")
    label.setBuddy(buddy)
    return label


def _quietly(box: QComboBox, change: Callable[[], None]) -> None:
    """Change a box without its saying so."""
    box.blockSignals(True)
    change()
    box.blockSignals(False)
