"""Tables of photos and labels: what their columns mean, and which files their rows name."""
