"""Sorting the photos of the list into classes."""
