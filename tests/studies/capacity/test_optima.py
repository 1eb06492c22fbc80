"""Optimal sizes, on scores whose optimum is known."""

import numpy as np
import pytest
import scipy.stats

from qiskit_qgen.studies.capacity.optima import ScoreTable, jackknife_variance, locate, match, score_tables
from qiskit_qgen.studies.capacity.optimality import JudgedTrial, Judgement, OptimalityRule

RULE = OptimalityRule(score="latent_sliced_wasserstein")
SIZES = 2.0 ** np.arange(4, 14)


def trials(generator, cells):
    """Trials of one generator: critics with the scores of their seeds; None is an unstable one."""
    return [
        JudgedTrial(generator, critic, seed, Judgement(9.0 if score is None else score, 0, 0, 0, score is not None))
        for critic, scores in cells.items()
        for seed, score in enumerate(scores)
    ]


def valley(middle, *, steep=0.3):
    """The logarithm of scores that rise by ``steep`` for each factor e of size off the optimal one."""
    return steep * np.abs(np.log(SIZES) - middle)


@pytest.mark.parametrize("stable", [0, 1, 2])
def test_a_pair_of_sizes_takes_three_stable_seeds(stable):
    cells = {10: [1.0] * stable + [None] * (4 - stable), 20: [2.0, 2.0, 2.0, None]}
    table = score_tables(trials("g", cells), RULE)["g"]
    assert table.critics.tolist() == [20.0]


def test_a_pair_of_sizes_takes_enough_of_its_seeds():
    cells = {10: [1.0] * 3 + [None] * 4, 20: [2.0] * 7}
    assert score_tables(trials("g", cells), RULE)["g"].critics.tolist() == [20.0]
    loose = OptimalityRule(min_stable=0.4)
    assert score_tables(trials("g", cells), loose)["g"].critics.tolist() == [10.0, 20.0]
    assert score_tables(trials("g", {10: [None] * 3}), RULE) == {}


def test_all_tables_have_a_row_for_each_seed():
    found = score_tables([*trials("a", {10: [1.0] * 3}), *trials("b", {10: [1.0] * 5})], RULE)
    assert [len(table.logs) for table in found.values()] == [5, 5]


def test_critics_are_compared_seed_by_seed():
    """A seed that is worse for all critics moves none of them, whichever of its trainings are missing."""
    seeds = np.array([0.0, 0.1, 1.0, -0.2, 0.4])[:, None]
    critics = np.array([0.5, 0.3, 0.2, 0.6])
    whole = ScoreTable(2.0 ** np.arange(4), seeds + critics)
    assert np.diff(whole.effects[1]) == pytest.approx(np.diff(critics))
    logs = whole.logs.copy()
    logs[2, 1] = logs[3, 0] = logs[4, 2] = np.nan  # the bad seed lacks the second critic, by chance
    table = ScoreTable(whole.critics, logs)
    assert np.nanmean(logs, axis=0)[1] < np.nanmean(logs, axis=0)[2]  # which unpaired means would prefer
    assert np.diff(table.effects[1]) == pytest.approx(np.diff(critics), abs=1e-4)
    assert table.noise == pytest.approx(0, abs=1e-4)
    assert np.diff(table.means(), axis=1) == pytest.approx(np.tile(np.diff(critics), (6, 1)), abs=1e-3)


def test_the_noise_is_that_about_seeds_and_critics():
    generator = np.random.default_rng(0)
    logs = generator.normal(size=(200, 1)) + generator.normal(size=6) + 0.1 * generator.normal(size=(200, 6))
    assert ScoreTable(SIZES[:6], logs).noise == pytest.approx(0.1, rel=0.1)


def test_the_excess_is_the_paired_t_interval():
    generator = np.random.default_rng(3)
    logs = generator.normal(size=(5, 1)) + generator.normal(0, 0.1, (5, 2))
    found = ScoreTable(SIZES[:2], logs).excess(0, 1)
    difference = logs[:, 0] - logs[:, 1]
    low, high = scipy.stats.t.interval(0.95, 4, difference.mean(), scipy.stats.sem(difference))
    assert (found["mean"], found["low"], found["high"]) == pytest.approx(
        tuple(np.expm1([difference.mean(), low, high]))
    )


@pytest.mark.parametrize("middle", [6.2, 6.4, 6.6, 6.8])
def test_an_optimum_between_two_sizes_of_the_grid_is_found_there(middle):
    """Of a symmetric valley the place below the optimum where the score is a fifth worse is known in closed form."""
    found = locate(SIZES, valley(middle, steep=0.3)[None], 0.2)
    smooth = 0.3 * 0.55  # by which smoothing lifts the bottom of the valley, about
    assert found.sizes[0] == pytest.approx(middle - (np.log(1.2) + smooth) / 0.3, abs=0.15)
    steps = [locate(SIZES, valley(middle + shift)[None], 0.2).sizes[0] - found.sizes[0] for shift in (0.1, 0.2, 0.3)]
    spacing = np.log(2)
    assert steps == pytest.approx([0.1, 0.2, 0.3], abs=spacing / 5)  # straight lines cut the corner of the kink


def test_the_optimal_size_is_never_much_worse_than_the_best():
    generator = np.random.default_rng(5)
    table = ScoreTable(SIZES, valley(6.5) + generator.normal(0, 0.05, (5, 1)) + generator.normal(0, 0.02, (5, 10)))
    found = locate(SIZES, table.means(), 0.2)
    assert (
        table.excess(int(found.chosen[0]), int(found.best[0]))["mean"] < 0.25
    )  # of raw scores, the curve's are smoothed


@pytest.mark.parametrize(
    ("logs", "at_edge"),
    [
        (valley(6.0), False),
        (valley(6.0) * (np.arange(10) < 9) - 0.01 * (np.arange(10) == 9), True),  # the best is the largest, not chosen
        (-0.3 * np.log(SIZES), True),
        (0.3 * np.log(SIZES), True),
    ],
)
def test_an_edge_is_marked_where_the_best_critic_lies_on_it(logs, at_edge):
    found = locate(SIZES, logs[None], 0.2)
    assert bool(found.at_edge[0]) is at_edge
    if logs[-1] == -0.01:
        assert found.chosen[0] not in (0, 9)


def test_what_is_no_better_than_a_baseline_is_not_as_good():
    """The smallest critics are within the tolerance, but disturb N(0, I) rather than learn."""
    logs = np.log([0.19, 0.18, 0.17, 0.16, 0.15, 0.15, 0.15, 0.15, 0.15, 0.15])[None]
    free, limited = (locate(SIZES, logs, 0.2, limit) for limit in (np.inf, np.log(0.165)))
    assert free.sizes[0] < np.log(SIZES[2])
    assert np.log(SIZES[2]) < limited.sizes[0] < np.log(SIZES[4])
    lost = locate(SIZES, logs, 0.2, np.log(0.1))  # nothing has learnt: the best alone counts
    assert lost.sizes[0] > limited.sizes[0]
    reached = np.log([[0.18, 0.16, 0.15]])
    sizes = [float(match(np.log([0.15]), SIZES[:3], reached, 0.2, limit)[0][0]) for limit in (np.inf, np.log(0.16))]
    assert sizes == pytest.approx(np.log(SIZES[:2]))


def test_one_size_is_no_edge():
    assert not locate(SIZES[:1], np.zeros((1, 1)), 0.2).at_edge[0]


def test_the_matching_generator_is_interpolated_where_the_scores_meet():
    classical, reached = np.array([100.0, 200.0, 400.0]), np.log([[4.0, 2.0, 1.0]])
    sizes, smallest = match(np.log([2.0, 3.0, 0.5, 8.0]), classical, np.repeat(reached, 4, axis=0), 0.0)
    assert np.exp(sizes[:2]) == pytest.approx([200, 100 * 4 / 3])
    assert np.isnan(sizes[2])
    assert smallest.tolist() == [False, False, False, True]
    sizes, _ = match(np.log([1.0]), classical, reached, 1.0)  # twice as bad counts as as good
    assert np.exp(sizes) == pytest.approx([200])


def test_the_jackknife_s_variance_of_a_mean_is_the_usual_one():
    values = np.random.default_rng(1).normal(size=7)
    left_out = (values.sum() - values) / 6
    assert jackknife_variance(left_out) == pytest.approx(values.var(ddof=1) / 7)
