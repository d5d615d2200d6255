"""Which labels were doubted, by whom, and which nobody looked at: a piece of HTML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resnet_desktop.trainer.doubts import LEAST, MOST_PICTURES
from resnet_desktop.trainer.judge import LEAST_OF_CLASS, ODDS

WHY = {
    "few": f"there are too few: it takes {LEAST}, and {LEAST_OF_CLASS} of each of two classes.",
    "many": f"there are more than {MOST_PICTURES:,}.",
    "learnt": "the network has learnt from them, and so repeats their labels. A run that trains the last layer alone "
    "looks at them, too.",
}


def words(results: Mapping[str, Any], shown: int) -> str:
    """What was looked at and how far the list can be believed; ``shown`` is how many pictures stand below."""
    found = len(results["suspects"])
    said = [f"Labels were looked at of {_looked_at(results)}."]
    training = results["doubts"]["training"]
    if training["why"]:
        said.append(f"Those of the training pictures were not: {WHY[training['why']]}")
    elif training["wrong"] is not None:
        said.append(
            "The training pictures are judged by small models that have not seen them, which name "
            f"{training['wrong']:.0%} of them otherwise than their labels do: most of that is their own mistake, so "
            "that only the surest are shown."
        )
    if found:
        rest = f" {shown} of {found:,} are shown." if found > shown else ""
        said.append(
            f"Below are pictures for which another class is {ODDS:g} times as probable as their own (confident "
            f"learning). Some are mislabelled, some are only hard: look at them.{rest}"
        )
    return f"<p>{' '.join(said)}</p>"


def _looked_at(results: Mapping[str, Any]) -> str:
    training, apart = results["doubts"]["training"]["pictures"], results["doubts"]["apart"]
    parts = [f"{training:,} training pictures"] if training else []
    parts += [f"{apart:,} pictures set apart"] if apart else []
    return " and ".join(parts) or "no pictures"
