"""Pretrained networks of others: what there is, and fetching one when the user asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QProgressBar, QPushButton, QVBoxLayout, QWidget

from resnet_desktop.core.progress import Cancelled
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.background.trainer_inquiry import Tell, TrainerInquiry
from resnet_desktop.gui.models import knowledge
from resnet_desktop.gui.models.knowledge import Installed, Offer
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.plain import PlainLabel, plain_tip
from resnet_desktop.gui.widgets.plain_table import Index, PlainTable, RowsModel
from resnet_desktop.session.results import Failure

if TYPE_CHECKING:
    from resnet_desktop.bundle.library.catalogue import Pretrained

_DISPLAY = int(Qt.ItemDataRole.DisplayRole)
_TIP = int(Qt.ItemDataRole.ToolTipRole)
_STEPS = 1000


class PretrainedPage(QWidget):
    """One network is fetched at a time; what has come of it when it is cancelled is used the next time.

    Args:
        tasks: reads what is installed.
        mirror: a web folder with the same files in place of the publishers'.

    Signals: ``obtained`` (a name): it is installed now.
    """

    obtained = Signal(str)

    def __init__(self, tasks: Tasks, *, mirror: str | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks, self._mirror = tasks, mirror
        self._own = Tasks(1, "download", self)
        self._inquiry = TrainerInquiry(self._own, self)
        self._terms = ""
        self._fetched = ""
        self.offers, self.table = OffersModel(self), PlainTable(self.tr("Pretrained networks"))
        self._about, self._state, self._bar = PlainLabel(), PlainLabel(), QProgressBar()
        self.checksum = QLineEdit()
        self.get_button, self.cancel_button = QPushButton(self.tr("Download and install")), QPushButton()
        self._build()

    @property
    def state(self) -> str:
        """How far it is, or what became of it."""
        return self._state.text()

    @property
    def about(self) -> str:
        """What is said of the network that is chosen."""
        return self._about.text()

    @property
    def chosen(self) -> Offer | None:
        """The network that is chosen."""
        row = self.table.currentIndex().row()
        return self.offers.rows[row] if 0 <= row < len(self.offers.rows) else None

    def look(self) -> None:
        """See again what there is and what of it is installed."""
        self._tasks.run_task(knowledge.offers, self._on_listed)

    def get(self) -> None:
        """Fetch the network that is chosen and install it."""
        offer = self.chosen
        if offer is None or offer.installed or self._inquiry.busy:
            return
        network, mirror = offer.network, self._mirror
        sha256 = self.checksum.text().strip() or None
        self._fetched = network.name
        self._say(self.tr("Asking {host}…").format(host=self._host(network)))
        self._bar.setRange(0, 0)
        self._show_busy(True)

        def question(tell: Tell, cancelled: Cancelled) -> object:
            return knowledge.obtain(network, mirror, sha256, lambda done, total: tell((done, total)), cancelled)

        self._inquiry.ask(question)

    def cancel(self) -> None:
        """Give up; what has come stays for the next time."""
        if self._inquiry.busy:
            self._inquiry.stop()
            self._show_busy(False)
            self._say(self.tr("Cancelled. The next try resumes the download."))

    def close_threads(self) -> None:
        """Give up what is fetched and wait for the thread."""
        self._inquiry.stop()
        self._own.drain()

    def _host(self, network: Pretrained) -> str:
        return urlsplit(self._mirror or network.folder).hostname or ""

    def _on_listed(self, future: Future[tuple[Sequence[Offer], str]]) -> None:
        rows, self._terms = future.result()
        row = max(0, self.table.currentIndex().row())
        self.offers.show_rows(rows)
        self.table.selectRow(row)
        self._refresh()

    def _on_told(self, progress: tuple[int, int]) -> None:
        done, total = progress
        self._bar.setRange(0, _STEPS)
        self._bar.setValue(round(_STEPS * min(1.0, done / max(1, total))))
        if done >= total:
            self._bar.setRange(0, 0)
            self._say(self.tr("Checking and installing…"))
            return
        text = self.tr("{name}: {done} of {total}")
        sizes = {"done": wording.file_size(done), "total": wording.file_size(total)}
        self._say(text.format(name=self._fetched, **sizes))

    def _on_answered(self, model: Installed) -> None:
        self._show_busy(False)
        self._say(self.tr("{name} is installed.").format(name=model.name))
        self.look()
        self.obtained.emit(model.name)

    def _on_refused(self, failure: Failure) -> None:
        self._show_busy(False)
        self._say(failure.text)

    def _say(self, text: str) -> None:
        self._state.setText(text)

    def _show_busy(self, busy: bool) -> None:
        self._bar.setVisible(busy)
        self.cancel_button.setVisible(busy)
        self._refresh()

    def _on_row_chosen(self) -> None:
        self.checksum.clear()  # it was another file's
        self._refresh()

    def _refresh(self) -> None:
        offer, busy = self.chosen, self._inquiry.busy or not self._bar.isHidden()
        self.get_button.setEnabled(offer is not None and not offer.installed and not busy)
        self.checksum.setVisible(offer is not None and not offer.installed and bool(offer.doubt))
        if offer is None:
            self._about.setText("")
            return
        network = offer.network
        text = self.tr("{size} from {host}; {licence}. The app connects to it only when you press the button.")
        size = wording.file_size(network.size)
        words = text.format(size=size, host=self._host(network), licence=network.licence)
        doubt = "" if offer.installed else offer.doubt
        self._about.setText(" ".join(filter(None, (words, self._terms, doubt))))
        self.get_button.setText(self.tr("Installed") if offer.installed else self.tr("Download and install"))

    def _build(self) -> None:
        words = PlainLabel(
            self.tr(
                "Networks that know the 1,000 classes of ImageNet. Use one as it is, or as the start for your own "
                "classes. The shares are what their publishers say; nothing of it was measured here."
            )
        )
        words.setWordWrap(True)
        for label in (words, self._about, self._state):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        words.setProperty("tone", "secondary")
        self._about.setProperty("tone", "secondary")
        self.table.show_model(self.offers, (0, 1))
        self.table.row_chosen.connect(lambda _row: self._on_row_chosen())
        self.checksum.setPlaceholderText(self.tr("Full checksum (SHA-256, 64 digits), if you know it"))
        self.checksum.setAccessibleName(self.tr("Full checksum"))
        self.checksum.setMaxLength(80)
        self.get_button.setProperty("primary", "true")
        self.cancel_button.setText(self.tr("Cancel"))
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of the download"))
        row = QHBoxLayout()
        row.addWidget(self.get_button)
        row.addWidget(self.cancel_button)
        row.addWidget(self._state, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, theme.M, 0, 0)
        layout.setSpacing(theme.M)
        for widget in (words, self.table, self._about, self.checksum, self._bar):
            layout.addWidget(widget, 1 if widget is self.table else 0)
        layout.addLayout(row)
        self.get_button.clicked.connect(self.get)
        self.cancel_button.clicked.connect(self.cancel)
        self._inquiry.told.connect(self._on_told)
        self._inquiry.answered.connect(self._on_answered)
        self._inquiry.refused.connect(self._on_refused)
        self._show_busy(False)


class OffersModel(RowsModel[Offer]):
    """Network, name, publisher, share, size, whether it is installed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__((), parent)
        self._titles = (
            self.tr("Network"),
            self.tr("Name"),
            self.tr("Publisher"),
            self.tr("Accuracy"),
            self.tr("Size"),
            self.tr("Installed"),
        )

    def data(self, index: Index, role: int = _DISPLAY) -> object:
        """The words."""
        offer = self._rows[index.row()]
        network = offer.network
        if role == int(Qt.ItemDataRole.TextAlignmentRole):
            side = Qt.AlignmentFlag.AlignRight if index.column() in (3, 4) else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role not in (_DISPLAY, _TIP):
            return None
        cells = (
            network.title,
            network.name,
            network.publisher,
            wording.percent(network.top1, 1),
            wording.file_size(network.size),
            "✓" if offer.installed else "",
        )
        words = cells[index.column()]
        return plain_tip(words) if role == _TIP else words
