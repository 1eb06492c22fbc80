"""Studies of arms: variants of a model, trained on few and more images and compared seed by seed."""
