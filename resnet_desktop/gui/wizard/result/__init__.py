"""Step six: how good it is, and taking it into use."""
