"""What real exporters write: run by ``make exporters`` in an environment of its own, never in CI."""
