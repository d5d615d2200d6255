"""Folders of results, and runs whose workers are in this very process."""
