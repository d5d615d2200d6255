"""Tests of the heatmaps."""
