"""How photos come into the list, and what can be taken back."""
