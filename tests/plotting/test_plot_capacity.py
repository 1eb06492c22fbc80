"""The figures of the capacity study, on numbers made up for them."""

import pytest

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.plotting import plot_capacity_curves, plot_capacity_scaling, plot_capacity_scores


def point(x, y, low=None, high=None, at_edge=False, used=True):
    return {"name": f"{x}", "x": x, "y": y, "low": low, "high": high, "at_edge": at_edge, "used": used}


def scaling(points, *, best=None, law=None):
    exact = {"constant": {"a": 4.0}, "linear": {"a": 0.0, "b": 2.0}, "power": {"a": 1.0, "b": 1.0}}
    exact["exponential"] = {"a": 1.0, "b": 0.5}
    fits = {law: {"coefficients": values, "aic": 1.0} for law, values in exact.items()} if best else {}
    return {"points": points, "fits": fits, "best": best, "law": law}


def row(name, critic, seed, stable=True):
    return {
        "digest": f"{name}{critic}{seed}", "name": name, "generator_parameters": 10, "critic_parameters": critic * 10,
        "critic_width": critic, "seed": seed, "score": float(critic + seed), "stable": stable,
    }  # fmt: skip


ROWS = [row("A", 4, 0), row("A", 4, 1), row("A", 4, 2, False), row("A", 8, 0, False), row("B", 4, 0)]
STUDY = {
    "rows": ROWS,
    "rule": {"score": "latent_frechet_distance"},
    "floor": 0.25,
    "trivial": None,
    "may_conclude": {
        "critic": {"growth": True, "law": True},
        "classical generator": {"growth": True, "law": True},
        "unclear": {"growth": True, "law": True},
        "powerless": {"growth": True, "law": False},
    },
    "score_name": "latent Fréchet distance",
    "analysis": {
        "optima": {"A": {"critic": 40}},
        "scaling": {
            "critic": scaling(
                [point(2, 4, 3, 5), point(4, 8, 8, 8), point(6, None)], best="exponential", law="exponential"
            ),
            "classical generator": scaling([point(2, 4, 4, 4, at_edge=True), point(4, None)]),
        },
    },
    "trials": [
        {
            "digest": each["digest"],
            "status": "done",
            "result": {"scores": {"latent_frechet_distance": {"steps": [1, 2], "values": [2.0, each["score"]]}}},
        }
        for each in ROWS
    ],
}


def test_sizes_that_rounding_alone_tells_apart_have_an_axis_with_room():
    sizes = {"critic": scaling([point(2, 1638, 1638 - 1e-9, 1638 + 1e-9), point(4, 1638)])}
    (axes,) = plot_capacity_scaling({**STUDY, "analysis": {"scaling": sizes}}).axes
    assert axes.get_ylim() == pytest.approx((546, 4914))


def test_optima_have_their_intervals_and_laws_go_through_their_values():
    critic, generator = plot_capacity_scaling(STUDY).axes
    lines = {line.get_label(): line for line in critic.lines if not line.get_label().startswith("_")}
    assert list(lines) == [f"{law}, AIC 1.0" for law in ("constant", "linear", "power", "exponential")]
    best = lines["exponential, AIC 1.0"]
    assert (best.get_xdata()[[0, -1]] == [2, 6]).all()
    assert best.get_ydata()[[0, -1]] == pytest.approx([2.718281828, 20.085536923])
    assert best.get_linewidth() > lines["linear, AIC 1.0"].get_linewidth()
    assert any(list(line.get_ydata()) == [3, 5] for line in critic.lines)
    filled = [line.get_markerfacecolor() for line in critic.lines if line.get_marker() == "o"]
    assert filled == ["C0", "C0"]
    assert [line.get_markerfacecolor() for line in generator.lines if line.get_marker() == "o"] == ["white"]


def test_the_titles_say_what_is_known():
    study = {**STUDY, "analysis": {"scaling": {**STUDY["analysis"]["scaling"]}}}
    same = [point(2, 4), point(4, 4), point(5, 4)]
    study["analysis"]["scaling"]["unclear"] = scaling(same, best="linear")
    study["analysis"]["scaling"]["powerless"] = scaling(same, best="linear", law="linear")
    titles = [axes.get_title() for axes in plot_capacity_scaling(study).axes]
    assert titles == [
        "critic: exponential law",
        "classical generator: too few optima for a law",
        "unclear: laws not distinguished",
        "powerless: no power to tell laws",
    ]


def test_a_panel_for_each_generator_with_stable_points_and_crosses():
    first, second = plot_capacity_scores(STUDY).axes
    stable, unstable = first.collections
    assert stable.get_offsets().tolist() == [[40.0, 4.0], [40.0, 5.0]]
    assert unstable.get_offsets().tolist() == [[40.0, 6.0], [80.0, 8.0]]
    assert [list(line.get_xdata()) for line in first.lines] == [[40], [40, 40], [0, 1]]
    assert list(first.lines[0].get_ydata()) == [4.5]
    assert list(first.lines[2].get_ydata()) == [0.25, 0.25]
    assert first.get_ylim()[0] < 0.25
    assert len(second.lines) == 2  # no optimum
    assert len(plot_capacity_scores({**STUDY, "floor": None}).axes[0].lines) == 2
    assert list(plot_capacity_scores({**STUDY, "trivial": 7.0}).axes[0].lines[3].get_ydata()) == [7, 7]


def test_curves_are_those_of_the_first_seed():
    first, second = plot_capacity_curves(STUDY).axes
    assert [list(line.get_ydata()) for line in first.lines] == [[2.0, 4.0], [2.0, 8.0], [0.25, 0.25]]
    assert [line.get_linestyle() for line in first.lines] == ["-", ":", "--"]
    assert [list(line.get_ydata()) for line in second.lines] == [[2.0, 4.0], [0.25, 0.25]]
    assert plot_capacity_curves(STUDY).get_supxlabel().startswith("step, seed 0 ")


@pytest.mark.parametrize("plot", [plot_capacity_scores, plot_capacity_curves])
def test_nothing_done_cannot_be_drawn(plot):
    rows = [{**each, "score": None} for each in ROWS]
    with pytest.raises(ArgumentError, match="`study` must hold at least one trial that is done"):
        plot({**STUDY, "rows": rows, "trials": []})
