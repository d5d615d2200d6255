"""The network of a run, and what all of them have in common."""
