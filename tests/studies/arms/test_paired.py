import pytest
from scipy import stats

from qiskit_qgen.studies.arms.paired import compare_arms, comparison_table

PLAIN = {0: 1.0, 1: 2.0, 2: 4.0, 3: 8.0}
BETTER = {seed: value - 0.5 - 0.01 * seed for seed, value in PLAIN.items()}
NOISY = {0: 9.0, 1: 1.0, 2: 5.0, 3: 2.0}


def compare(**arms):
    return compare_arms({"plain": PLAIN, **arms}, [(arm, "plain") for arm in arms], size=100, step=20)


def test_the_interval_is_that_of_a_paired_t_test():
    (found,) = compare(noisy=NOISY)
    expected = stats.ttest_rel(list(NOISY.values()), list(PLAIN.values()))
    low, high = expected.confidence_interval(0.95)
    assert found.difference["low"] == pytest.approx(low)
    assert found.difference["high"] == pytest.approx(high)
    assert found.difference["mean"] == pytest.approx(found.bootstrap["mean"])
    assert not found.excludes_zero
    assert expected.pvalue > 0.05


def test_a_shift_of_all_pairs_is_seen_although_seeds_differ_by_more():
    (found,) = compare(better=BETTER)
    assert found.excludes_zero
    assert found.difference["high"] < 0
    unpaired = stats.ttest_ind(list(BETTER.values()), list(PLAIN.values()))
    assert unpaired.pvalue > 0.5


def test_only_common_seeds_are_compared():
    (found,) = compare(better={2: 3.0, 3: 7.0, 9: 100.0})
    assert found.num_pairs == 2
    assert found.difference["mean"] == pytest.approx(-1)
    assert compare(better={9: 1.0}) == []


def test_one_pair_has_no_interval():
    (found,) = compare(better={0: 0.5})
    assert found.difference == {"mean": -0.5, "low": None, "high": None}
    assert not found.excludes_zero
    assert "| -0.5 | - | no |" in comparison_table([found])
    assert comparison_table([found]).endswith("0 of 0 intervals exclude zero; by chance alone about 0.0 would.")


def test_the_table_tells_which_intervals_exclude_zero_and_how_many_would_by_chance():
    rows = comparison_table(compare(better=BETTER, noisy=NOISY)).splitlines()
    assert rows[0].startswith("| images | step | difference |")
    assert rows[2].startswith("| 100 | 20 | better - plain | 4 | -0.515 [")
    assert rows[2].endswith("| yes |")
    assert rows[3].startswith("| 100 | 20 | noisy - plain | 4 |")
    assert rows[3].endswith("| no |")
    assert rows[-1] == "1 of 2 intervals exclude zero; by chance alone about 0.1 would."
