"""Weights that others publish, turned into models of the library."""
