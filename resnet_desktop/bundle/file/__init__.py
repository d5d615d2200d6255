"""The model file: opened without trust, read with full checks, written whole or not at all."""
