"""Reverse-mode differentiation of ONNX graphs, as ONNX nodes."""
