"""Exit statuses that are known before the command line is imported."""

from __future__ import annotations

EXIT_INTERRUPTED = 130
"""128 and the number of the signal, as shells have it."""
