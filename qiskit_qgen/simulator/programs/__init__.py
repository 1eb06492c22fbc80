"""From circuits to programs: lists of rotations and phases on stored rows."""
