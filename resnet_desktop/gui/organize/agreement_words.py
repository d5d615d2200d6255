"""What came of a comparison of two models, in words."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication

from resnet_desktop.gui.style import wording
from resnet_desktop.session.agreement import Agreement


def share(agreement: Agreement) -> str:
    """On how many photos they agree."""
    same, compared = agreement.count(True), agreement.count(True) + agreement.count(False)
    if agreement.share is None:
        return _tr("There is no photo that both can answer.")
    text = _tr("They agree on {same} of {count} photos ({share}).")
    return text.format(
        same=wording.number(same), count=wording.number(compared), share=wording.percent(agreement.share)
    )


def more(agreement: Agreement, labels: Mapping[int, str]) -> str:
    """How many differ, what could not be compared, what both can say, and who is right where the user has said so."""
    sentences = []
    unanswered = agreement.count(None)
    if unanswered:
        sentences.append(_tr("{count} could not be classified by both.").format(count=wording.number(unanswered)))
    shared, (first, second) = agreement.shared, agreement.classes
    if not shared:
        sentences.append(_tr("They have no class of the same name, so they cannot agree."))
    elif shared < max(first, second):
        text = _tr("{shared} classes have the same name in both; the first model has {first}, the second {second}.")
        numbers = {"shared": shared, "first": first, "second": second}
        sentences.append(text.format(**{key: wording.number(value) for key, value in numbers.items()}))
    right, right_too, judged = agreement.right(labels)
    if judged:
        text = _tr("Of {count} photos that you have labelled, {first} is right on {right}, {second} on {right_too}.")
        names = dict(zip(("first", "second"), agreement.models, strict=True))
        counts = {"count": judged, "right": right, "right_too": right_too}
        sentences.append(text.format(**names, **{key: wording.number(value) for key, value in counts.items()}))
    return " ".join(sentences)


def _tr(text: str) -> str:
    return QCoreApplication.translate("agreement", text)
