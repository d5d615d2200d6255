"""The user guide: its pictures, and the commands that it names."""
