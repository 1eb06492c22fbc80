import math

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
        "scores": {
            "pixel": {"frechet_distance": interval(distance, 0.5)},
            "other": {"frechet_distance": interval(10 * distance, 5)},
        },
        "copy_rate": interval(1 / size, 0.01),
        "held_out_copy_rate": {"mean": 0.02, "low": None, "high": None},
    }


def difference(arm, extractor, mean, half, is_fit=True):
    known = {"size": None, "arm": arm, "baseline": "plain", "extractor": extractor, "is_fit": is_fit}
    return known | {"difference": interval(mean, half)}


def baselines(value):
    return {"training": {name: {"frechet_distance": interval(value, 0.1)} for name in ("pixel", "other")}}


STUDY = {
    "rows": [row(10, "plain", 3.0), row(10, "quantum", 4.0), row(100, "plain", 1.0), row(100, "quantum", 1.5)],
    "baselines": {"10": baselines(2.0), "100": baselines(0.2)},
    "pooled": [
        difference("quantum", "pixel", math.log(0.5), 0.7),
        difference("se", "pixel", math.log(1.25), 0.2),
        difference("quantum", "other", math.log(0.25), 0.1, is_fit=False),
    ],
    "curves": {
        "10": {"plain": [interval(5.0, 1.0), interval(3.0, 0.5)], "quantum": [interval(6.0, 1.0), interval(4.0, 0.5)]},
        "100": {"quantum": [{"mean": 2.0, "low": None, "high": None}, interval(1.5, 0.5)]},
        "1000": {},
    },
    "steps": [5, 9],
    "floors": {"pixel": {"frechet_distance": 0.25}, "other": {"frechet_distance": 2.5}},
    "settings": {"extractors": ["pixel", "other"], "score": "frechet_distance"},
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
    scores, other, _, copies = plot_arms(STUDY).axes[:4]
    x, y, ends = markers(scores)["quantum"]
    assert x == pytest.approx([10, 100], rel=0.1)
    assert list(y) == [4.0, 1.5]
    assert ends == pytest.approx(np.array([[3.5, 4.5], [1.0, 2.0]]))
    assert list(markers(scores)) == ["plain", "quantum"]
    assert list(markers(other)["quantum"][1]) == [40.0, 15.0]
    assert markers(copies)["plain"][1] == pytest.approx([0.1, 0.01])


def test_ratios_stand_in_rows_and_those_of_unfit_scores_are_hollow():
    differences = plot_arms(ONCE).axes[2]
    names = [label.get_text() for label in differences.get_yticklabels()]
    assert names == ["quantum / plain", "se / plain"]
    points = {}
    for container in differences.containers:
        line, _, (bars,) = container
        (x,), (y,) = line.get_xdata(), line.get_ydata()
        points[round(x, 9)] = (round(-y), line.get_markerfacecolor(), bars.get_segments()[0][:, 0])
    assert {x: place for x, (place, _, _) in points.items()} == {0.5: 0, 1.25: 1, 0.25: 0}
    assert points[0.5][2] == pytest.approx([0.5 / math.exp(0.7), 0.5 * math.exp(0.7)])
    assert [points[x][1] == "white" for x in (0.5, 0.25)] == [False, True]
    assert any(list(line.get_xdata()) == [1, 1] for line in differences.lines)


def test_what_to_compare_with_is_there():
    scores, other, _, copies = plot_arms(ONCE).axes
    lines = {line.get_label(): list(line.get_ydata()) for line in [*scores.lines, *copies.lines]}
    assert lines["its images, repeated"] == [2.0, 0.2]
    assert lines["real images"] == [0.25, 0.25]
    assert lines["held-out images"] == [0.02, 0.02]
    assert scores.get_ylabel() == "Fréchet distance (pixel)"
    assert other.get_ylabel() == "Fréchet distance (other)"


def test_scores_on_the_way_have_a_panel_for_each_size_with_bands():
    few, many = plot_arms(STUDY).axes[4:]
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
