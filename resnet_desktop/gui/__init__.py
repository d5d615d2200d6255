"""The window. What is imported at its start may not import NumPy, Pillow, ONNX or ONNX Runtime: see engine.py."""
