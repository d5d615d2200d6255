"""The line at the bottom: which model, on what hardware and why, how long it took, how far the queue is."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QProgressBar,
    QPushButton,
    QStatusBar,
    QToolButton,
    QWidget,
)

from resnet_desktop.gui.models.abilities import how_good, what_it_knows
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.plain import PlainLabel, plain_tip
from resnet_desktop.session.results import ModelInfo


class StatusPanel(QStatusBar):
    """Signals: ``cancel_asked``; ``model_menu_asked`` (where on the screen); ``training_asked``."""

    cancel_asked = Signal()
    training_asked = Signal()
    model_menu_asked = Signal(QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self._info: ModelInfo | None = None
        self._popup: ProviderPopup | None = None
        self.model_button = QToolButton()
        self.model_button.setToolTip(self.tr("Choose another model"))
        self.model_button.setAccessibleName(self.tr("Model"))
        self.model_button.clicked.connect(self._on_model_clicked)
        self.provider_badge = QToolButton()
        self.provider_badge.setAccessibleName(self.tr("Execution provider"))
        self.provider_badge.setObjectName("badge")
        self.provider_badge.clicked.connect(self._on_provider_clicked)
        self.time_label = PlainLabel()
        self.time_label.setProperty("tone", "secondary")
        self.time_label.setToolTip(self.tr("Time from opening the file to the prediction"))
        self.progress_text = PlainLabel()
        self.progress_text.setProperty("tone", "secondary")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedWidth(140)
        self.progress.setAccessibleName(self.tr("Photos classified"))
        self.training_button = QToolButton()
        self.training_button.setProperty("tone", "link")
        self.training_button.setToolTip(self.tr("Show the training that is under way"))
        self.training_button.clicked.connect(self.training_asked)
        self.training_button.hide()
        self.cancel_button = QPushButton(self.tr("Cancel"))
        self.cancel_button.clicked.connect(self.cancel_asked)
        for shown in (self.model_button, self.provider_badge, self.time_label):
            self.addWidget(shown)
        for passing in (self.training_button, self.progress_text, self.progress, self.cancel_button):
            self.addPermanentWidget(passing)
        self.setContentsMargins(theme.XS, 0, theme.S, 0)
        self._fit_height()
        self.show_queue(0, 0)
        self.show_loading()

    def changeEvent(self, event: QEvent) -> None:
        """Buttons are higher with the style than without it, and a window's style comes after its parts."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit_height()

    def show_loading(self) -> None:
        """A model is being opened."""
        if self._info is None:
            self.model_button.setText(self.tr("Loading the model…"))
            self.provider_badge.hide()

    def show_no_model(self) -> None:
        """No model could be opened."""
        if self._info is None:
            self.model_button.setText(self.tr("No model"))

    def show_model(self, info: ModelInfo) -> None:
        """The model that answers now, and what runs it."""
        self._info = info
        self.model_button.setText(info.name)
        lines = (
            self.tr("{name} knows {things}").format(name=info.name, things=what_it_knows(info)),
            how_good(info.accuracy),
            self.tr("It sees {side} × {side} pixels of each photo.").format(side=info.side),
            self.tr("Click to see everything it knows, or to choose another model."),
        )
        self.model_button.setToolTip(plain_tip("\n".join(line for line in lines if line)))
        faster = self.tr("It answers as {variant}, which was chosen to be faster.").format(variant=info.variant)
        short = info.provider if info.variant is None else f"{info.provider} · {info.variant}"
        self.show_provider(short, info.reason if info.variant is None else f"{info.reason}\n{faster}")

    def show_provider(self, short: str, reason: str) -> None:
        """What runs the model, and why."""
        self.provider_badge.setText(short)
        self.provider_badge.setToolTip(plain_tip(reason))
        self.provider_badge.setAccessibleDescription(reason)
        self.provider_badge.show()

    def show_seconds(self, seconds: float | None) -> None:
        """How long the photo that is looked at took; None: it has not been classified."""
        self.time_label.setText("" if seconds is None else wording.duration(seconds))

    def _fit_height(self) -> None:
        """As high with *Cancel* as without, so that nothing moves when it comes."""
        self.setMinimumHeight(self.cancel_button.sizeHint().height() + 2 * theme.XS)

    def show_training(self, words: str) -> None:
        """How far training is; empty where nobody trains."""
        self.training_button.setText(words)
        self.training_button.setAccessibleName(words)
        self.training_button.setVisible(bool(words))

    def show_queue(self, done: int, total: int) -> None:
        """How far the queue is; nothing is shown for a photo or two."""
        busy = done < total
        for widget in (self.progress_text, self.progress, self.cancel_button):
            widget.setVisible(busy and total > 2)
        self.progress.setRange(0, max(total, 1))
        self.progress.setValue(done)
        text = self.tr("{done} of {total}").format(done=wording.number(done), total=wording.number(total))
        self.progress_text.setText(text)

    def _on_model_clicked(self) -> None:
        self.model_menu_asked.emit(self.model_button.mapToGlobal(QPoint(0, 0)))

    def _on_provider_clicked(self) -> None:
        if self._info is not None:
            self._popup = ProviderPopup(self._info, self)
            corner = self.provider_badge.mapToGlobal(QPoint(0, -self._popup.sizeHint().height() - theme.XS))
            self._popup.move(corner)
            self._popup.show()


class ProviderPopup(QFrame):
    """Every provider that was tried, whether it runs here, and why."""

    def __init__(self, info: ModelInfo, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        title = PlainLabel(self.tr("Runs on {provider}").format(provider=info.provider))
        title.setFont(theme.font(strong=True))
        layout = QGridLayout(self)
        layout.setContentsMargins(theme.L, theme.M, theme.L, theme.M)
        layout.setHorizontalSpacing(theme.M)
        layout.setVerticalSpacing(theme.XS)
        layout.addWidget(title, 0, 0, 1, 2)
        for row, status in enumerate(info.statuses, start=1):
            name, reason = PlainLabel(status.short), PlainLabel(status.reason)
            reason.setWordWrap(True)
            reason.setMinimumWidth(280)
            reason.setProperty("tone", "secondary")
            layout.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
            layout.addWidget(reason, row, 1)
