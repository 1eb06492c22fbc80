import numpy as np
import pytest

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.plotting import plot_low_data


def interval(mean, half):
    return {"mean": mean, "low": mean - half, "high": mean + half}


def row(size, arm, distance):
    return {
        "size": size,
        "arm": arm,
        "kernel_distance": interval(distance, 0.5),
        "copies_kernel_distance": interval(20 / size, 0.1),
        "copy_rate": interval(1 / size, 0.01),
        "held_out_copy_rate": {"mean": 0.02, "low": None, "high": None},
    }


STUDY = {
    "rows": [row(10, "plain", 3.0), row(10, "quantum", 4.0), row(100, "plain", 1.0), row(100, "quantum", 1.5)],
    "comparisons": [
        {"setting": 10, "arm": "quantum", "baseline": "plain", "difference": interval(1.0, 0.2)},
        {"setting": 100, "arm": "quantum", "baseline": "plain", "difference": interval(0.5, 0.7)},
        {"setting": 100, "arm": "quantum", "baseline": "se", "difference": interval(9.0, 0.7)},
    ],
    "floor": 0.25,
    "settings": {"extractor": "pixel"},
}


def markers(axes):
    """Return the points of each arm by its label, with the ends of its bars."""
    found = {}
    for container in axes.containers:
        line, _, (bars,) = container
        ends = np.array([segment[:, 1] for segment in bars.get_segments()])
        found[container.get_label()] = (line.get_xdata(), line.get_ydata(), ends)
    return found


def test_arms_stand_at_their_sizes_with_their_intervals():
    scores, differences, copies = plot_low_data(STUDY).axes
    x, y, ends = markers(scores)["quantum"]
    assert x == pytest.approx([10, 100], rel=0.1)
    assert list(y) == [4.0, 1.5]
    assert ends == pytest.approx(np.array([[3.5, 4.5], [1.0, 2.0]]))
    assert list(markers(scores)) == ["plain", "quantum"]
    assert markers(copies)["plain"][1] == pytest.approx([0.1, 0.01])
    ((name, (_, means, ends)),) = markers(differences).items()
    assert name == "quantum"
    assert list(means) == [1.0, 0.5]
    assert ends == pytest.approx(np.array([[0.8, 1.2], [-0.2, 1.2]]))


def test_what_to_compare_with_is_there():
    scores, differences, copies = plot_low_data(STUDY).axes
    lines = {line.get_label(): list(line.get_ydata()) for line in [*scores.lines, *copies.lines]}
    assert lines["training pictures, repeated"] == [2.0, 0.2]
    assert lines["real pictures"] == [0.25, 0.25]
    assert lines["held-out pictures"] == [0.02, 0.02]
    assert any(list(line.get_ydata()) == [0, 0] for line in differences.lines)
    assert "pixel" in scores.get_ylabel()


def test_nothing_done_cannot_be_drawn():
    with pytest.raises(ArgumentError, match="`study` must hold at least one trial that is done"):
        plot_low_data({**STUDY, "rows": []})
