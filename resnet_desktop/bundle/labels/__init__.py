"""Names of classes in all the ways in which people write them down."""
