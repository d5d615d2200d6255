"""``python -m resnet_desktop``, and the command ``resnet-desktop``: they are the same."""

from __future__ import annotations

import os
import sys

from resnet_desktop.core.processes import own_process
from resnet_desktop.core.processes.exit_status import EXIT_INTERRUPTED


def main() -> None:
    """Run the command line. Ctrl+C also ends it without a traceback while its modules are still being imported."""
    own_process.give_back_library_paths(os.environ)
    try:
        if own_process.run_module_asked_for():
            return
        from resnet_desktop.cli.main import main as command
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    command()


if __name__ == "__main__":
    main()
