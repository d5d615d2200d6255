"""Whether a run may go to a folder: nothing of the user's, and no other run, is ever written over."""

from __future__ import annotations

import os
from pathlib import Path

from resnet_desktop.core.errors import JobError
from resnet_desktop.data.sources.file_tree import is_dropping, source_path
from resnet_desktop.imaging.files import printable
from resnet_desktop.jobs.job import Job, is_same_run, read_job

WRITTEN = ("model.onnx", "results.json", "report.html", "export", "checkpoints", "epochs")
"""What a run writes over, beside the files that only a run has."""


def check(job: Job) -> None:
    """Refuse a folder that is not fit for a new run. Raises JobError ``bad_job``."""
    _outside_the_photos(job)
    _not_taken(job)


def _outside_the_photos(job: Job) -> None:
    """Refuse a run folder among the photos: their folders are never changed.

    Hidden folders are no place for photos: a run may lie in one.
    """
    folder = Path(os.path.realpath(Path(job.output)))
    for source in job.data:
        if source.csv is not None:
            continue
        named = source_path(source.folder)
        if not os.path.isdir(named):  # noqa: PTH112 - it raises for no name
            continue
        photos = Path(os.path.realpath(named))
        if photos.is_relative_to(folder) and photos != folder and not (folder / "events.jsonl").exists():
            message = f"The run folder {printable(job.output)} contains the photos, in {printable(source.folder)}."
            raise JobError(
                "bad_job",
                message,
                "Choose a folder next to them: the photos' folder would be mistaken for part of the run.",
            )
        if not folder.is_relative_to(photos):
            continue
        if not any(is_dropping(part) for part in folder.relative_to(photos).parts):
            message = f"The run folder {printable(job.output)} is inside the photos' folder {printable(source.folder)}."
            raise JobError("bad_job", message, "Choose a folder outside it: the photos' folders are never changed.")


def _not_taken(job: Job) -> None:
    """Refuse a folder with another run or with files of another kind in it.

    The job that the run in it was started with goes on with that run.
    """
    folder = Path(job.output)
    there = [name for name in WRITTEN if os.path.lexists(folder / name)]
    if not there:
        return
    shown = printable(job.output)
    if not (folder / "events.jsonl").exists():
        message = f"The folder {shown} is not a run folder, and the run would overwrite its {there[0]}."
        raise JobError("bad_job", message, "Choose an empty or new folder.")
    try:
        stored = read_job(folder / "job.json")
    except JobError:  # what the checkpoints were made of still tells them apart
        return
    if not is_same_run(stored, job):
        message = f"The folder {shown} contains another run with different photos or settings."
        raise JobError("bad_job", message, "Choose another folder, or continue that run (--resume).")
