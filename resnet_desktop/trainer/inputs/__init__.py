"""What goes into a step: pictures, their augmentation, features computed once."""
