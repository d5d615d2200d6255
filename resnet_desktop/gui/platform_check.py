"""``python -m resnet_desktop.gui.platform_check``: whether Qt can open a window here; one JSON object.

A process of its own, since Qt aborts the process when it finds no platform.
"""

from __future__ import annotations

import json
import os
import sys


def main() -> int:
    """Start Qt and say which platform it runs on."""
    try:
        from PySide6 import __version__ as version
        from PySide6.QtGui import QGuiApplication
    except ImportError as error:
        sys.stdout.write(json.dumps({"ok": False, "message": f"Qt cannot be loaded: {error}."}) + "\n")
        return 1
    screenless = sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if screenless:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    application = QGuiApplication(sys.argv[:1])
    name = application.platformName()
    message = f"Qt {version} on the platform {name}" + (" (there is no display)" if screenless else "")
    sys.stdout.write(json.dumps({"ok": True, "platform": name, "version": version, "message": message}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
