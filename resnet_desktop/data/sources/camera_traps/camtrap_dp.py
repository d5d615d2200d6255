"""Camtrap DP, the exchange format of camera traps: photos in ``media.csv``, what they show in ``observations.csv``.

Camtrap DP 1.0: camtrap-dp.tdwg.org. An observation is of one photo, or of an event: then it holds for the photos that
the same camera took between the event's start and end.
"""

from __future__ import annotations

import bisect
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from resnet_desktop.data.sources.rows import Reading, Row, columns_by_name
from resnet_desktop.data.sources.table import Table, bad, read_table
from resnet_desktop.imaging.files import printable

_KINDS = ("blank", "human", "vehicle")
"""An ``observationType`` that says what a photo shows, where there is no animal."""
_MEDIA, _OBSERVATIONS = "media.csv", "observations.csv"
_NEEDED = {_MEDIA: {"mediaid", "filepath"}, _OBSERVATIONS: {"mediaid", "observationtype"}}


@dataclass(slots=True)
class _Event:
    start: datetime
    end: datetime
    labels: list[str] = field(default_factory=list)


def camtrap_dp(table: Table) -> Reading | None:
    """The photos of a data package, of which either table may be given.

    Raises:
        DataError: the other one is missing or is none.
    """
    columns = columns_by_name(table.head).keys()
    if columns >= _NEEDED[_OBSERVATIONS]:
        media, observations = read_table(_beside(table.path, _MEDIA)), table
    elif columns >= _NEEDED[_MEDIA]:
        media, observations = table, read_table(_beside(table.path, _OBSERVATIONS))
    else:
        return None
    for part, name in ((media, _MEDIA), (observations, _OBSERVATIONS)):
        if not columns_by_name(part.head).keys() >= _NEEDED[name]:
            raise bad(part.path, f"is missing Camtrap DP columns: {', '.join(sorted(_NEEDED[name]))}")
    return _joined(media, observations)


def _joined(media: Table, observations: Table) -> Reading:
    """The photos with what was observed in them; those that nobody has looked at have no label."""
    photos = {fields.get("mediaid", ""): (line, fields) for line, fields in _fields(media)}
    labels: dict[str, list[str]] = {name: [] for name in photos}
    events: dict[tuple[str, str], _Event] = {}
    lost, looked_at = 0, set()
    for line, fields in _fields(observations):
        name, label = fields["mediaid"], _observed(fields)
        if name in labels:
            looked_at.add(name)
            labels[name] += [label] if label else []
        elif name or not _note_event(events, fields, line, label):
            lost += 1
    by_event = _label_by_events({n: f for n, (_, f) in photos.items() if n not in looked_at}, labels, events)
    videos = [name for name, (_, fields) in photos.items() if fields.get("filemediatype", "").startswith("video/")]
    rows = [
        Row(line, (fields["filepath"],), tuple(dict.fromkeys(labels[name])))
        for name, (line, fields) in photos.items()
        if name not in set(videos)
    ]
    remarks = _remarks(media, observations, lost=lost, videos=len(videos), by_event=by_event)
    return Reading(rows, remarks=remarks, listed_in=media.path)


def _remarks(media: Table, observations: Table, *, lost: int, videos: int, by_event: int) -> tuple[str, ...]:
    photos, observed = printable(media.path.name), printable(observations.path.name)
    said = []
    if lost:
        said.append(f"{_count(lost, 'row')} of {observed} {'matches' if lost == 1 else 'match'} no photo in {photos}.")
    if videos:
        said.append(f"{_count(videos, 'video')} in {photos} cannot be used.")
    if by_event:
        got = f"{_count(by_event, 'photo')} took the label of a whole event in {observed}"
        said.append(f"{got}. Check them: not every photo of an event has to show it.")
    return tuple(said)


def _fields(table: Table) -> list[tuple[int, dict[str, str]]]:
    """Rows by the names of their columns, each with its line."""
    columns = columns_by_name(table.head)
    return [(line, {name: row[place].strip() for name, place in columns.items()}) for line, row in table.rows()]


def _observed(fields: Mapping[str, str]) -> str:
    """What an observation names: a species, or that there is none; empty for what nobody could tell."""
    kind = fields["observationtype"].lower()
    if kind in _KINDS:
        return kind
    return fields.get("scientificname", "") if kind in ("animal", "") else ""


def _note_event(events: dict[tuple[str, str], _Event], fields: Mapping[str, str], line: int, label: str) -> bool:
    """Note an observation of an event; False if it does not say when and where it was."""
    start, end = _time(fields.get("eventstart", "")), _time(fields.get("eventend", ""))
    camera = fields.get("deploymentid", "")
    if start is None or end is None or not camera:
        return False
    event = events.setdefault((camera, fields.get("eventid") or str(line)), _Event(start, end))
    event.labels += [label] if label else []
    return True


def _label_by_events(
    photos: Mapping[str, Mapping[str, str]],
    labels: dict[str, list[str]],
    events: Mapping[tuple[str, str], _Event],
) -> int:
    """Give photos that have no observation of their own those of the events that they are in; how many got one."""
    by_camera: dict[str, list[_Event]] = {}
    for (camera, _), event in events.items():
        by_camera.setdefault(camera, []).append(event)
    for of_camera in by_camera.values():
        of_camera.sort(key=lambda event: event.start)
    longest = {c: max((e.end - e.start for e in some), default=timedelta()) for c, some in by_camera.items()}
    count = 0
    for name, fields in photos.items():
        camera, when = fields.get("deploymentid", ""), _time(fields.get("timestamp", ""))
        if when is None or camera not in by_camera:
            continue
        labels[name] += _labels_at(by_camera[camera], when, longest[camera])
        count += bool(labels[name])
    return count


def _labels_at(events: Sequence[_Event], when: datetime, longest: timedelta) -> list[str]:
    """The labels of those events, sorted by their start, that a moment lies in."""
    found = []
    for place in range(bisect.bisect_right(events, when, key=lambda event: event.start) - 1, -1, -1):
        event = events[place]
        if event.start < when - longest:
            break
        if event.end >= when:
            found += event.labels
    return found


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _beside(path: Path, name: str) -> Path:
    other = path.parent / name
    if not os.path.isfile(other):  # noqa: PTH113 - Path's raises for names that are too long
        hint = (
            f"Camtrap DP lists the photos in {_MEDIA} and what they show in {_OBSERVATIONS}. Keep both in one folder."
        )
        raise bad(path, f"is half of a data package: {printable(name)} is not in the same folder", hint)
    return other


def _count(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count:,} {what}s"
