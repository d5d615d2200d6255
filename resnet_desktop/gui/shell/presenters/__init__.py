"""What connects the window with the model, the list and training."""
