"""At which addresses the rows of a state lie, as vectors over the field of two elements."""
