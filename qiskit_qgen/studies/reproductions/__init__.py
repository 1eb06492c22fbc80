"""The papers' own tasks as recipes: what is claimed, what is run here, and a verdict by a rule fixed beforehand."""
