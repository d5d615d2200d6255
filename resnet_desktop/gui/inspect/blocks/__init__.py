"""Residual blocks opened up."""
