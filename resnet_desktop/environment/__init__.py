"""The Python that trains: found, proven, or installed by the app."""
