"""The network's answers on pictures that it does not learn from."""
