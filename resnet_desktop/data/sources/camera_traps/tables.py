"""Tables of programs for camera traps: Timelapse and Wildlife Insights. Camtrap DP: ``camtrap_dp``.

Timelapse: saul.cpsc.ucalgary.ca/timelapse; Wildlife Insights: wildlifeinsights.org.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from resnet_desktop.data.sources.rows import Reading, Row, columns_by_name, first_of
from resnet_desktop.data.sources.table import Table

SPECIES = ("species", "scientificname", "commonname", "taxon", "label", "class", "category")
"""Columns of a species, the likeliest name first."""
BLANK = "blank"
"""What a photo without an animal is called."""
_TRUE = ("1", "true", "yes")


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
