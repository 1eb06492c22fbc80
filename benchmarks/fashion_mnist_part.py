"""The pictures of the capacity study: the first 20,000 of Fashion-MNIST for training, all 10,000 test pictures.

    python -m benchmarks.fashion_mnist_part part.npz

Both are written as uint8, as they come.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from qiskit_qgen import load_dataset

NUM_PICTURES = 20000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="the .npz file to write")
    options = parser.parse_args()
    train, test = (load_dataset("fashion-mnist", split=split).images for split in ("train", "test"))
    parts = {"train_images": train[:NUM_PICTURES], "test_images": test}
    np.savez_compressed(options.out, **{name: (255 * each).round().byte().numpy() for name, each in parts.items()})
    print(", ".join(f"{name}: {tuple(images.shape)}" for name, images in parts.items()))


if __name__ == "__main__":
    main()
