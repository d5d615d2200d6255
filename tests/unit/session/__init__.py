"""The session room: what the window says and keeps, without Qt."""
