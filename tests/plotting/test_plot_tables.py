"""Figures of tables: what is drawn are the data's own shares, points and correlations."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr

from qiskit_qgen.datasets import load_table
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, DatasetError
from qiskit_qgen.plotting import plot_marginals, plot_pairs


def frame(seed, number=300):
    random = np.random.default_rng(seed)
    x = random.normal(size=number)
    kinds = pd.CategoricalDtype(["low", "high"], ordered=True)
    return pd.DataFrame(
        {
            "x": x,
            "y": x + 0.3 * random.normal(size=number),
            "alone": random.random(number),
            "count": random.integers(2, 6, number),
            "kind": pd.Categorical.from_codes(random.integers(0, 2, number), dtype=kinds),
            "constant": np.full(number, 7.0),
        }
    )


def test_every_column_has_a_panel_with_the_shares_of_both_sets():
    real, made = frame(0), frame(1, 100)
    figure = plot_marginals({"real": real, "generated": made})
    assert [axes.get_title() for axes in figure.axes] == list(real.columns)
    for axes, column in zip(figure.axes, ("x", "y", "alone"), strict=False):
        first, second = (patch.get_data() for patch in axes.patches)
        assert np.isclose(first.values.sum(), 1)
        np.testing.assert_allclose(first.values, np.histogram(real[column], first.edges)[0] / 300)
        assert 0.97 < second.values.sum() < 1 + 1e-9
    shares = figure.axes[3].patches[0].get_data()
    assert shares.edges.tolist() == [1.5, 2.5, 3.5, 4.5, 5.5]
    np.testing.assert_allclose(shares.values, real["count"].value_counts(normalize=True).sort_index())
    figure.draw_without_rendering()
    assert [each.get_text() for each in figure.axes[4].get_xticklabels()] == ["low", "high"]
    assert [each.get_text() for each in figure.legends[0].get_texts()] == ["real", "generated"]


def test_pairs_are_the_most_correlated_columns_with_their_rank_correlations():
    real, made = frame(0), frame(1)
    figure = plot_pairs({"real": real, "generated": made}, most=2)
    assert len(figure.axes) == 4
    assert [figure.axes[place].get_ylabel() for place in (0, 2)] == ["x", "y"]
    texts = [each.get_text() for each in figure.axes[1].texts]
    assert texts == [f"{spearmanr(each['x'], each['y']).statistic:+.2f}" for each in (real, made)]
    points = figure.axes[2].collections[0].get_offsets()
    np.testing.assert_allclose(points, real[["x", "y"]])


def test_columns_are_chosen_and_found_by_name():
    real = frame(0)
    figure = plot_pairs({"real": real, "generated": real[real.columns[::-1]]}, columns=["count", "constant"])
    assert [each.get_text() for each in figure.axes[1].texts] == ["-", "-"]  # a constant has no correlation
    figure = plot_marginals({"a": real, "b": real[real.columns[::-1]]})
    for axes in figure.axes:
        first, second = (patch.get_data() for patch in axes.patches)
        np.testing.assert_allclose(first.values, second.values, atol=0.02)


def test_many_rows_are_thinned_and_arrays_have_numbers_for_names():
    rows = torch.randn(5000, 2, generator=torch.Generator().manual_seed(0))
    figure = plot_pairs({"real": rows, "other": rows.numpy()[:50]})
    assert [len(each.get_offsets()) for each in figure.axes[2].collections] == [1000, 50]
    assert figure.axes[3].get_xlabel() == "x1"


def test_columns_of_arrays_are_called_as_told():
    figure = plot_marginals({"real": frame(0)[["x", "y"]].to_numpy()}, columns=["mass", "charge"])
    assert [axes.get_title() for axes in figure.axes] == ["mass", "charge"]


def test_far_values_of_generated_rows_do_not_press_the_real_ones_together():
    rows = torch.linspace(0, 1, 500)[:, None]
    far = rows.clone()
    far[0] = 1e9
    edges = plot_marginals({"real": rows, "generated": far}).axes[0].patches[0].get_data().edges
    assert edges[-1] == pytest.approx(1, abs=0.01)


def test_what_is_no_table_or_another_one_is_refused():
    with pytest.raises(ArgumentError, match="`sets` must hold at least one table"):
        plot_marginals({})
    with pytest.raises(ArgumentTypeError, match="a mapping of titles to tables"):
        plot_pairs(frame(0))
    with pytest.raises(ArgumentTypeError, match=r"`sets\['a'\]` must be a table"):
        plot_marginals({"a": [[1, 2]]})
    with pytest.raises(DatasetError, match="has no column `alone`"):
        plot_pairs({"a": frame(0), "b": frame(0).drop(columns="alone")})
    with pytest.raises(DatasetError, match=r"must have shape \(N, 6\)|must have 6 columns"):
        plot_marginals({"a": load_table(frame(0)), "b": torch.zeros(3, 2)})
    with pytest.raises(ArgumentError, match="`most` must be an integer of at least 2"):
        plot_pairs({"a": frame(0)}, most=1)
