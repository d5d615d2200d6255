"""What every process that teaches a model has in common: its voice, its ears, its folder, its judge and its report."""
