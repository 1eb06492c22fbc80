"""Challengers of a quantum model: classical twins at several levels, and controls."""
