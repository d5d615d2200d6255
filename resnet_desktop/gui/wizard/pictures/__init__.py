"""Photos of a data set as sheets, large, and with heatmaps."""
