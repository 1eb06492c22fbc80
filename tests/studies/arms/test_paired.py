import numpy as np
import pytest
from scipy import stats

from qiskit_qgen.studies.arms.paired import adjusted_together, compare_arms, compare_pooled, comparison_table, holm

PLAIN = {0: 1.0, 1: 2.0, 2: 4.0, 3: 8.0}
BETTER = {seed: value - 0.5 - 0.01 * seed for seed, value in PLAIN.items()}
NOISY = {0: 9.0, 1: 1.0, 2: 5.0, 3: 2.0}


def compare(**arms):
    scores = {"plain": PLAIN, **arms}
    return adjusted_together(compare_arms(scores, [(arm, "plain") for arm in arms], extractor="pixel", size=100))


def test_interval_and_p_value_are_those_of_a_paired_t_test():
    (found,) = compare(noisy=NOISY)
    expected = stats.ttest_rel(list(NOISY.values()), list(PLAIN.values()))
    low, high = expected.confidence_interval(0.95)
    assert found.difference["low"] == pytest.approx(low)
    assert found.difference["high"] == pytest.approx(high)
    assert found.difference["mean"] == pytest.approx(found.bootstrap["mean"])
    assert found.adjusted == pytest.approx(expected.pvalue)
    assert not found.is_clear


def test_a_shift_of_all_pairs_is_seen_although_seeds_differ_by_more():
    (found,) = compare(better=BETTER)
    assert found.is_clear
    assert found.difference["high"] < 0
    unpaired = stats.ttest_ind(list(BETTER.values()), list(PLAIN.values()))
    assert unpaired.pvalue > 0.5


def test_what_is_detectable_is_of_the_size_of_the_spread():
    found = {each.arm: each for each in compare(better=BETTER, noisy=NOISY)}
    assert found["better"].detectable < 0.1 < 10 < found["noisy"].detectable


def test_only_common_seeds_are_compared():
    (found,) = compare(better={2: 3.0, 3: 7.0, 9: 100.0})
    assert found.num_pairs == 2
    assert found.difference["mean"] == pytest.approx(-1)
    assert compare(better={9: 1.0}) == []


def test_one_pair_has_no_interval_and_is_not_tested():
    (found,) = compare(better={0: 0.5})
    assert found.difference == {"mean": -0.5, "low": None, "high": None}
    assert (found.adjusted, found.detectable, found.is_clear) == (None, None, False)
    assert comparison_table([found]).endswith("| -0.5 | - | - | no | - |")


@pytest.mark.parametrize(
    ("values", "adjusted"),
    [
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),  # 3 x 0.01, 2 x 0.03, and no less for 0.04
        ([0.5, 0.4], [0.8, 0.8]),
        ([0.7, 0.9], [1.0, 1.0]),
        ([], []),
    ],
)
def test_holm_multiplies_by_how_many_are_left(values, adjusted):
    assert holm(values) == pytest.approx(adjusted)


def test_comparisons_are_adjusted_for_each_other():
    alone, together = compare(better=BETTER)[0], compare(better=BETTER, noisy=NOISY)
    assert together[0].adjusted == pytest.approx(2 * alone.adjusted)
    assert together[0].num_tests == 2


def test_sizes_are_pooled_seed_by_seed_as_ratios():
    scores = {
        10: {"plain": {0: 9.0, 1: 11.0, 5: 1.0}, "better": {0: 8.0, 1: 12.0}},
        20: {"plain": {0: 0.5, 1: 1.5}, "better": {0: 0.4, 1: 1.1}},
    }
    (found,) = compare_pooled(scores, [("better", "plain"), ("other", "plain")], extractor="pixel")
    ratios = np.log([[8 / 9, 12 / 11], [0.4 / 0.5, 1.1 / 1.5]]).mean(0)  # of seeds 0 and 1
    assert found.difference["mean"] == pytest.approx(ratios.mean())
    assert found.p_value == pytest.approx(stats.ttest_1samp(ratios, 0).pvalue)
    assert (found.size, found.num_pairs) == (None, 2)
    assert f"| all | better / plain | 2 | {np.exp(ratios.mean()):.4g} [" in comparison_table([found])


def test_what_has_no_ratio_is_not_pooled():
    scores = {10: {"plain": {0: 9.0, 1: -1e-5}, "better": {0: 8.0, 1: 12.0}, "same": {0: 9.0}}}
    found = compare_pooled(scores, [("better", "plain"), ("same", "plain")], extractor="pixel")
    assert [(each.arm, each.difference["mean"]) for each in found] == [("same", 0)]


def test_the_table_tells_what_is_shown_and_what_could_have_been():
    rows = comparison_table(compare(better=BETTER, noisy=NOISY)).splitlines()
    assert rows[0].startswith("| features | images | comparison |")
    assert rows[2].startswith("| pixel | 100 | better - plain | 4 | -0.515 [")
    assert "| yes | " in rows[2]
    assert rows[3].startswith("| pixel | 100 | noisy - plain | 4 |")
    assert "| no | " in rows[3]
