"""What a person should look at before a network learns from their pictures."""
