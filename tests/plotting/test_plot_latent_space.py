import numpy as np
import pytest
import torch

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.plotting import plot_traversals


def test_rows_are_components_and_columns_values(tmp_path):
    images = torch.zeros(2, 3, 1, 8, 8)
    images[1, 2] = 1
    figure = plot_traversals(images, [0, 7], [-1, 0, 1.5])
    (axes,) = figure.axes
    assert [each.get_text() for each in axes.get_yticklabels()] == ["$z_{0}$", "$z_{7}$"]
    assert [each.get_text() for each in axes.get_xticklabels()] == ["-1", "0", "1.5"]
    (shown,) = axes.images
    pixels = np.asarray(shown.get_array())
    assert pixels.shape == (17, 26)
    assert (pixels[9:, 18:] == 255).all()
    assert (pixels[:8, :8] == 0).all()
    figure.savefig(tmp_path / "figure.png")
    assert [each.get_text() for each in plot_traversals(images).axes[0].get_yticklabels()] == ["$z_{0}$", "$z_{1}$"]


def test_other_shapes_are_refused():
    with pytest.raises(ArgumentError, match=r"`images` must have shape \(components, values, C, H, W\)"):
        plot_traversals(torch.zeros(3, 1, 8, 8))
    with pytest.raises(ArgumentError, match=r"`components` must have shape \(2,\), but has shape \(1,\)"):
        plot_traversals(torch.zeros(2, 3, 1, 8, 8), [0])
    with pytest.raises(ArgumentError, match=r"`values` must have shape \(3,\), but has shape \(1,\)"):
        plot_traversals(torch.zeros(2, 3, 1, 8, 8), values=[0])
