"""What a quantum model is held against: classical twins at several levels, and controls."""
