"""What training is asked for and what comes of it: jobs, recipes, events, the state and the results of a run."""
