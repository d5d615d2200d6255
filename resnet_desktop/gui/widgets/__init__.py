"""Widgets that know nothing of photos and models."""
