"""Which pictures a network learns from, and which it is judged by."""
