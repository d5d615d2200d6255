"""Work off the GUI thread, and how its results come back."""
