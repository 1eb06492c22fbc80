"""Draws docs/static/readme.png: real images of each class above generated ones, not chosen.

qgen demo && python docs/draw_readme.py runs/demo/model
"""

import sys
from pathlib import Path

import torch
from PIL import Image

from qiskit_qgen import StyleQGAN, load_dataset

PER_CLASS, ROWS, SCALE, GAP = 2, 3, 2, 10


def strip(images, columns):
    """Return images (N, 1, H, W) as rows of so many columns, (H', W') in [0, 1], white between them."""
    rows = images.reshape(-1, columns, *images.shape[-2:])
    padded = torch.nn.functional.pad(rows, (1, 1, 1, 1), value=1.0)
    return torch.cat([torch.cat(list(row), 1) for row in padded], 0)


def main(folder):
    model = StyleQGAN.from_pretrained(folder)
    test = load_dataset("fashion-mnist-mini", split="test")
    classes = range(10)
    real = torch.cat([test.images[test.labels == label][:PER_CLASS] for label in classes])
    labels = torch.tensor([label for _ in range(ROWS) for label in classes for _ in range(PER_CLASS)])
    generated = model.sample(len(labels), labels=labels, seed=0)
    columns = PER_CLASS * len(classes)
    top, bottom = strip(real, columns), strip(generated, columns)
    whole = torch.cat([top, torch.ones(GAP, top.shape[1]), bottom], 0)
    image = Image.fromarray((255 * whole).round().byte().numpy())
    image.resize((image.width * SCALE, image.height * SCALE), Image.Resampling.NEAREST).save(
        Path(__file__).parent / "static/readme.png", optimize=True
    )


if __name__ == "__main__":
    main(sys.argv[1])
