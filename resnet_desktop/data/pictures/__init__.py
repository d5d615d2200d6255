"""The pictures of a data set: reading them, their statistics, which of them are alike."""
