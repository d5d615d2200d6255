"""Heatmaps: where the network found its evidence."""
