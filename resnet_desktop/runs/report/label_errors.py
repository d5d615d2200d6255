"""How many training pictures it takes to doubt their labels."""

LEAST, MOST_PICTURES = 30, 20_000
"""Fewer training pictures say too little, and more would take too long: their labels are not doubted."""
