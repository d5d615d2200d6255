"""Step five: the run, live."""
