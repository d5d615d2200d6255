"""The photos of a Camtrap DP package, to be classified: ``media.csv`` with camera and time of each.

Camtrap DP 1.0: camtrap-dp.tdwg.org. Labelled packages are read by ``camtrap_dp``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from resnet_desktop.data.sources.rows import columns_by_name
from resnet_desktop.data.sources.table import bad, read_table

NEEDED = ("mediaID", "deploymentID", "timestamp", "filePath")
"""The columns that say which photo was taken where and when."""


@dataclass(frozen=True, slots=True)
class Medium(os.PathLike[str]):
    """A photo of a package; as a path it is its file.

    Attributes:
        path: the file.
        media_id: its identifier.
        deployment_id: the placement of a camera that took it.
        timestamp: when, as the table says it.
    """

    path: str
    media_id: str
    deployment_id: str
    timestamp: str

    def __fspath__(self) -> str:
        return self.path

    def as_dict(self) -> dict[str, str]:
        """As it stands in JSON, by Camtrap DP's names."""
        return {"mediaID": self.media_id, "deploymentID": self.deployment_id, "timestamp": self.timestamp}


def read_media(path: Path, photos: Path | None = None) -> tuple[Medium, ...]:
    """Read the table of a package's media.

    Args:
        path: ``media.csv``.
        photos: the folder that its paths start from; None: the table's own.

    Raises:
        DataError: ``missing_data``; ``bad_data``: a column or a value is missing, or an identifier occurs twice.
    """
    table = read_table(path)
    columns = columns_by_name(table.head)
    lacking = [name for name in NEEDED if name.lower() not in columns]
    if lacking:
        raise bad(path, f"is no Camtrap DP table of media: it lacks {', '.join(lacking)}")
    found: dict[str, Medium] = {}
    for line, row in table.rows():
        media_id, deployment, timestamp, file = (row[columns[name.lower()]].strip() for name in NEEDED)
        for name, value in zip(NEEDED, (media_id, deployment, timestamp, file), strict=True):
            if not value:
                raise bad(path, f"has no {name} on line {line}")
        if media_id in found:
            raise bad(path, f"has the mediaID {media_id} twice, the second time on line {line}")
        found[media_id] = Medium(str((photos or path.parent) / file), media_id, deployment, timestamp)
    return tuple(found.values())
