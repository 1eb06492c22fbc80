import pytest

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.plotting import plot_autoencoder_sweep


def row(latent_dim, noise, distance, half=0.5):
    interval = {"mean": distance, "low": distance - half, "high": distance + half}
    error = {"mean": distance / 100, "low": None, "high": None}
    options = {"latent_dim": latent_dim, "latent_noise": noise}
    return {"options": options, "num_trials": 3, "frechet_distance": interval, "reconstruction_error": error}


SWEEP = {
    "varied": ["latent_noise", "latent_dim"],
    "rows": [
        row(8, 0.0, 4.0), row(8, 0.2, 5.0), row(24, 0.0, 1.0), row(24, 0.2, 2.0),
        {"options": {"latent_dim": 99, "latent_noise": 0.0}, "num_trials": 0},
    ],
    "floor_real": {"frechet_distance": 0.25},
}  # fmt: skip


def test_a_line_for_every_other_option_over_the_latent_s_size():
    floors, errors = plot_autoencoder_sweep(SWEEP).axes
    found = {each.get_label(): each for each in floors.containers}
    assert list(found) == ["latent_noise 0.0", "latent_noise 0.2"]
    line, _, (bars,) = found["latent_noise 0.2"]
    assert list(line.get_xdata()) == pytest.approx([0, 1], abs=0.1)
    assert list(line.get_ydata()) == [5.0, 2.0]
    assert (found["latent_noise 0.0"][0].get_xdata() < line.get_xdata()).all()
    assert [segment[:, 1].tolist() for segment in bars.get_segments()] == [[4.5, 5.5], [1.5, 2.5]]
    assert [tick.get_text() for tick in floors.get_xticklabels()] == ["8", "24"]
    assert floors.get_xlabel() == errors.get_xlabel() == "latent_dim"
    assert list(errors.containers[0][0].get_ydata()) == [0.04, 0.01]


def test_real_images_are_there_to_compare_with():
    floors, errors = plot_autoencoder_sweep(SWEEP).axes
    assert {line.get_label(): list(line.get_ydata()) for line in floors.lines}["real images"] == [0.25, 0.25]
    assert "real images" not in {line.get_label() for line in errors.lines}


def test_nothing_done_cannot_be_drawn():
    with pytest.raises(ArgumentError, match="`sweep` must hold at least one trial that is done"):
        plot_autoencoder_sweep({**SWEEP, "rows": SWEEP["rows"][-1:]})
