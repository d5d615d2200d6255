"""The models that are installed, and those that can be had."""
