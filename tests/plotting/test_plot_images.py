import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from PIL import Image

from qiskit_qgen.datasets import load_dataset
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, DatasetError
from qiskit_qgen.plotting import plot_classes, plot_images, plot_nearest, plot_reconstructions


def sample_images(num, channels=1, height=8, width=8, seed=0):
    return torch.rand(num, channels, height, width, generator=torch.Generator().manual_seed(seed))


def saved(figure, tmp_path):
    """The figure's PNG as an array (rows, columns, 3)."""
    figure.savefig(tmp_path / "figure.png")
    with Image.open(tmp_path / "figure.png") as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_pixel_is_a_square_of_dots_of_its_own_colour(channels, tmp_path):
    images = sample_images(6, channels, height=9, width=12)
    figure = plot_images(images, columns=3)
    assert len(figure.axes) == 1
    assert len(figure.axes[0].images) == 1
    dots = saved(figure, tmp_path)
    # Two rows of 9 pixels and three columns of 12, with a white line of one pixel between them.
    scale = dots.shape[0] // 19
    assert dots.shape == (19 * scale, 38 * scale, 3)
    expected = np.full((19, 38, 3), 255)
    shown = images[:, :3].expand(-1, 3, -1, -1).mul(255).round().permute(0, 2, 3, 1).numpy()
    for index, sample_image in enumerate(shown):
        top, left = 10 * (index // 3), 13 * (index % 3)
        expected[top : top + 9, left : left + 12] = sample_image
    middles = dots[scale // 2 :: scale, scale // 2 :: scale].astype(int)
    assert np.abs(middles - expected).max() <= 1  # matplotlib's colour map may round the other way
    blocks = dots.reshape(19, scale, 38, scale, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()


def test_a_grid_is_square_unless_columns_are_given(tmp_path):
    assert (
        saved(plot_images(sample_images(64)), tmp_path).shape[0]
        == saved(plot_images(sample_images(64)), tmp_path).shape[1]
    )
    wide = saved(plot_images(sample_images(8), columns=8), tmp_path)
    assert wide.shape[1] > 7 * wide.shape[0]


def test_arrays_and_data_sets_are_taken(tmp_path):
    digits = load_dataset("digits", split="test")
    from_set = saved(plot_images(digits), tmp_path)
    assert np.array_equal(from_set, saved(plot_images(digits.images.numpy()), tmp_path))
    assert from_set.std() > 20


def test_reconstructions_stand_below_their_images(tmp_path):
    images = sample_images(5)
    figure = plot_reconstructions(images, images * 0.5, columns=3)
    assert len(figure.axes) == 1
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["image", "reconstruction"] * 2
    grid = np.asarray(axes.images[0].get_array(), dtype=int)
    assert grid.shape == (4 * 9 - 1, 3 * 9 - 1)
    assert axes.get_yticks().tolist() == [3.5, 12.5, 21.5, 30.5]
    assert np.abs(grid[:8, :8] - images[0, 0].mul(255).numpy()).max() <= 0.51
    assert np.abs(grid[9:17, :8] - images[0, 0].mul(127.5).numpy()).max() <= 0.51
    assert np.abs(grid[18:26, 9:17] - images[4, 0].mul(255).numpy()).max() <= 0.51
    assert np.abs(grid[27:35, 9:17] - images[4, 0].mul(127.5).numpy()).max() <= 0.51
    assert (grid[18:, 18:] == 255).all()
    assert saved(figure, tmp_path).std() > 20


def test_samples_stand_above_the_training_images_nearest_to_them():
    data = sample_images(50, channels=3)
    order = torch.tensor([7, 3, 40, 11])
    samples = (data[order] * 0.9 + 0.05).clamp(0, 1)
    figure = plot_nearest(samples, data, columns=8)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["sample", "nearest"]
    grid = np.asarray(figure.axes[0].images[0].get_array(), dtype=int)
    assert grid.shape == (2 * 9 - 1, 4 * 9 - 1, 3)  # no cell is left empty
    below = grid[9:].reshape(8, -1, 3)
    for place, row in enumerate(order):
        expected = data[row].mul(255).permute(1, 2, 0).numpy()
        assert np.abs(below[:, 9 * place : 9 * place + 8] - expected).max() <= 0.51
    with pytest.raises(ArgumentError, match=r"`data` must have shape \(M, 3, 8, 8\), but has shape \(50, 3, 9, 8\)"):
        plot_nearest(samples, sample_images(50, channels=3, height=9))


def test_many_reconstructions_are_cut_to_32(tmp_path):
    figure = plot_reconstructions(sample_images(100), sample_images(100))
    assert len(figure.axes[0].get_yticks()) == 8
    dots = saved(figure, tmp_path)
    assert min(dots.shape[:2]) > 300
    assert max(dots.shape[:2]) < 2000


def test_a_figure_is_known_to_nobody_else():
    plot_images(sample_images(2))
    plot_reconstructions(sample_images(2), sample_images(2))
    assert plt.get_fignums() == []


def test_bad_arguments_are_refused():
    with pytest.raises(DatasetError, match=r"Argument `images` must"):
        plot_images(sample_images(2) * 3)
    with pytest.raises(ArgumentTypeError, match=r"Argument `images` must be a tensor"):
        plot_images("cats.png")
    with pytest.raises(ArgumentError, match=r"Argument `columns` must be a positive integer, but is 0\."):
        plot_images(sample_images(2), columns=0)
    with pytest.raises(ArgumentError, match=r"Argument `columns` must be a positive integer, but is -1\."):
        plot_reconstructions(sample_images(2), sample_images(2), columns=-1)
    with pytest.raises(
        ArgumentError,
        match=r"Argument `reconstructions` must have shape \(2, 1, 8, 8\), that of `images`, but has shape \(3,",
    ):
        plot_reconstructions(sample_images(2), sample_images(3))


def test_classes_stand_in_rows(tmp_path):
    samples = sample_images(6, height=9).split(3)
    figure = plot_classes(samples, ["dress", "coat"])
    axes = figure.axes[0]
    grid = np.asarray(axes.images[0].get_array(), dtype=int)
    assert grid.shape == (2 * 10 - 1, 3 * 9 - 1)
    assert np.abs(grid[10:19, 9:17] - samples[1][1, 0].mul(255).numpy()).max() <= 0.51
    assert [label.get_text() for label in axes.get_yticklabels()] == ["dress", "coat"]
    assert axes.get_yticks().tolist() == [4, 14]
    assert saved(figure, tmp_path).std() > 20


@pytest.mark.parametrize(
    ("samples", "names"),
    [([sample_images(3), sample_images(2)], ["a", "b"]), ([sample_images(3)], ["a", "b"]), ([], [])],
)
def test_classes_have_equal_numbers_of_images(samples, names):
    with pytest.raises(ArgumentError, match="`samples` must have shape"):
        plot_classes(samples, names)
