"""The photo and what the network says of it."""
