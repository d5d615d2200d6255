"""Thousands of damaged inputs through the real program: too long for the tests, `make torture` runs them."""
