"""Reports of what was seen, as pages that stand alone."""
