"""Numbers and answers as people read them."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLocale

from resnet_desktop.session.results import Result

PERCENT = "\u00a0%"
"""What stands behind a number: the space does not break, so that the two stay on one line."""


def percent(probability: float, decimals: int = 0) -> str:
    """``0.873`` as 87 percent, in figures; what would round to none or all says so with < and >."""
    step = 10.0**-decimals
    value = probability * 100.0
    locale = QLocale()
    if 0.0 < value < step / 2:
        return f"<\u00a0{locale.toString(step, 'f', decimals)}{PERCENT}"
    if 100.0 - step / 2 < value < 100.0:
        return f">\u00a0{locale.toString(100.0 - step, 'f', decimals)}{PERCENT}"
    return f"{locale.toString(value, 'f', decimals)}{PERCENT}"


def duration(seconds: float) -> str:
    """``0.0831`` as ``83 ms``."""
    if seconds < 1.0:
        return QCoreApplication.translate("wording", "{0}\u00a0ms").format(QLocale().toString(seconds * 1e3, "f", 0))
    return QCoreApplication.translate("wording", "{0}\u00a0s").format(QLocale().toString(seconds, "f", 1))


def number(value: int) -> str:
    """``10000`` as ``10,000``."""
    return QLocale().toString(value)


def device(name: str) -> str:
    """``cpu`` as ``CPU``; a GPU has its own name."""
    return name.upper() if name in ("cpu", "mps") else name


def long_duration(seconds: float) -> str:
    """``95`` as ``2 minutes``: rounded as one says it."""
    tr = QCoreApplication.translate
    if seconds < 90:
        whole = max(1, round(seconds))
        return tr("wording", "1 second") if whole == 1 else tr("wording", "{0} seconds").format(number(whole))
    if seconds < 90 * 60:
        return tr("wording", "{0} minutes").format(number(round(seconds / 60)))  # 2 at least
    return tr("wording", "{0} hours").format(QLocale().toString(seconds / 3600, "f", 1))


def file_size(size: int) -> str:
    """``47541002`` bytes as ``48 MB``: in millions, as publishers and file managers name them."""
    return QCoreApplication.translate("wording", "{0}\u00a0MB").format(QLocale().toString(size / 1e6, "f", 0))


def large_number(value: int) -> str:
    """``25557032`` as ``25.6 million``."""
    locale, tr = QLocale(), QCoreApplication.translate
    if value < 1_000_000:
        return locale.toString(value)
    if value < 1_000_000_000:
        return tr("wording", "{0} million").format(locale.toString(value / 1e6, "f", 1))
    return tr("wording", "{0} billion").format(locale.toString(value / 1e9, "f", 1))


def answer(result: Result) -> str:
    """``domestic cat``; ``perhaps weapon`` where the network is not sure; of several labels those that are present."""
    if result.present is not None and not result.present:
        return QCoreApplication.translate("wording", "none of its labels")
    label = result.headline.label
    return label if result.sure else QCoreApplication.translate("wording", "perhaps {label}").format(label=label)
