"""The model file: reading, writing, building and listing classifiers."""
