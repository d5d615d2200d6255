"""The table of what makes a model faster: how it runs, how fast, how often it says the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QObject, Qt

from resnet_desktop.gui.style import wording
from resnet_desktop.gui.widgets.plain import plain_tip
from resnet_desktop.gui.widgets.plain_table import Index, RowsModel

if TYPE_CHECKING:
    from resnet_desktop.inference.tuning.offers import Offer, Tuning

_DISPLAY, _TIP = int(Qt.ItemDataRole.DisplayRole), int(Qt.ItemDataRole.ToolTipRole)
_ALIGN = int(Qt.ItemDataRole.TextAlignmentRole)


class SpeedOffersModel(RowsModel["Offer"]):
    """The model as installed, and below it what was faster."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__((), parent)
        self._titles = (
            self.tr("Variant"),
            self.tr("Runs on"),
            self.tr("Photos/s"),
            self.tr("Speed"),
            self.tr("Same answer"),
            self.tr("Change"),
        )
        self._used = ""

    def show_tuning(self, tuning: Tuning | None, used: str) -> None:
        """Show what was measured; ``used``: the name of the offer in use, empty: as installed."""
        self._used = used
        self.show_rows(() if tuning is None else (tuning.installed, *tuning.offers))

    def is_used(self, offer: Offer) -> bool:
        """Whether the model runs so."""
        return offer.name == (self._used or self._rows[0].name)

    def data(self, index: Index, role: int = _DISPLAY) -> object:
        """The words."""
        offer, column = self._rows[index.row()], index.column()
        if role == _ALIGN:
            side = Qt.AlignmentFlag.AlignHCenter if column > 1 else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == _TIP:
            words = self._where(offer) if column == 1 else title_of(offer.name) if not column else self._tip(offer)
            return plain_tip(words)
        if role != _DISPLAY:
            return None
        same, change = "–", "–"
        if offer.agreement is not None:
            same, change = wording.percent(offer.agreement.same, 1), wording.percent(offer.agreement.largest_change)
        return (
            f"{'✓ ' if self.is_used(offer) else ''}{title_of(offer.name)}",
            self._where(offer),
            f"{offer.speed.median:.1f}",
            f"{offer.speed.times_as_fast:.2f} ×",
            same,
            change,
        )[column]

    def _tip(self, offer: Offer) -> str:
        agreement = offer.agreement
        if agreement is None:
            return self.tr("The same network: its answers are the same.")
        text = self.tr(
            "Compared with the model as installed on {photos} photos. The probability of the best class changes by "
            "{mean} on average; no probability changes by more than {most}."
        )
        mean, most = wording.percent(agreement.mean_change, 1), wording.percent(agreement.largest_change, 1)
        return text.format(photos=agreement.photos, mean=mean, most=most)

    def _where(self, offer: Offer) -> str:
        from resnet_desktop.inference.providers import short_name

        way, where = offer.setup.way, short_name(offer.setup.provider)
        if way.batch is not None:
            return self.tr("{where}, {count} per run").format(where=where, count=way.batch)
        if way.photos:
            text = self.tr("{where}, {photos} × {cores} cores")
            return text.format(where=where, photos=way.photos, cores=way.threads)
        return where


def title_of(name: str) -> str:
    """What an offer is called, for people."""
    known = {
        "installed": _tr("As installed"),
        "cores": _tr("Cores shared differently"),
        "int8": _tr("8-bit integers (int8)"),
        "float16": _tr("16-bit floats (float16)"),
        "openvino": _tr("OpenVINO"),
        "openvino-int8": _tr("OpenVINO, 8-bit integers"),
    }
    return known.get(name, name)


def words_on(tuning: Tuning) -> str:
    """What is to be said of the table: what was compared, what differs, what is not on offer and why."""
    said = []
    if tuning.judged:
        text = _tr("Compared on {judged} photos; the ranges of numbers were learnt from {learnt} others.")
        said.append(text.format(judged=tuning.judged, learnt=tuning.learnt))
    for offer in tuning.offers:
        title = title_of(offer.name)
        if offer.doubtful and offer.agreement is not None:
            text = _tr("{title}: {share} of the photos get another answer.")
            said.append(text.format(title=title, share=wording.percent(1 - offer.agreement.same, 1)))
        if offer.warns is False:
            said.append(_tr("{title} does not warn of unfamiliar photos.").format(title=title))
    said += [f"{title_of(refusal.name)}: {refusal.why}" for refusal in tuning.refused]
    return "\n".join(said)


def _tr(text: str) -> str:
    return QCoreApplication.translate("speed", text)
