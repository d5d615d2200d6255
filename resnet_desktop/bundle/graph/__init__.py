"""Networks written as ONNX graphs from named arrays."""
