"""Power by simulation beside the noncentral t distribution."""

import math

import numpy as np
import pytest
from scipy import stats

from qiskit_qgen.studies.arms.power import detectable_effect, seeds_table


def exact_power(effect, pairs, level=0.05):
    edge = stats.t.ppf(1 - level / 2, pairs - 1)
    return stats.nct.sf(edge, pairs - 1, effect * math.sqrt(pairs)) + stats.nct.cdf(
        -edge, pairs - 1, effect * math.sqrt(pairs)
    )


@pytest.mark.parametrize("pairs", [3, 5, 12])
def test_one_comparison_has_the_power_of_the_noncentral_t(pairs):
    assert exact_power(detectable_effect(pairs), pairs) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("tests", [3, 7])
def test_of_several_the_first_step_of_holm_decides_where_one_difference_is_true(tests):
    """Others pass it in about a twentieth of the studies, so that the power lies a little above Bonferroni's."""
    found = exact_power(detectable_effect(5, tests), 5, 0.05 / tests)
    assert 0.76 < found < 0.82


def test_more_seeds_see_smaller_differences_and_more_tests_larger_ones():
    known = seeds_table(2.0, 1)
    assert list(known) == sorted(known)
    assert list(known.values()) == sorted(known.values(), reverse=True)
    assert known[5] == pytest.approx(2 * detectable_effect(5))
    assert detectable_effect(5, 4) > detectable_effect(5, 2) > detectable_effect(5)
    assert detectable_effect(1) == np.inf
