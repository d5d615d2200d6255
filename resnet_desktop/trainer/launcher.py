"""How a run is led from its start to its last word, in one process or in several that train together.

The first process speaks, and whatever happens, its last event says how the run ended. The others are silent and end as
it does, with the same exit code; if one of them fails by itself, it says so to the first, which passes it on.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from resnet_desktop.core.errors import ResNetDesktopError, TrainingError
from resnet_desktop.jobs import events
from resnet_desktop.jobs.job import Job
from resnet_desktop.runs.control import CancelledRunError, Control
from resnet_desktop.runs.error_messages import in_words
from resnet_desktop.runs.final_event import FORESEEN, LastWord, conclude, failed
from resnet_desktop.runs.opening import open_folder
from resnet_desktop.runs.reporter import Silent, complain, exit_code, refuse
from resnet_desktop.trainer.distributed.process_group import ProcessGroup, join
from resnet_desktop.trainer.loop import checkpoint as checkpoints
from resnet_desktop.trainer.run import Run

PAUSE_SECONDS = 0.1
SOON_SECONDS, OTHERS_SECONDS = 1.0, 10.0
"""How soon the first process says why the others have met an error, and how long it may take if it is still there."""


def run_job(job: Job, mode: str, *, resumed: bool = False) -> int:
    """Run a job in its folder, listening as ``mode`` says (a job's ``control``); returns the exit code.

    ``resumed``: the job is that of the folder; else the folder must be fit for a run of it.
    """
    try:
        world = join(job.device)
    except RuntimeError as error:  # not all have come, or nobody answers at torchrun's address
        lost = TrainingError("process_lost", f"The training processes could not connect: {error}")
        return refuse(lost) if os.environ.get("RANK") == "0" else events.EXIT_OTHER
    code = events.EXIT_OTHER
    try:
        code = _lead(job, mode, world, resumed) if world.first else _follow(job, world)
    finally:
        world.end(code)
    return code


def _lead(job: Job, mode: str, world: ProcessGroup, resumed: bool) -> int:
    try:
        lock, reporter = open_folder(job, resumed=resumed)
    except ResNetDesktopError as error:
        return refuse(error)
    checkpoints.clean(reporter.folder / "checkpoints")

    def tell_paused(yes: bool) -> None:
        world.tell_paused(yes)
        reporter.paused(yes)

    def give_up() -> None:
        failed(reporter, world.trouble() or TrainingError("process_lost", "The other processes do not respond."))
        os._exit(events.EXIT_OTHER)  # the thread that trains waits for the others, and nothing wakes it

    control = Control(mode, reporter.folder, tell_paused)
    world.on_vain(give_up)
    try:
        with LastWord(reporter):
            Run(job, reporter, control, world).go()
    except FORESEEN as error:
        return conclude(error, reporter, _cause(error, control, world))
    finally:
        reporter.close()
        lock.release()
    return events.EXIT_FINISHED


def _cause(error: BaseException, control: Control, world: ProcessGroup) -> ResNetDesktopError | None:
    """What went wrong in another process, if that may have ended the first one."""
    if isinstance(error, CancelledRunError):
        # A signal may have come from torchrun because another process has failed.
        return world.trouble() if control.signalled else None
    return None if isinstance(error, ResNetDesktopError) else world.trouble()


def _follow(job: Job, world: ProcessGroup) -> int:
    """Do a part of the work; ends as the first process does, or with an error of its own."""
    world.on_vain(lambda: os._exit(_code_of_all(world)))
    try:
        Run(job, Silent(), Led(world), world).go()
    except CancelledRunError:
        pass  # the first says so
    except ResNetDesktopError as error:
        return _own_failure(error, world)
    except (RuntimeError, MemoryError, OSError) as error:
        return _own_failure(in_words(error, Path(job.output)), world)
    return _code_of_all(world)


def _own_failure(error: ResNetDesktopError, world: ProcessGroup) -> int:
    """End with an error; the first process may have met it, too, or be the cause of it: then that one says so."""
    ending, trouble = world.wait_for_ending(SOON_SECONDS), None
    if ending is None:
        trouble = world.trouble()
    if ending is None and trouble is None:
        ending = world.wait_for_ending(OTHERS_SECONDS)
    if ending is not None:
        return ending.code
    told = trouble or error
    complain(told)
    world.end(exit_code(told), told)
    return exit_code(told)


def _code_of_all(world: ProcessGroup) -> int:
    """The exit code of the process that ends first."""
    ending = world.wait_for_ending()
    return events.EXIT_OTHER if ending is None else ending.code


class Led(Control):
    """The control of a process beside the first: it does as that one does, and leaves signals to it."""

    def __init__(self, world: ProcessGroup) -> None:
        super().__init__("none")
        self._world = world

    def check(self) -> None:
        """Wait while the first process is paused. Raises CancelledRunError once the run has ended."""
        while self._world.ended is None and self._world.paused:
            time.sleep(PAUSE_SECONDS)
        if self._world.ended is not None:
            raise CancelledRunError

    def handle(self, command: str) -> None:
        """Nothing: torchrun sends its signals to all processes, and the first one knows what becomes of the run."""
        del command
