"""What classes have in common: trees of more and more general things above the classes of a model."""
