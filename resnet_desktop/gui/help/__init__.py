"""The guide that ships with the app, the sheet of keys, the first steps."""
