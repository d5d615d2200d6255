"""What every process that teaches has in common."""
