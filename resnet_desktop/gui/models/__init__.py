"""The models: which are installed, which can be had, and what those are told that carry no labels."""
