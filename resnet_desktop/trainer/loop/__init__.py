"""The training loop: steps, checkpoints, the time left."""
