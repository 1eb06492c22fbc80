"""Trials of a study: run once each, anywhere, and recorded in a folder that may be stopped and resumed."""
