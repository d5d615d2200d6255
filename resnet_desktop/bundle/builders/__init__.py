"""Graphs that the app writes itself: residual networks and EfficientNets, from named arrays."""
