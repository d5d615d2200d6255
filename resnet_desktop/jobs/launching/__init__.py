"""Starting a training process, asking it, and reading what it says."""
