"""The model at work, without a window: engine, analyses, and the results that pass to whoever shows them."""
