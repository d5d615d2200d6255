"""Residual blocks opened up: what each adds, and what is lost without it."""
