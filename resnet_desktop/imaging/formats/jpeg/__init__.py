"""JPEG files: what they consist of, reading them, and whether they are whole."""
