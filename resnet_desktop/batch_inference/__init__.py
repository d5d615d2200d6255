"""Photos by the million: a cluster that classifies them, and folders of results that hold the answers."""
