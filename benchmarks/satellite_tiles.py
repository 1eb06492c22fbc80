"""Tiles of 28 x 28 pixels and four bands of a WorldView-3 picture, for the satellite run of the capacity study.

    pip download --no-deps dgsamples   # and unpack the wheel
    python -m benchmarks.satellite_tiles dgsamples/wv3_longmont_1k/*_MUL/*.TIF satellite.npz

The bands are red, green, blue and near infrared (5, 3, 2 and 7 of eight), as in SAT-4; each is scaled from its 1st to
its 99th percentile. Tiles overlap by half; the lowest fifth of the picture gives the test tiles and no training tile.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from qiskit_qgen.datasets import tile_image

BANDS = (4, 2, 1, 6)
SIZE, STRIDE = 28, 14
TEST_PART = 0.2


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path, help="the multispectral TIFF file")
    parser.add_argument("out", type=Path, help="the .npz file to write")
    options = parser.parse_args()
    import tifffile

    bands = tifffile.imread(options.picture)[list(BANDS)].astype(np.float64)
    low, high = (np.percentile(bands, q, axis=(1, 2), keepdims=True) for q in (1, 99))
    picture = np.clip((bands - low) / (high - low), 0, 1).transpose(1, 2, 0)
    border = round(len(picture) * (1 - TEST_PART))
    parts = {"train": picture[:border], "test": picture[border:]}
    tiles = {f"{name}_images": tile_image(part, SIZE, stride=STRIDE).images for name, part in parts.items()}
    np.savez(options.out, **{name: (255 * images).round().byte().numpy() for name, images in tiles.items()})
    print(", ".join(f"{name}: {tuple(images.shape)}" for name, images in tiles.items()))


if __name__ == "__main__":
    main()
