"""Step four, where it is needed: PyTorch."""
