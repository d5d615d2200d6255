"""Faster on this machine, by the user's choice: what is on offer for a model, measured, and what was chosen."""
