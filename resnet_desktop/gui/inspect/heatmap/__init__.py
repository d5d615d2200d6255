"""The evidence: which heatmap, how it is made, how it looks."""
