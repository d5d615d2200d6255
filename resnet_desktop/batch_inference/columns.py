"""The columns of a folder of results, and the way from a row of ``classify`` to a record of them and back.

``docs/formats/results_folder.md`` describes them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from resnet_desktop.batch_inference import arrow
from resnet_desktop.batch_inference.arrow import Table
from resnet_desktop.session.result_rows import Row
from resnet_desktop.session.results import FileState

ABOUT = ("detection", "media")
"""What a row of a list has besides."""
HEATMAP = "heatmap"
"""Of the best class, as ``heatmaps.record`` makes it; null in runs without."""
PLACE = "place"
"""The place of a photo among those of a run: only between worker and driver."""
_ANSWER = ("predictions", "group", "sure", "present", "unfamiliar", "notes", "model", "variant", "provider", "seconds")


def schema() -> Any:  # noqa: ANN401 - pyarrow.Schema
    """Names and types of the columns. Raises ResultsError."""
    pa = arrow.library()
    score = pa.struct([("index", pa.int32()), ("label", pa.string()), ("probability", pa.float64())])
    words = pa.struct([("code", pa.string()), ("message", pa.string())])
    group = pa.struct(
        [
            ("wnid", pa.string()),
            ("label", pa.string()),
            ("probability", pa.float64()),
            ("classes", pa.list_(pa.int32())),
        ]
    )
    return pa.schema(
        [
            ("path", pa.string()),
            ("path_bytes", pa.binary()),
            ("ok", pa.bool_()),
            ("label", pa.string()),
            ("probability", pa.float64()),
            ("predictions", pa.list_(score)),
            ("group", group),
            ("sure", pa.bool_()),
            ("present", pa.list_(score)),
            ("unfamiliar", pa.bool_()),
            ("notes", pa.list_(words)),
            ("error", words),
            ("model", pa.string()),
            ("variant", pa.string()),
            ("provider", pa.string()),
            ("seconds", pa.float64()),
            ("width", pa.int32()),
            ("height", pa.int32()),
            ("file_size", pa.int64()),
            ("modified_ns", pa.int64()),
            *_about(pa),
            (HEATMAP, _heatmap(pa)),
        ]
    )


def _heatmap(pa: Any) -> Any:  # noqa: ANN401 - the module; pyarrow.DataType
    words, numbers = [("layer", pa.string()), ("method", pa.string())], [("rows", pa.int32()), ("columns", pa.int32())]
    return pa.struct([*words, *numbers, ("values", pa.list_(pa.float32())), ("box", pa.list_(pa.float64()))])


def _about(pa: Any) -> list[tuple[str, Any]]:  # noqa: ANN401 - the module
    detection = [
        ("image", pa.int64()),
        ("detection", pa.int64()),
        ("category", pa.string()),
        ("confidence", pa.float64()),
        ("bbox", pa.list_(pa.float64())),
    ]
    medium = [(name, pa.string()) for name in ("mediaID", "deploymentID", "timestamp")]
    return [("detection", pa.struct(detection)), ("media", pa.struct(medium))]


def record(row: Row, size: tuple[int, int] | None = None, state: FileState | None = None) -> dict[str, Any]:
    """A row as it is stored.

    Args:
        row: as ``result_rows`` makes it.
        size: width and height of the photo in pixels.
        state: size and time of its file before it was read; None where it is no file of this computer's.
    """
    stored = dict(row)
    path = row["path"]
    if not _is_text(path):
        stored["path_bytes"] = os.fsencode(path)
        stored["path"] = path.encode("utf-8", "backslashreplace").decode("utf-8")
    best = row["predictions"][0] if row.get("predictions") else None
    if best is not None:
        stored |= {"label": best["label"], "probability": best["probability"]}
    if size is not None:
        stored["width"], stored["height"] = size
    if state is not None:
        stored["file_size"], stored["modified_ns"] = state
    return stored


def table(records: Sequence[Mapping[str, Any]], places: Sequence[int] | None = None) -> Table:
    """Records as a table; with ``places``, the place of each besides. Raises ResultsError."""
    pa = arrow.library()
    found = pa.Table.from_pylist(list(records), schema=schema())
    return found if places is None else found.append_column(PLACE, pa.array(places, pa.int64()))


def row(stored: Mapping[str, Any]) -> Row:
    """A record as the row that it was made of."""
    about = {key: stored[key] for key in ABOUT if stored[key] is not None}
    if not stored["ok"]:
        return {"path": path_of(stored), "ok": False, **about, "error": stored["error"]}
    return {"path": path_of(stored), "ok": True, **about, **{key: stored[key] for key in _ANSWER}}


def path_of(stored: Mapping[str, Any]) -> str:
    """The path of a record, in Python's way for bytes that are no UTF-8."""
    raw = stored["path_bytes"]
    return str(stored["path"]) if raw is None else os.fsdecode(raw)


def key(path: str, about: Mapping[str, Any]) -> tuple[str, int, str]:
    """What tells an input from all others: the path, of a detection its number, of a medium its identifier."""
    detection, medium = about.get("detection"), about.get("media")
    return path, -1 if detection is None else int(detection["detection"]), "" if medium is None else medium["mediaID"]


def _is_text(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
