"""What other people publish: weights turned into models of the library, and names of classes in their files."""
