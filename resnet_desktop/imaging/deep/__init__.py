"""Pictures of more than 8 bits: what is black and white in them, and how they become bytes."""
