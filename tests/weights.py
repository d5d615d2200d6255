"""How long the files of tests take that take longest, in seconds on one core: they begin first (see ``conftest``).

``make test-fast`` leaves them out. A file belongs here from three seconds on; ``pytest --durations=0`` tells.
"""

from __future__ import annotations

SECONDS: dict[str, int] = {
    "tests/unit/bundle/test_parity.py": 14,
    "tests/unit/bundle/test_reading.py": 7,
    "tests/unit/bundle/test_packaged.py": 6,
}
