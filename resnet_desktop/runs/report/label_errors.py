"""Which labels were doubted, by whom, and which nobody looked at: a piece of HTML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resnet_desktop.runs.evaluation.scores import LEAST_OF_CLASS, ODDS

LEAST, MOST_PICTURES = 30, 20_000
"""Fewer training pictures say too little, and more would take too long: their labels are not doubted."""

WHY = {
    "few": f"there are too few. It takes {LEAST}, with at least {LEAST_OF_CLASS} in each of two classes.",
    "many": f"there are more than {MOST_PICTURES:,}.",
    "learnt": "the network was trained on them, so it repeats their labels. Runs that train only the last layer "
    "check them too.",
}


def words(results: Mapping[str, Any], shown: int) -> str:
    """What was looked at and how far the list can be believed; ``shown`` is how many pictures stand below."""
    found = len(results["suspects"])
    said = [f"Labels were checked for {_looked_at(results)}."]
    training = results["doubts"]["training"]
    if training["why"]:
        said.append(f"The training photos were not checked: {WHY[training['why']]}")
    elif training["wrong"] is not None:
        said.append(
            "The training photos are checked by small models that were not trained on them. These disagree with "
            f"{training['wrong']:.0%} of the labels. Most of that is their own error, so "
            "only the most confident cases are shown."
        )
    if found:
        rest = f" {shown} of {found:,} are shown." if found > shown else ""
        said.append(
            f"For the photos below, another class is {ODDS:g} times as probable as their label (confident "
            f"learning). Some are mislabelled, others are just hard: check them.{rest}"
        )
    return f"<p>{' '.join(said)}</p>"


def _looked_at(results: Mapping[str, Any]) -> str:
    training, apart = results["doubts"]["training"]["pictures"], results["doubts"]["apart"]
    parts = [f"{training:,} training photos"] if training else []
    crossed = results["metrics"].get("on") == "cross-validation"
    parts += [f"{apart:,} {'' if crossed else 'held-out '}photos"] if apart else []
    return " and ".join(parts) or "no photos"
