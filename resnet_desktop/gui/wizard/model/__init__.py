"""Step three: what is trained, and for how long."""
