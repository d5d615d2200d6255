"""Step two: what is wrong with the photos."""
