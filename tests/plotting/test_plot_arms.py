import numpy as np
import pytest

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.plotting import plot_arms


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


def difference(size, step, mean, half, baseline="plain"):
    return {"size": size, "step": step, "arm": "quantum", "baseline": baseline, "difference": interval(mean, half)}


STUDY = {
    "rows": [row(10, "plain", 3.0), row(10, "quantum", 4.0), row(100, "plain", 1.0), row(100, "quantum", 1.5)],
    "comparisons": [
        difference(10, 5, 7.0, 0.2),
        difference(10, 9, 1.0, 0.2),
        difference(100, 9, 0.5, 0.7),
        difference(100, 9, 9.0, 0.7, baseline="se"),
    ],
    "curves": {
        "10": {"plain": [interval(5.0, 1.0), interval(3.0, 0.5)], "quantum": [interval(6.0, 1.0), interval(4.0, 0.5)]},
        "100": {"quantum": [{"mean": 2.0, "low": None, "high": None}, interval(1.5, 0.5)]},
        "1000": {},
    },
    "steps": [5, 9],
    "baseline": "plain",
    "floor": 0.25,
    "settings": {"extractor": "pixel"},
}
ONCE = {**STUDY, "steps": [9]}


def markers(axes):
    """Return the points of each arm by its label, with the ends of its bars."""
    found = {}
    for container in axes.containers:
        line, _, (bars,) = container
        ends = np.array([segment[:, 1] for segment in bars.get_segments()])
        found[container.get_label()] = (line.get_xdata(), line.get_ydata(), ends)
    return found


def test_arms_stand_at_their_sizes_with_their_intervals():
    scores, differences, copies = plot_arms(STUDY).axes[:3]
    x, y, ends = markers(scores)["quantum"]
    assert x == pytest.approx([10, 100], rel=0.1)
    assert list(y) == [4.0, 1.5]
    assert ends == pytest.approx(np.array([[3.5, 4.5], [1.0, 2.0]]))
    assert list(markers(scores)) == ["plain", "quantum"]
    assert markers(copies)["plain"][1] == pytest.approx([0.1, 0.01])
    ((name, (_, means, ends)),) = markers(differences).items()
    assert name == "quantum"
    assert list(means) == [1.0, 0.5]  # at the last step, to the baseline
    assert ends == pytest.approx(np.array([[0.8, 1.2], [-0.2, 1.2]]))


def test_what_to_compare_with_is_there():
    scores, differences, copies = plot_arms(ONCE).axes
    lines = {line.get_label(): list(line.get_ydata()) for line in [*scores.lines, *copies.lines]}
    assert lines["training images, repeated"] == [2.0, 0.2]
    assert lines["real images"] == [0.25, 0.25]
    assert lines["held-out images"] == [0.02, 0.02]
    assert any(list(line.get_ydata()) == [0, 0] for line in differences.lines)
    assert "pixel" in scores.get_ylabel()
    assert "plain" in differences.get_ylabel()


def test_scores_on_the_way_have_a_panel_for_each_size_with_bands():
    few, many = plot_arms(STUDY).axes[3:]
    assert [axes.get_title() for axes in (few, many)] == ["10 training images", "100 training images"]
    lines = {line.get_label(): line for line in few.lines}
    assert list(lines["plain"].get_xdata()) == [5, 9]
    assert list(lines["plain"].get_ydata()) == [5.0, 3.0]
    assert list(lines["quantum"].get_ydata()) == [6.0, 4.0]
    assert few.collections[0].get_paths()[0].get_extents().intervaly.tolist() == [2.5, 6.0]
    (line,) = (line for line in many.lines if line.get_label() == "quantum")
    assert line.get_color() == lines["quantum"].get_color()


def test_nothing_done_cannot_be_drawn():
    with pytest.raises(ArgumentError, match="`study` must hold at least one trial that is done"):
        plot_arms({**STUDY, "rows": []})
