"""What the window, the command line and the trainer share: jobs, events, the state of a run, the data scan."""
