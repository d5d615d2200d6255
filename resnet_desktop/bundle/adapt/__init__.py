"""Other people's classifiers as the app runs them: a float32 picture in, a row of logits out."""
