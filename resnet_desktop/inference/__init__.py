"""Running models: providers, sessions, predictions, batches. The only floor that imports ONNX Runtime."""
