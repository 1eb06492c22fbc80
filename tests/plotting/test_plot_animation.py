"""Animations of interpolations and trainings."""

import os

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.ImageSequence import all_frames

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.plotting import animate_training, save_animation
from qiskit_qgen.training import save_image_grid


def frames_of(path):
    with Image.open(path) as image:
        return [np.asarray(each.convert("RGB")) for each in all_frames(image)], image.info


def test_frames_are_written_in_order_and_back(tmp_path):
    images = torch.linspace(0, 1, 5).view(5, 1, 1, 1).expand(5, 1, 8, 8)
    save_animation(images, tmp_path / "a.gif", seconds=0.1, there_and_back=True)
    pages, info = frames_of(tmp_path / "a.gif")
    assert [int(page[0, 0, 0]) for page in pages] == pytest.approx([0, 64, 128, 191, 255, 191, 128, 64], abs=2)
    assert (info["duration"], info["loop"]) == (100, 0)
    assert pages[0].shape == (480, 480, 3)


def test_a_grid_of_colours_moves(tmp_path):
    images = torch.zeros(4, 3, 3, 8, 8)
    images[1, :, 0] = torch.tensor([0.0, 0.5, 1.0]).view(3, 1, 1)
    save_animation(images, tmp_path / "a.gif", columns=2)
    pages, _ = frames_of(tmp_path / "a.gif")
    assert [page[5, -5].tolist() for page in pages] == [[0, 0, 0], [128, 0, 0], [255, 0, 0]]


def test_a_training_is_shown_step_by_step(tmp_path):
    folder = tmp_path / "progress"
    folder.mkdir()
    for number, name in enumerate(("autoencoder-000004", "adversarial-000010", "adversarial-000002")):
        save_image_grid(torch.full((4, 1, 8, 8), number / 2), folder / f"{name}.png")
        os.utime(folder / f"{name}.png", ns=(number, number))
    (folder / "note.txt").write_text("")
    animate_training(folder, tmp_path / "a.gif")
    pages, _ = frames_of(tmp_path / "a.gif")
    assert [int(page[3, 3, 0]) for page in pages] == pytest.approx([255, 128], abs=2)  # step 2, then 10
    assert pages[0].shape[0] == 34 + 16
    assert (pages[0][34:] < 128).any()
    animate_training(folder, tmp_path / "b.gif", phase="autoencoder")
    assert len(frames_of(tmp_path / "b.gif")[0]) == 1


def test_what_is_refused(tmp_path):
    with pytest.raises(ArgumentError, match=r"`path` must end in .gif, but is .*a.png"):
        save_animation(torch.zeros(2, 1, 8, 8), tmp_path / "a.png")
    with pytest.raises(ArgumentError, match=r"`frames` must have shape \(T, C, H, W\) or \(N, T, C, H, W\)"):
        save_animation(torch.zeros(8, 8), tmp_path / "a.gif")
    with pytest.raises(ArgumentError, match=r"`seconds` must be a number in \[0.02, 60\]"):
        save_animation(torch.zeros(2, 1, 8, 8), tmp_path / "a.gif", seconds=0)
    with pytest.raises(
        ArgumentError, match=r"must hold grids such as adversarial-000500\.png of SampleGrid, but has none"
    ):
        animate_training(tmp_path, tmp_path / "a.gif")
