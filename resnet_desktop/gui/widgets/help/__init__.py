"""Help inside the window: short cards, and the pages that ship with the app."""
