"""Which part of a network was trained, in words."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication


def trained_part(train: str) -> str:
    """The words for ``train`` of a job; empty for what is none."""
    parts = {
        "head": _tr("the last layer only"),
        "last-stage": _tr("the last stage and the last layer"),
        "last-two-stages": _tr("the last two stages and the last layer"),
        "all": _tr("the whole network"),
        "scratch": _tr("the whole network, from scratch"),
    }
    return parts.get(train, "")


def _tr(text: str) -> str:
    return QCoreApplication.translate("trained_part", text)
