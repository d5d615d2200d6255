"""What comes from the network: addresses, responses and resumed downloads."""
