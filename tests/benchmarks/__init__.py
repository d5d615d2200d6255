"""What the app is measured by: ``make bench``, or ``python -m tests.benchmarks``. Not collected by pytest."""
