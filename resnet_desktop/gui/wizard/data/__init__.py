"""Step one: where the photos are."""
