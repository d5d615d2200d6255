"""How things look: theme, icons, wording, screens."""
