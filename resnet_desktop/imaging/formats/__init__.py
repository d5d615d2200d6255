"""One reader for each family of picture formats."""
