"""The colours of heatmaps, and heatmaps over photos."""
