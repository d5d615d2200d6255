"""Photos into folders by what they show: what goes where, done so that it can be taken back, and taken back."""
