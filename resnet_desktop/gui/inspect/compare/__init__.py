"""Heatmaps side by side."""
