"""The papers' tasks as recipes: the claim, the run here, and a verdict by a rule fixed in advance."""
