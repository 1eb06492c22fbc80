"""Studies of arms: variants of a model, trained on different numbers of images and compared seed by seed."""
