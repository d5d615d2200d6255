"""Which rows a list of predictions has, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from resnet_desktop.session.results import Listed, Result, classes_in


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """A row; ``inside``: its class is one of the group that stands above it."""

    listed: Listed
    inside: bool = False


def rows_of(result: Result, found: Sequence[Listed] = ()) -> tuple[AnswerRow, ...]:
    """The group with its classes below it, then the others; each part the most probable first.

    ``found`` are further classes and groups that the user wants to see; what is there already is not repeated.
    """
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
