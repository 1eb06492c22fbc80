"""Reports as one HTML file each, which needs no other: of a run, and of a study."""
