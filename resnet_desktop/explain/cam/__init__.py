"""Class activation maps: what is asked, by which method, and the map that answers."""
