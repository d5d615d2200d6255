"""Which rows a list of predictions has, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resnet_desktop.session.results import Listed, Result, classes_in

if TYPE_CHECKING:
    from resnet_desktop.inference.classifier import ClassScore


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """A row.

    Attributes:
        listed: its class or group.
        inside: whether its class is one of the group that stands above it.
        present: whether its label counts as present; None where classes exclude each other.
    """

    listed: Listed
    inside: bool = False
    present: bool | None = None


def rows_of(result: Result, found: Sequence[Listed] = ()) -> tuple[AnswerRow, ...]:
    """The group with its classes below it, then the others; each part the most probable first.

    ``found`` are further classes and groups that the user wants to see; what is there already is not repeated.
    """
    if result.present is not None:
        return _labels_of(result, result.present, found)
    said = result.headline
    group = said if isinstance(said.target, tuple) else None
    listed = [Listed(score.index, score.label, score.probability) for score in result.scores]
    known = {one.target for one in listed} | {said.target}
    extra = {one.target: one for one in found if one.target not in known}
    order = sorted((*listed, *extra.values()), key=lambda one: -one.probability)
    if group is None:
        return tuple(AnswerRow(one) for one in order)
    inside = [one for one in order if isinstance(one.target, int) and one.target in classes_in(group.target)]
    others = [one for one in order if one not in inside]
    return (AnswerRow(group), *(AnswerRow(one, inside=True) for one in inside), *map(AnswerRow, others))


def _labels_of(result: Result, present: Sequence[ClassScore], found: Sequence[Listed]) -> tuple[AnswerRow, ...]:
    """Labels that can be right at once: those that are present, then the others."""
    scores = {score.index: score for score in (*present, *result.scores)}
    listed = [Listed(score.index, score.label, score.probability) for score in scores.values()]
    listed += [one for one in found if one.target not in scores]
    there = {score.index for score in present}
    rows = (AnswerRow(one, present=one.target in there) for one in listed)
    return tuple(sorted(rows, key=lambda row: (not row.present, -row.listed.probability)))
