"""The door of the command line, before anything of it is there."""

from __future__ import annotations

import subprocess
import sys

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
