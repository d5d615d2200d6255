"""What a classifier gets right and wrong, and whether its confidences can be believed."""
