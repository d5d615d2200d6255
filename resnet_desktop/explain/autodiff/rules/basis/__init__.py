"""What rules are written with: the step that each gets, nodes, constants, windows."""
