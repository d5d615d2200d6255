"""A network that is learnt from beside the labels: what it answers, kept for the run, and the loss."""
