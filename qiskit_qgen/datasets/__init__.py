"""Data sets of images and tables: bundled, downloaded, or your own."""

from qiskit_qgen.datasets.image_dataset import ImageDataset
from qiskit_qgen.datasets.images import as_images
from qiskit_qgen.datasets.loading import load_dataset
from qiskit_qgen.datasets.subsets import hold_out
from qiskit_qgen.datasets.table_dataset import Column, TableDataset
from qiskit_qgen.datasets.tables import load_table
from qiskit_qgen.datasets.tiles import tile_image

__all__ = [
    "Column",
    "ImageDataset",
    "TableDataset",
    "as_images",
    "hold_out",
    "load_dataset",
    "load_table",
    "tile_image",
]
