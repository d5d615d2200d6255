"""Whether a heatmap can be trusted: faithfulness, sanity under scrambled weights, similarity of maps."""
