"""Trials of a study: each runs once, anywhere, and is recorded in a folder, so that the study can stop and resume."""
