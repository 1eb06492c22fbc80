"""Phases of a training: what one step does, and all that must be saved to continue it."""
