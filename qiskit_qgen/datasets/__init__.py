"""Data sets of images: bundled, downloaded, and a person's own."""

from qiskit_qgen.datasets.image_dataset import ImageDataset
from qiskit_qgen.datasets.images import as_images
from qiskit_qgen.datasets.loading import load_dataset

__all__ = ["ImageDataset", "as_images", "load_dataset"]
