"""Tables of programs for camera traps: Timelapse, Camtrap DP, Wildlife Insights.

Timelapse: saul.cpsc.ucalgary.ca/timelapse; Camtrap DP 1.0: camtrap-dp.tdwg.org; Wildlife Insights:
wildlifeinsights.org.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from resnet_desktop.data.sources.rows import Reading, Row, columns_by_name, first_of
from resnet_desktop.data.sources.table import Table, bad, read_table
from resnet_desktop.imaging.files import printable

SPECIES = ("species", "scientificname", "commonname", "taxon", "label", "class", "category")
"""Columns of a species, the likeliest name first."""
BLANK = "blank"
"""What a photo without an animal is called."""
_KINDS = ("blank", "human", "vehicle")
"""Camtrap DP's ``observationType`` that says what a photo shows, where there is no animal."""
_TRUE = ("1", "true", "yes")
_EVENT, _NOTHING = "a whole event, not of one photo", "a photo that media.csv lacks"
_MEDIA, _OBSERVATIONS = "media.csv", "observations.csv"


def timelapse(table: Table) -> Reading | None:
    """``File`` and ``RelativePath``, and the species in a column that the user has named."""
    columns = columns_by_name(table.head)
    label = first_of(SPECIES, columns)
    if label is None or not columns.keys() >= {"file", "relativepath"}:
        return None
    return Reading(_timelapse_rows(table, label))


def timelapse_path(row: Sequence[str], columns: Mapping[str, int]) -> str:
    """The path of a photo, relative to the table's folder."""
    folder = row[columns["relativepath"]].strip().replace("\\", "/")
    name = row[columns["file"]].strip()
    return f"{folder}/{name}" if folder and name else name


def _timelapse_rows(table: Table, label: int) -> Iterator[Row]:
    columns = columns_by_name(table.head)
    for line, row in table.rows():
        said = row[label].strip()
        yield Row(line, (timelapse_path(row, columns),), (said,) if said else ())


def wildlife_insights(table: Table) -> Reading | None:
    """``images.csv``: the photo by its place in the cloud, the animal by its common name, else by genus and species."""
    columns = columns_by_name(table.head)
    is_theirs = columns.keys() >= {"genus", "species", "commonname"} and columns.keys() & {"witaxonid", "isblank"}
    if not is_theirs or not columns.keys() & {"location", "filename", "imageid"}:
        return None
    return Reading(_insights_rows(table, columns), anywhere=True)


def _insights_rows(table: Table, columns: Mapping[str, int]) -> Iterator[Row]:
    for line, row in table.rows():
        field = {name: row[place].strip() for name, place in columns.items()}
        scientific = " ".join(part for part in (field["genus"], field["species"]) if part)
        label = field["commonname"] or scientific
        if field.get("isblank", "").lower() in _TRUE:
            label = BLANK
        named, deployment = field.get("filename", ""), field.get("deploymentid", "")
        paths = (
            field.get("location", ""),
            f"{deployment}/{named}" if deployment and named else "",
            named,
            field.get("imageid", ""),
        )
        yield Row(line, tuple(path for path in paths if path), (label,) if label else ())


def camtrap_dp(table: Table) -> Reading | None:
    """``observations.csv`` and the ``media.csv`` beside it; either may be given.

    Raises:
        DataError: the other one is missing or is none.
    """
    columns = columns_by_name(table.head)
    if columns.keys() >= {"mediaid", "observationtype"}:
        media, observations = read_table(_beside(table.path, _MEDIA)), table
    elif columns.keys() >= {"mediaid", "filepath"}:
        media, observations = table, read_table(_beside(table.path, _OBSERVATIONS))
    else:
        return None
    for part, needed in ((media, {"mediaid", "filepath"}), (observations, {"mediaid", "observationtype"})):
        if not columns_by_name(part.head).keys() >= needed:
            raise bad(part.path, f"lacks columns of Camtrap DP: {', '.join(sorted(needed))}")
    return _joined(media, observations)


def _joined(media: Table, observations: Table) -> Reading:
    """The photos of the media with what was observed in them; rows of photos that nobody has looked at have none."""
    columns = columns_by_name(media.head)
    files = {}
    for line, row in media.rows():
        kind = row[columns["filemediatype"]] if "filemediatype" in columns else ""
        files[row[columns["mediaid"]].strip()] = (line, row[columns["filepath"]].strip(), kind.strip().lower())
    labels: dict[str, list[str]] = {name: [] for name in files}
    events, unknown = 0, 0
    for _, row in observations.rows():
        place = columns_by_name(observations.head)
        name = row[place["mediaid"]].strip()
        if not name:
            events += 1
        elif name not in files:
            unknown += 1
        elif label := _observed(row, place):
            labels[name].append(label)
    videos = sum(kind.startswith("video/") for _, _, kind in files.values())
    remarks = [
        *_remark(events, f"is of {_EVENT}, and is not used", f"are of {_EVENT}, and are not used", observations.path),
        *_remark(
            unknown, f"names {_NOTHING}, and is not used", f"name {_NOTHING}, and are not used", observations.path
        ),
        *_remark(videos, "is a video, and is not used", "are videos, and are not used", media.path),
    ]
    rows = [
        Row(line, (path,), tuple(dict.fromkeys(labels[name])))
        for name, (line, path, kind) in files.items()
        if not kind.startswith("video/")
    ]
    return Reading(rows, remarks=tuple(remarks))


def _observed(row: Sequence[str], place: Mapping[str, int]) -> str:
    """What an observation names: a species, or that there is none; empty for what nobody could tell."""
    kind = row[place["observationtype"]].strip().lower()
    if kind in _KINDS:
        return kind
    return row[place["scientificname"]].strip() if kind in ("animal", "") and "scientificname" in place else ""


def _beside(path: Path, name: str) -> Path:
    other = path.parent / name
    if not os.path.isfile(other):  # noqa: PTH113 - Path's raises for names that are too long
        hint = (
            f"Camtrap DP keeps the photos in {_MEDIA} and what they show in {_OBSERVATIONS}: put both into one folder."
        )
        raise bad(path, f"is one half of a data package; {printable(name)} is not beside it", hint)
    return other


def _remark(count: int, one: str, several: str, path: Path) -> list[str]:
    if not count:
        return []
    name = printable(path.name)
    return [f"1 row of {name} {one}." if count == 1 else f"{count:,} rows of {name} {several}."]
