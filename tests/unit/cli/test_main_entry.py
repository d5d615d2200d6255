"""The door of the command line, before anything of it is there."""

from __future__ import annotations

import subprocess
import sys

import pytest

INTERRUPTED_AT_AN_IMPORT = """
import sys

class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupts())
from resnet_desktop.__main__ import main
main()
"""


def test_ctrl_c_during_the_first_imports_is_no_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED_AT_AN_IMPORT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


INTERRUPTED_INSIDE_A_LIBRARY = """
import builtins, os, signal, sys, time
from resnet_desktop.cli import main as command

def broken(*arguments, **named):
    try:
        {signal}
        time.sleep(5)
    except KeyboardInterrupt:
        pass
    raise ImportError("initialization failed")

command.app = broken
command.main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a signal cannot be sent to one process there")
def test_ctrl_c_inside_the_import_of_a_library_is_no_traceback() -> None:
    code = INTERRUPTED_INSIDE_A_LIBRARY.format(signal="os.kill(os.getpid(), signal.SIGINT)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")
    code = INTERRUPTED_INSIDE_A_LIBRARY.format(signal="raise KeyboardInterrupt")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "initialization failed" in done.stderr, "an error of a library stays one"
