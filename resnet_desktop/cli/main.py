"""The command ``resnet-desktop``: its subcommands, and image paths alone to open the window.

Modules that are slow to import are imported inside the commands that need them, so that ``--help`` answers at once.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from resnet_desktop import __version__
from resnet_desktop.cli import interrupt
from resnet_desktop.cli.commands import bench, blocks, classify, doctor, explain, layers, models, results, sort, train
from resnet_desktop.cli.shared import EXIT_NO_MODEL, EXIT_USAGE, ModelOption, ProviderOption, say, tell
from resnet_desktop.core import log
from resnet_desktop.core.atomic import storage_error
from resnet_desktop.core.errors import ClassNameError, LayerError, ResNetDesktopError, SettingsError
from resnet_desktop.core.processes.exit_status import EXIT_INTERRUPTED
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.core.text.printable import printable

OWN_OPTIONS = ("--help", "--version", "--install-completion", "--show-completion")


_Mistake: type[Exception] = typer.BadParameter.__mro__[2]
"""Click's root of the errors about options; some versions of Typer import it, some have it inside."""


@contextmanager
def _printable_mistakes() -> Iterator[None]:
    try:
        yield
    except _Mistake as error:
        error.message = printable(str(getattr(error, "message", "")), lines=True)  # type: ignore[attr-defined]
        raise


class ImagesOrCommand(TyperGroup):
    """A group whose command may be left out: what is no command opens the window."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Put ``gui`` in front of arguments that name no command."""
        if not args or (args[0] not in self.commands and args[0] not in OWN_OPTIONS):
            args = ["gui", *args]
        return super().parse_args(ctx, args)

    def make_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the base class
        """As the base class; what it says of the program's own options is printable."""
        with _printable_mistakes():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # noqa: ANN401
        """As the base class; what it says of a command's options is printable."""
        with _printable_mistakes():
            return super().invoke(ctx)


app = typer.Typer(
    cls=ImagesOrCommand,
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Classify photos with a residual network, see why, and teach it your own classes. "
    "Image paths alone open the window.",
)
app.command("classify")(classify.classify)
app.command("explain")(explain.explain)
app.command("layers")(layers.layers)
app.command("blocks")(blocks.blocks)
app.command("results")(results.results)
app.command("sort")(sort.sort)
app.command("train")(train.train)
app.command("doctor")(doctor.doctor)
app.command("bench")(bench.bench)
app.add_typer(models.app, name="models")


def _print_version(wanted: bool) -> None:
    if wanted:
        tell(f"ResNet Desktop {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options of the program itself."""
    del version


@app.command("gui", hidden=True)
def gui(
    images: Annotated[list[str] | None, typer.Argument(metavar="[IMAGE]…", help="Photos and folders to open.")] = None,
    model: ModelOption = None,
    provider: ProviderOption = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Classify the sample photos, print the table, save a screenshot and exit.")
    ] = False,
    screenshot: Annotated[Path, typer.Option(help="Where --demo saves the screenshot.")] = Path("build/window.png"),
) -> None:
    """Open the window."""
    from resnet_desktop.gui.shell import app as window

    if demo:
        raise typer.Exit(window.demonstrate(screenshot, model=model, provider=provider))
    raise typer.Exit(window.run([Path(i) for i in images or ()], model=model, provider=provider))


@app.command("admit", hidden=True)
def admit(path: Path, to: Annotated[Path | None, typer.Option("--to")] = None) -> None:
    """Try a model file in this process, and say in JSON how that went; for ``inference.admission``."""
    from resnet_desktop.cli.shared import print_json
    from resnet_desktop.inference.admission import answer

    print_json(answer(path, to, sys.stdin.read() if to is not None else ""))


@app.command("quantize", hidden=True)
def quantize(folder: Path, recipe: str) -> None:
    """Make a smaller network in this process, and say how far it is; for ``inference.tuning.quantizing``."""
    from resnet_desktop.inference.tuning.quantizing import follow_recipe

    follow_recipe(folder, recipe)


def main() -> None:
    """Run the command line; errors that a person can understand end with a sentence, not with a traceback."""
    running = log.start(log.QUIET, lazily=True)
    try:
        _run()
    except SystemExit:
        running.close()  # after any other error it is the log that keeps it
        raise


def _run() -> None:
    try:
        with interrupt.heard():
            app()
    except CancelledError:  # a run was ended by Ctrl+C
        sys.exit(EXIT_INTERRUPTED)
    except (ImportError, SystemError):  # libraries in C turn Ctrl+C during their first import into an error of theirs
        if not interrupt.was_pressed():
            raise
        sys.exit(EXIT_INTERRUPTED)
    except (ClassNameError, LayerError, SettingsError) as error:
        say(str(error))
        sys.exit(EXIT_USAGE)
    except ResNetDesktopError as error:
        say(str(error))
        sys.exit(EXIT_NO_MODEL)
    except OSError as error:  # of standard output, where a command prints all at once
        _give_up_output(error)
    finally:
        _print_rest()


def _print_rest() -> None:
    """What still waits to be printed: left to the interpreter, an error of it would be a traceback."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:  # who read it has gone
        _silence_output()
    except OSError as error:
        _give_up_output(error)


def _give_up_output(error: OSError) -> NoReturn:
    say(str(storage_error(Path("Standard output"), error)))
    _silence_output()
    sys.exit(EXIT_NO_MODEL)


def _silence_output() -> None:
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
