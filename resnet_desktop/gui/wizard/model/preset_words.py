"""What *Quick*, *Balanced* and *Best* mean for the choices as they are, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QCoreApplication

from resnet_desktop.gui.style import wording


def exact_sentence(views: int) -> str:
    """What a preset means where the last layer is fitted in one go."""
    text = _tr("Each photo passes through the network once.")
    if views > 1:
        text = _tr("Each photo passes through the network in {views} versions.")
        text = text.format(views=wording.number(views))
    judged = _tr("With few photos, all are used for training and cross-validation measures the accuracy.")
    return f"{text} {judged}"


def preset_sentence(train: str, values: Mapping[str, Any]) -> str:
    """What a preset means where epochs are made."""
    number = wording.number
    words = [_tr("At most {epochs} epochs").format(epochs=number(int(values["epochs"])))]
    if values["recipe.patience"]:
        text = _tr("fewer if there is no improvement for {patience}")
        words.append(text.format(patience=number(int(values["recipe.patience"]))))
    if train == "head" and values["recipe.views"] > 1:
        words.append(_tr("{views} versions of each photo").format(views=values["recipe.views"]))
    if train != "head" and (values["recipe.mixup"] or values["recipe.cutmix"]):
        words.append(_tr("photos are mixed"))
    if values["recipe.ema"]:
        words.append(_tr("weights are averaged"))
    return "; ".join(words) + "."


def _tr(text: str) -> str:
    return QCoreApplication.translate("preset_words", text)
