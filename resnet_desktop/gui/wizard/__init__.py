"""The guide from a folder of photos to a classifier of one's own."""
