"""The analysis of a capacity study, on made-up trials whose answer is known."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from qiskit_qgen.exceptions import CheckpointError
from qiskit_qgen.studies import CapacityStudy, OptimalityRule
from qiskit_qgen.studies.capacity.analysis import CRITIC, GENERATOR
from qiskit_qgen.studies.capacity.grid import generator_name

STEPS = list(range(50, 1001, 50))
LAYERS = (1, 2, 3, 4, 5, 6)
WIDTHS = tuple(2**power for power in range(1, 10))  # of critics and classical generators, which are their sizes here
LAYER_SIZE = 100  # parameters of a quantum layer


def record(configuration, score, number, status="done"):
    curve = {"steps": STEPS, "values": [score] * len(STEPS)}
    loss = {"steps": STEPS, "values": [-1.0] * len(STEPS)}
    ended = {"result": {"scores": {"latent_frechet_distance": curve}, "critic_loss": loss}}
    return {"digest": f"{number:016x}", "configuration": configuration, "status": status} | (
        ended if status == "done" else {"error": "TrainingDivergedError: infinite"}
    )


def made_up_study(critic_power, match_power, *, noise=0.0, seeds=3):
    """Trials whose optimal critic and matching classical generator of l layers are 2 ** power(l).

    A quantum generator of l layers scores 1 / (l + 1) with its best critic, and the worse, the smaller the critic; a
    classical one reaches the score of that generator whose match it is.
    """
    generator = np.random.default_rng(0)
    records, names = [], {}
    for layers in LAYERS:
        for width in WIDTHS:
            for seed in range(seeds):
                shortfall = max(0.0, critic_power(layers) - np.log2(width))
                score = (1 + shortfall) / (1 + layers) * np.exp(noise * generator.normal())
                configuration = {"generator": "quantum", "num_qubits": 12, "num_layers": layers}
                configuration |= {"critic_width": width, "seed": seed}
                names[generator_name(configuration)] = LAYER_SIZE * layers
                records.append(record(configuration, score, len(records)))
    for width in WIDTHS:
        reached = max([layers for layers in LAYERS if match_power(layers) <= np.log2(width)], default=0)
        for seed in range(seeds):
            configuration = {"generator": "classical", "generator_width": width, "critic_width": 16, "seed": seed}
            names[generator_name(configuration)] = width
            score = 1 / (1 + reached) * np.exp(noise * generator.normal())
            records.append(record(configuration, score, len(records)))
    sizes = {"generators": names, "critics": {str(width): width for width in WIDTHS}}
    return CapacityStudy(records, sizes, {"result": {"floor_reconstruction": {"frechet_distance": 0.1}}})


def test_exponential_growth_is_found_told_apart_and_tabulated():
    study = made_up_study(lambda layers: 1 + layers, lambda layers: 2 + layers)
    critic, match = study.analysis.scaling[CRITIC], study.analysis.scaling[GENERATOR]
    assert [point["y"] for point in critic.points] == [4, 8, 16, 32, 64, 128]
    assert [point["y"] for point in match.points] == [8, 16, 32, 64, 128, 256]
    assert [point["x"] for point in critic.points] == [100, 200, 300, 400, 500, 600]
    assert critic.best == match.best == "exponential"
    # 2 ** (1 + x / 100)
    assert critic.fits["exponential"].coefficients == pytest.approx({"a": 2, "b": np.log(2) / 100})
    assert match.fits["exponential"].coefficients == pytest.approx({"a": 4, "b": np.log(2) / 100})
    assert critic.told_apart
    assert critic.growth_shown
    assert critic.constant_behind == pytest.approx(critic.fits["constant"].aic - critic.fits["exponential"].aic)
    behind = f"{critic.constant_behind:.1f}"
    assert f"| critic | 6 of 6 | 3 | 300 of 300 | exponential | {behind} | yes | yes |" in study.table()
    rate = f"{np.log(2) / 100:.3g}"
    assert f"| critic | exponential a exp(b x) | a = 2 [2, 2], b = {rate} [{rate}, {rate}] |" in study.table()


def test_no_growth_is_not_called_growth():
    study = made_up_study(lambda _: 4, lambda _: 3)
    critic = study.analysis.scaling[CRITIC]
    assert [point["y"] for point in critic.points] == [16] * 6
    assert critic.best == "constant"
    assert critic.constant_behind == 0
    assert not critic.growth_shown
    assert "| critic | 6 of 6 | 3 | 300 of 300 | constant | 0.0 |" in study.table()


def test_a_fit_that_grows_shows_no_growth_while_a_constant_is_nearly_as_good():
    study = made_up_study(lambda layers: 4 if layers < 6 else 5, lambda _: 3)
    critic = study.analysis.scaling[CRITIC]
    assert critic.intervals["exponential"]["b"][0] > 0
    # In units of the grid, a constant leaves a variance of 5 / 36 at 6 points, and rounding to the grid alone 1 / 12.
    lead = 6 * np.log(5 / 36 * 12) - 2
    assert critic.constant_behind == pytest.approx(lead)
    assert not critic.growth_shown
    assert study.with_rule(OptimalityRule(min_aic_lead=lead - 0.01)).analysis.scaling[CRITIC].growth_shown
    assert not study.with_rule(OptimalityRule(min_aic_lead=lead + 0.01)).analysis.scaling[CRITIC].growth_shown


def test_a_fit_that_grows_shows_no_growth_while_other_draws_of_the_seeds_fall():
    critic = made_up_study(lambda layers: 3 + layers // 3, lambda _: 3, noise=0.3).analysis.scaling[CRITIC]
    assert critic.best == "exponential"
    assert critic.fits["exponential"].coefficients["b"] > 0
    assert critic.fits["constant"].aic > critic.fits["exponential"].aic + 2
    low, high = critic.intervals["exponential"]["b"]
    assert low < 0 < high
    assert f"[{low:.3g}, {high:.3g}]" in critic.coefficients("exponential")
    assert not critic.growth_shown
    assert sum(critic.shares.values()) == pytest.approx(1)
    assert critic.num_draws == (300, 300)


def test_growth_takes_enough_draws_with_optima_for_a_law():
    critic = made_up_study(lambda layers: 1 + layers, lambda layers: 2 + layers).analysis.scaling[CRITIC]
    assert replace(critic, num_draws=(240, 300)).growth_shown
    assert not replace(critic, num_draws=(239, 300)).growth_shown


def test_what_falls_does_not_grow():
    critic = made_up_study(lambda layers: 8 - layers, lambda _: 3).analysis.scaling[CRITIC]
    assert critic.told_apart
    assert critic.intervals["exponential"]["b"][1] < 0
    assert not critic.growth_shown


def test_one_seed_shows_nothing_however_good_the_fit():
    study = made_up_study(lambda layers: 1 + layers, lambda layers: 2 + layers, seeds=1)
    critic = study.analysis.scaling[CRITIC]
    assert critic.best == "exponential"
    assert "| 12 qubits, 1 layer | 100 | 4 | 8 |" in study.analysis.table()  # without an interval
    assert "[" not in critic.coefficients("exponential")
    assert (critic.told_apart, critic.growth_shown, critic.num_seeds) == (False, False, (1, 1))


def test_a_range_too_small_for_the_grid_does_not_tell_laws_apart():
    study = made_up_study(lambda layers: 4 if layers < 4 else 5, lambda layers: 4 if layers < 4 else 5)
    assert not study.analysis.scaling[CRITIC].told_apart


def test_noise_between_seeds_widens_the_intervals():
    exact = made_up_study(lambda layers: 1 + layers, lambda layers: 2 + layers).analysis.scaling[CRITIC]
    noisy = made_up_study(lambda layers: 1 + layers, lambda layers: 2 + layers, noise=0.4).analysis.scaling[CRITIC]
    assert exact.intervals["exponential"]["b"] == pytest.approx([np.log(2) / 100] * 2)
    low, high = noisy.intervals["exponential"]["b"]
    assert high - low > 1e-4
    assert noisy.shares["exponential"] < exact.shares["exponential"] == 1
    assert sum(noisy.shares.values()) == pytest.approx(1)


def test_a_match_that_no_classical_generator_reaches_is_none():
    study = made_up_study(lambda layers: 1 + layers, lambda layers: 4 + layers)
    assert [point["y"] for point in study.analysis.scaling[GENERATOR].points] == [32, 64, 128, 256, 512, None]
    assert study.analysis.scaling[GENERATOR].points[4]["at_edge"]
    assert "| 12 qubits, 6 layers | 600 | 128 [128, 128] | none |" in study.analysis.table()


def test_too_few_generators_give_no_law():
    study = made_up_study(lambda layers: 1 + layers, lambda _: 20)
    result = study.analysis.scaling[GENERATOR]
    assert (result.best, result.fits, result.told_apart) == (None, {}, False)
    assert result.constant_behind is None
    assert "| classical generator | 0 of 6 | 3 | 0 of 300 | - | - | no | no |" in study.table()


def test_thresholds_move_the_conclusion_and_the_study_says_so():
    study = made_up_study(lambda layers: 1 + layers, lambda layers: 2 + layers)
    for each in study.records:  # large critics waver by a fifth about their score
        if each["configuration"]["critic_width"] > 16:
            values = each["result"]["scores"]["latent_frechet_distance"]["values"]
            values[:] = [value * (1.2 if index % 2 else 0.8) * (1 + 1e-6) for index, value in enumerate(values)]
    assert [point["y"] for point in study.analysis.scaling[CRITIC].points] == [4, 8, 16, 16, 16, 16]
    (row,) = [row for row in study.analysis.sensitivity if row["change"] == "max_spread 0.3"]
    assert row[CRITIC]["sizes"] == [4, 8, 16, 32, 64, 128]
    assert row[CRITIC] | {"sizes": 0} == {"sizes": 0, "best": "exponential", "changed": True}
    assert "| max_spread 0.3 | 4, 8, 16, 32, 64, 128 | exponential (changed) |" in study.table()
    other = study.with_rule(OptimalityRule(max_spread=0.3))
    assert [point["y"] for point in other.analysis.scaling[CRITIC].points] == [4, 8, 16, 32, 64, 128]


def test_another_score_may_say_another_thing_and_the_study_says_so():
    study = made_up_study(lambda layers: 1 + layers, lambda layers: 2 + layers)
    for each in study.records:  # of pictures, the smallest critic is best for all
        worse = float(each["configuration"]["critic_width"])
        each["result"]["scores"]["frechet_distance"] = {"steps": [800, 900, 1000], "values": [worse] * 3}
        each["result"]["scores"]["latent_jensen_shannon_divergence"] = {"steps": [1000], "values": [worse]}
    changes = {row["change"]: row for row in study.analysis.sensitivity}
    row = changes["score Fréchet distance of images"]
    assert row[CRITIC] == {"sizes": [2] * 6, "best": "constant", "changed": True}
    assert not any("Jensen" in change for change in changes)  # one value cannot be judged


def test_diverged_and_failed_trials_count_and_are_never_optimal(tmp_path):
    study = made_up_study(lambda layers: 1 + layers, lambda layers: 2 + layers)
    for number, each in enumerate(study.records):
        configuration = each["configuration"]
        if configuration["generator"] == "quantum" and configuration["critic_width"] == 8:
            study.records[number] = record(configuration, 0, number, "diverged" if number % 2 else "failed")
    assert [point["y"] for point in study.analysis.scaling[CRITIC].points] == [4, 16, 16, 32, 64, 128]
    assert study.analysis.num_trials == {"planned": 189, "stable": 171, "unstable": 0, "diverged": 9, "failed": 9}
    study.save(tmp_path)
    assert CapacityStudy.load(tmp_path).to_dict() == study.to_dict()
    rows = list(csv.DictReader((tmp_path / "capacity.csv").read_text().splitlines()))
    assert len(rows) == 189
    assert {row["stable"] for row in rows if row["status"] == "diverged"} == {"False"}
    assert json.loads((tmp_path / "capacity.json").read_text()) == study.to_dict()


def test_the_grid_s_resolution_is_that_of_the_critics_that_a_generator_met():
    """As after a search, generators met different critics: here every other one."""
    study = made_up_study(lambda layers: 1 + layers, lambda layers: 2 + layers)
    met = [
        each
        for each in study.records
        if each["configuration"]["generator"] == "classical"
        or (each["configuration"]["num_layers"] + WIDTHS.index(each["configuration"]["critic_width"])) % 2 == 0
    ]
    critic = CapacityStudy(met, study.sizes, study.floors).analysis.scaling[CRITIC]
    assert [point["y"] for point in critic.points] == [4, 8, 16, 32, 64, 128]
    # Every other power of 2 is a spacing of log 4, below which residuals mean nothing.
    assert critic.fits["exponential"].aic == pytest.approx(6 * np.log(np.log(4) ** 2 / 12) + 4)


def test_every_generator_s_best_score_stands_beside_the_floor():
    study = made_up_study(lambda layers: 1 + layers, lambda layers: 2 + layers)
    study.records[0]["result"]["floors"] = {"latent_frechet_distance": 0.2}
    table = study.table()
    assert table.splitlines()[2] == "| 189 | 189 | 0 | 0 | 0 | latent Fréchet distance | 0.143 | 0.2 |"
    assert "| 12 qubits, 1 layer | 100 | 4 [4, 4] | 8 [8, 8] | 0.5 | 2.5 |" in table
    assert "| width 512 | 512 | 16 |  | 0.143 | 0.714 |" in table


@pytest.mark.parametrize("values", [None, "abc", [1.0]])
def test_a_record_without_curves_is_damaged(values):
    study = made_up_study(lambda layers: 1 + layers, lambda layers: 2 + layers)
    study.records[3]["result"]["scores"]["latent_frechet_distance"]["values"] = values
    with pytest.raises(CheckpointError, match=r"record of trial 0000000000000003 is damaged.* the trial runs again"):
        study.analysis.table()


@pytest.mark.parametrize("text", ["{}", "[]", '{"rule": {"beauty": 1}}', "{"])
def test_a_damaged_study_is_said_to_be_damaged(tmp_path, text):
    (tmp_path / "capacity.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"capacity\.json is damaged"):
        CapacityStudy.load(tmp_path)


def test_without_laws_nothing_is_said_of_them():
    study = made_up_study(lambda _: 20, lambda _: 20)
    records = [each for each in study.records if each["configuration"].get("num_layers", 1) == 1]
    few = CapacityStudy(records, study.sizes, study.floors)
    assert "Laws of growth" not in few.table()
