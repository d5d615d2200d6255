"""What is done with many photos at once: sorted into folders, labelled as the model says, found by likeness."""
