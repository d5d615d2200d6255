"""What the network will see: the user's own photos as they are, and as training varies them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from resnet_desktop.core.progress import Cancelled
from resnet_desktop.gui.background.trainer_inquiry import Tell, TrainerInquiry
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.canvas import charts
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.gui.wizard.page import secondary
from resnet_desktop.session.results import Failure

VARIANTS = 5
_LARGEST, _SMALLEST = 112, 48
_LABEL = 84


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One photo: its class, the photo as the app sees it, versions of it as training shows them."""

    label: str
    plain: QImage
    augmented: tuple[QImage, ...]


def read_examples(job: Mapping[str, Any], python: Path | None, cancelled: Cancelled) -> tuple[PreviewRow, ...]:
    """Ask the trainer for examples and load them. For worker threads; raises as ``questions.preview``."""
    from resnet_desktop.jobs.launching.trainer_requests import preview

    with tempfile.TemporaryDirectory(prefix="resnet-desktop-", ignore_cleanup_errors=True) as folder:
        found = preview(job, python, Path(folder), cancelled=cancelled)
        return tuple(
            PreviewRow(row.label, QImage(str(row.plain)), tuple(QImage(str(path)) for path in row.augmented))
            for row in found
        )


class PreviewPanel(QWidget):
    """Asks for examples and shows them.

    Args:
        inquiry: asks the trainer; it must be nobody else's.
    """

    def __init__(self, inquiry: TrainerInquiry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._inquiry = inquiry
        self._why, self._state, self._grid = secondary(), PlainLabel(), PreviewGrid()
        self._state.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.S)
        layout.addWidget(self._why)
        layout.addWidget(self._state)
        layout.addWidget(self._grid)
        self._grid.hide()
        inquiry.answered.connect(self._on_answered)
        inquiry.refused.connect(self._on_refused)

    @property
    def rows(self) -> tuple[PreviewRow, ...]:
        """What is shown."""
        return self._grid.rows

    @property
    def state(self) -> str:
        """What is going on; empty once the examples are there."""
        return self._state.text() if self._state.isVisibleTo(self) else ""

    @property
    def why(self) -> str:
        """The sentence above the examples."""
        return self._why.text()

    def ask(self, job: Mapping[str, Any], python: Path | None) -> None:
        """Show examples for a job; those of another are given up."""
        self._say(self.tr("Preparing some of your photos…"))

        def question(tell: Tell, cancelled: Cancelled) -> object:
            del tell
            return read_examples(job, python, cancelled)

        self._inquiry.ask(question)

    def stop(self) -> None:
        """Nothing is asked any more."""
        self._inquiry.stop()

    def explain(self, train: str, views: int) -> None:
        """Say what is seen, for the part that is trained and the number of versions of each photo."""
        if train == "head" and views <= 1:
            text = self.tr("Each photo is used once, unchanged. This is the fastest option, with nothing random.")
        elif train == "head":
            text = self.tr(
                "Only the last layer is trained, so each photo goes through the frozen network {views} times, as it is "
                "and in versions like these. The new layer learns what they have in common."
            ).format(views=views)
        else:
            text = self.tr(
                "Every epoch crops, mirrors and recolours each photo differently, so that the network cannot memorise "
                "it. If you can no longer tell the class yourself, reduce this under “More choices”."
            )
        self._why.setText(text)

    def _say(self, text: str) -> None:
        self._state.setText(text)
        self._state.setVisible(bool(text))

    def _on_answered(self, rows: object) -> None:
        assert isinstance(rows, tuple)
        self._say("")
        self._grid.show_rows(rows)
        self._grid.show()

    def _on_refused(self, failure: Failure) -> None:
        self._say(failure.text)
        self._grid.show_rows(())
        self._grid.hide()


class PreviewGrid(QWidget):
    """A row for each photo: its class, the photo, its versions."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[PreviewRow, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Your photos as used in training"))

    @property
    def rows(self) -> tuple[PreviewRow, ...]:
        """What is shown."""
        return self._rows

    def show_rows(self, rows: Sequence[PreviewRow]) -> None:
        """Show these."""
        self._rows = tuple(rows)
        words = [self.tr("{label}, {count} versions").format(label=r.label, count=len(r.augmented)) for r in self._rows]
        self.setAccessibleDescription("; ".join(words))
        self._fit()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Larger pictures where there is more room."""
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        """Small pictures."""
        return QSize(_LABEL + (VARIANTS + 1) * (_SMALLEST + theme.S), 0)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """Headings, then the rows."""
        if not self._rows:
            return
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        side, left = self._side(self.width()), float(_LABEL)
        painter.setFont(theme.font(charts.SMALL))
        painter.setPen(QColor(colours.secondary))
        line = self._line()
        flags = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(QRectF(left, 0, side, line), flags, self.tr("unchanged"))
        versions = left + side + 2 * theme.S
        if any(row.augmented for row in self._rows):
            painter.drawText(QRectF(versions, 0, 4 * side, line), flags, self.tr("as used in training"))
        top = line + theme.XS
        for row in self._rows:
            painter.setPen(QColor(colours.text))
            label = painter.fontMetrics().elidedText(row.label, Qt.TextElideMode.ElideRight, _LABEL - theme.S)
            painter.drawText(QRectF(0, top, _LABEL - theme.S, side), flags, label)
            _paint_picture(painter, row.plain, QRectF(left, top, side, side))
            for place, image in enumerate(row.augmented):
                _paint_picture(painter, image, QRectF(versions + place * (side + theme.S), top, side, side))
            top += side + theme.S
        painter.end()

    def _fit(self) -> None:
        """As high as the rows are at this width."""
        rows = len(self._rows) * (self._side(self.width()) + theme.S)
        self.setFixedHeight(round(self._line() + theme.XS + rows))

    def _line(self) -> float:
        return float(self.fontMetrics().height())

    def _side(self, width: int) -> float:
        room = width - _LABEL - (VARIANTS + 1) * theme.S
        return float(min(_LARGEST, max(_SMALLEST, room // (VARIANTS + 1))))


def _paint_picture(painter: QPainter, image: QImage, frame: QRectF) -> None:
    painter.save()
    path = QPainterPath()
    path.addRoundedRect(frame, 4, 4)
    painter.setClipPath(path)
    painter.drawImage(frame, image)
    painter.restore()
