import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.plotting import plot_history
from qiskit_qgen.training import History


@pytest.fixture
def history():
    record = History()
    for step in range(1, 81):
        record.record("autoencoder", step, {"loss": 1.0 / step**2})
    for step in range(1, 121):
        record.record("adversarial", step, {"critic_loss": float((-1) ** step), "generator_loss": float(step)})
        if step % 40 == 0:
            record.record("adversarial", step, {"distance": 5.0 - step / 40})
    return record


def test_each_loss_and_score_of_each_phase_has_a_panel(history):
    figure = plot_history(history)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["autoencoder: loss", "adversarial: critic_loss", "generator_loss", "distance"]


def test_losses_are_drawn_with_their_moving_mean_and_scores_as_points(history):
    axes = dict(zip(["loss", "critic", "generator", "distance"], plot_history(history).axes, strict=True))
    raw, mean = axes["critic"].lines
    assert raw.get_xdata().tolist() == list(range(1, 121))
    assert raw.get_ydata().tolist() == [(-1.0) ** step for step in range(1, 121)]
    # A fortieth of 120 steps: means of three alternating values, of fewer at the beginning.
    expected = [-1.0, 0.0] + [(-1.0) ** step / 3 for step in range(3, 121)]
    assert np.allclose(mean.get_ydata(), expected, atol=1e-12)
    (points,) = axes["distance"].lines
    assert points.get_marker() == "o"
    assert points.get_xydata().tolist() == [[40.0, 4.0], [80.0, 3.0], [120.0, 2.0]]


def test_positive_values_of_a_wide_span_have_a_logarithmic_scale(history):
    axes = plot_history(history).axes
    assert [panel.get_yscale() for panel in axes] == ["log", "linear", "log", "linear"]


def test_plain_words_stand_below_the_curves_of_a_wasserstein_critic_alone(history):
    assert plot_history(history).get_supxlabel() == ""
    history.record("adversarial", 121, {"wasserstein_distance": 2.0})
    assert plot_history(history).get_supxlabel().startswith("How to read a Wasserstein critic")
    assert plot_history(history, note=False).get_supxlabel() == ""


def test_the_figure_can_be_saved_and_is_known_to_nobody_else(history, tmp_path):
    plot_history(history).savefig(tmp_path / "history.png", dpi=50)
    with Image.open(tmp_path / "history.png") as image:
        assert image.size == (450, 230)
        assert np.asarray(image.convert("L")).std() > 5
    assert plt.get_fignums() == []


def test_a_single_step_is_a_point():
    history = History()
    history.record("line", 1, {"loss": 2.0})
    (axes,) = plot_history(history).axes
    assert axes.lines[0].get_marker() == "o"


def test_bad_arguments_are_refused():
    with pytest.raises(ArgumentError, match=r"Argument `history` must hold at least one loss or score, but is empty\."):
        plot_history(History())
    with pytest.raises(ArgumentTypeError, match=r"Argument `history` must be a History, but is of type dict\."):
        plot_history({})
