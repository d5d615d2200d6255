"""A new last layer on features of ONNX Runtime: the base, its features, the fit and its cross-validation."""
