"""Widgets that paint: pictures that are zoomed, tiles, charts."""
