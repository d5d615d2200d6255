"""What leaves the window: tables, pictures, heatmaps."""
