"""What a model does not say of itself, and has to be told."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from resnet_desktop.session.results import ModelInfo


def missing_words(info: ModelInfo) -> tuple[str, str] | None:
    """A sentence on what a model lacks and the words of a button that asks for it; None where it lacks nothing."""
    if not info.has_labels and not info.is_prepared:
        text = _tr("{name} has no class names and does not say how to prepare photos.")
        return text.format(name=info.name), _tr("Set this up…")
    if not info.has_labels:
        text = _tr("{name} has no class names, so its classes are numbered.")
        return text.format(name=info.name), _tr("Name them…")
    if not info.is_prepared:
        text = _tr("{name} does not say how to prepare photos, so the usual way is assumed.")
        return text.format(name=info.name), _tr("Set this up…")
    return None


def _tr(text: str) -> str:
    return QCoreApplication.translate("missing_words", text)
