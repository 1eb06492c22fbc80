"""The power of a design: that the analysis names laws that are true, and shows no growth that is none."""

import numpy as np
import pytest

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.studies import CapacityPlan, plan_capacity_study
from qiskit_qgen.studies.capacity.growth import CRITIC, GENERATOR
from qiskit_qgen.studies.capacity.laws import LAWS
from qiskit_qgen.studies.capacity.optima import ScoreTable
from qiskit_qgen.studies.capacity.optimality import OptimalityRule
from qiskit_qgen.studies.capacity.power import curve, measured_plan, simulate_power

QUANTUM = {str(layers): 72 * (layers + 1) for layers in (3, 4, 6, 8, 11, 15, 20, 26)}
CRITICS = [round(size) for size in np.geomspace(80, 40000, 14)]
PLANNED = {"noise": 0.06, "slope": 0.25, "rise": 0.05, "stable": 0.9}
SEEDS = 6


def power(*, rule=None, quantum=QUANTUM, critics=CRITICS, seeds=SEEDS, classical=None, **plan):
    own = CapacityPlan(**{**PLANNED, **plan})
    return simulate_power(quantum, classical or {}, critics, seeds, plan=own, rule=rule or OptimalityRule())


def test_a_planned_design_names_the_true_law_and_shows_no_false_growth():
    found = power(num_studies=120)
    rates = found.detections[CRITIC]
    for law in ("exponential", "power", "constant"):
        assert rates[law].named >= 0.9, law
    assert rates["constant"].growth <= 0.05
    assert min(rates[law].growth for law in LAWS[1:]) >= 0.9
    assert max(each.wrong for each in rates.values()) <= 0.05
    assert found.sees_growth(CRITIC)
    assert found.names_laws(CRITIC)
    assert found.sentence(CRITIC).endswith("The design has the power to tell growth, and its law.")


@pytest.mark.slow
@pytest.mark.parametrize("law", ["exponential", "power", "constant"])
@pytest.mark.parametrize("bend", [0.0, 0.5, 1.0])
def test_true_laws_are_named_whatever_the_curve_s_kink_is_like(law, bend):
    rates = power(num_studies=400, bend=bend, seed=1).detections[CRITIC]
    assert rates[law].named >= 0.8
    assert rates["constant"].growth <= 0.05
    assert max(each.wrong for each in rates.values()) <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("rise", [0.0, 0.3])
def test_no_false_growth_is_shown_and_no_law_may_be_named_in_noise(rise):
    """Where noise leaves little to be seen, wrong laws would be named more often: none is."""
    found = power(num_studies=300, noise=0.3, rise=rise, seed=2)
    assert found.detections[CRITIC]["constant"].growth <= 0.05
    assert not found.names_laws(CRITIC)
    if not rise:  # with a sharp rise 8 % of wrong laws were seen, which is why none may be named
        assert max(each.wrong for each in found.detections[CRITIC].values()) <= 0.05


def test_a_design_of_four_critics_and_three_seeds_has_no_power():
    """As in the study that was withdrawn: sizes a factor of six apart, a 33-fold growth, few stable trainings."""
    found = power(
        quantum={str(layers): 600 * (layers + 1) for layers in (1, 2, 4, 8)},
        critics=[2945, 15041, 85601, 538625],
        seeds=3,
        growth=33.0,
        noise=0.1,
        stable=0.42,
        num_studies=50,
    )
    assert found.detections[CRITIC]["exponential"].growth <= 0.25
    assert not found.sees_growth(CRITIC)
    assert found.sentence(CRITIC).endswith("nothing can be concluded from it on growth or its law.")


def test_matching_generators_have_a_power_of_their_own():
    classical = {str(size): size for size in (80, 200, 500, 1200, 3000, 8000)}
    found = power(classical=classical, num_studies=20)
    assert set(found.detections) == {CRITIC, GENERATOR}
    assert found.detections[GENERATOR]["exponential"].growth >= 0.8
    assert found.num_trials == (len(QUANTUM) + 6) * len(CRITICS) * SEEDS
    content = found.to_dict()
    assert content["rates"][GENERATOR]["constant"]["growth"] <= 0.05
    assert content["names_laws"][CRITIC] is found.names_laws(CRITIC)
    assert f"| {GENERATOR} | exponential |" in found.table()


def test_the_curve_has_its_slopes_far_from_the_kink_and_is_rounded_at_it():
    plan = CapacityPlan(slope=0.3, rise=0.1, bend=0.5)
    far = curve(np.array([-20.0, -19.0, 19.0, 20.0]), plan)
    assert far[1] - far[0] == pytest.approx(-0.3, abs=1e-6)
    assert far[3] - far[2] == pytest.approx(0.1, abs=1e-6)
    sharp = CapacityPlan(slope=0.3, rise=0.1, bend=0.0)
    assert curve(np.array([-2.0, 0.0, 3.0]), sharp) == pytest.approx([0.6, 0.0, 0.3])
    assert curve(np.array([0.0]), plan)[0] > 0


def test_noise_stability_and_slopes_are_measured():
    plan = CapacityPlan(noise=0.12, slope=0.4, rise=0.15, bend=0.0)
    generator = np.random.default_rng(0)
    sizes = np.geomspace(100, 20000, 12)
    tables = {}
    for index, middle in enumerate(np.log([500, 1000, 2000, 4000])):
        logs = curve(np.log(sizes) - middle, plan) + generator.normal(0, 0.5, (8, 1))
        tables[str(index)] = ScoreTable(sizes, logs + generator.normal(0, plan.noise, (8, 12)))
    found = measured_plan(tables, 0.7, CapacityPlan(growth=7.0))
    assert found.growth == 7
    assert found.stable == 0.7
    assert (found.noise, found.slope, found.rise) == pytest.approx((0.12, 0.4, 0.15), rel=0.2)
    assert measured_plan({}, 0.0, plan).noise == 0.12


def test_a_plan_is_one_of_the_study_s_own_settings():
    grid = {"num_qubits": [3], "num_layers": [3, 6, 11, 20], "critic_widths": [8, 20, 50], "seeds": [0, 1, 2]}
    grid["generator_widths"] = [4, 12]
    found = plan_capacity_study(grid, plan={"num_studies": 10}, autoencoder={"latent_dim": 6})
    assert found.num_trials == 6 * 3 * 3
    assert set(found.detections) == {CRITIC, GENERATOR}
    with pytest.raises(ArgumentError, match="`growth` must be a number in"):
        plan_capacity_study(grid, plan={"growth": 0.5})
    with pytest.raises(ArgumentTypeError, match="CapacityPlan has no option `groth`"):
        plan_capacity_study(grid, plan={"groth": 5})
