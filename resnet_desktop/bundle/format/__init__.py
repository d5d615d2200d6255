"""What a model file says of itself: metadata, their schema, the hierarchy of its classes."""
