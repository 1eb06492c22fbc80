"""The analysis of a capacity study, on made-up trials whose answer is known."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from qiskit_qgen.exceptions import CheckpointError
from qiskit_qgen.studies import CapacityPlan, CapacityStudy, OptimalityRule
from qiskit_qgen.studies.capacity.grid import generator_name
from qiskit_qgen.studies.capacity.growth import CRITIC, GENERATOR

STEPS = list(range(50, 1001, 50))
LAYERS = (1, 2, 3, 4, 5, 6)
WIDTHS = tuple(2**power for power in range(1, 13))  # of critics, which are their sizes here
CLASSICAL = (8, 16, 32, 64, 128, 256, 512)
LAYER_SIZE = 100  # parameters of a quantum layer
PLAN = CapacityPlan(num_studies=10)
SCORE = "latent_sliced_wasserstein"


def record(configuration, score, number, status="done"):
    curve = {"steps": STEPS, "values": [score] * len(STEPS)}
    loss = {"steps": STEPS, "values": [-1.0] * len(STEPS)}
    ended = {"result": {"scores": {SCORE: curve}, "critic_loss": loss}}
    return {"digest": f"{number:016x}", "configuration": configuration, "status": status} | (
        ended if status == "done" else {"error": "TrainingDivergedError: infinite"}
    )


def made_up_study(critic_power, match_power, *, noise=0.02, seeds=3):
    """Trials whose optimal critic of l layers is 2 ** critic_power(l), their level that of a classical generator.

    A classical generator's level is 1 over the root of its size, a quantum one's that of 2 ** match_power(l).
    """
    generator = np.random.default_rng(0)
    records, names = [], {}

    def add(configuration, size, best, level):
        for width in WIDTHS:
            off = 0.4 * abs(best - np.log2(width))
            for seed in range(seeds):
                score = float(np.exp(level + off + noise * generator.normal()))
                own = {**configuration, "critic_width": width, "seed": seed}
                names[generator_name(own)] = size
                records.append(record(own, score, len(records)))

    for layers in LAYERS:
        configuration = {"generator": "quantum", "num_qubits": 12, "num_layers": layers}
        add(configuration, LAYER_SIZE * layers, critic_power(layers), -0.5 * np.log(2) * match_power(layers))
    for width in CLASSICAL:
        add({"generator": "classical", "generator_width": width}, width, 6, -0.5 * np.log(width))
    sizes = {"generators": names, "critics": {str(width): width for width in WIDTHS}}
    return CapacityStudy(records, sizes, {}, plan=PLAN)


def test_exponential_growth_is_found_and_named():
    study = made_up_study(lambda layers: 3 + layers, lambda layers: 3.5 + 0.8 * layers)
    critic, match = study.analysis.scaling[CRITIC], study.analysis.scaling[GENERATOR]
    sizes = [point["y"] for point in critic.points]
    assert np.array(sizes[1:]) / sizes[:-1] == pytest.approx([2] * 5, rel=0.2)  # 2 ** (3 + x / 100)
    assert [point["x"] for point in critic.points] == [100, 200, 300, 400, 500, 600]
    assert critic.law == match.law == "exponential"
    assert critic.growth["exponential"][1] < 2**5 < critic.growth["exponential"][2]
    assert match.growth["exponential"][1] < 2**4 < match.growth["exponential"][2]
    assert critic.growth_shown


def test_no_growth_is_not_called_growth():
    critic = made_up_study(lambda _: 6, lambda _: 6).analysis.scaling[CRITIC]
    assert (critic.law, critic.growth_shown) == ("constant", False)


def test_too_few_seeds_have_no_optimum_however_good_the_fit():
    study = made_up_study(lambda layers: 3 + layers, lambda _: 6, seeds=2)
    assert study.analysis.optima == {}
    assert study.analysis.scaling[CRITIC].law is None
    assert "| 12 qubits, 1 layer | 100 | none | none | - | - | - |" in study.table()


def test_a_match_that_no_classical_generator_reaches_is_none():
    points = made_up_study(lambda _: 6, lambda layers: 6 + layers).analysis.scaling[GENERATOR].points
    assert [point["y"] is None for point in points] == [False] * 3 + [True] * 3


def test_thresholds_move_the_conclusion_and_the_study_says_so():
    study = made_up_study(lambda layers: 3 + layers, lambda _: 6)
    for each in study.records:  # large critics waver by a fifth about their score
        if each["configuration"]["critic_width"] > 64:
            values = each["result"]["scores"][SCORE]["values"]
            values[:] = [value * (1.2 if index % 2 else 0.8) * (1 + 1e-6) for index, value in enumerate(values)]
    assert study.analysis.scaling[CRITIC].law is None
    (row,) = [row for row in study.analysis.sensitivity if row["change"] == "max_spread 0.3"]
    assert row[CRITIC]["law"] == "exponential"
    assert row[CRITIC]["changed"] is True
    sizes = ", ".join(map(str, row[CRITIC]["sizes"]))
    assert f"| max_spread 0.3 | {sizes} | exponential (changed) |" in study.table()
    other = study.with_rule(OptimalityRule(max_spread=0.3))
    assert [point["y"] for point in other.analysis.scaling[CRITIC].points] == row[CRITIC]["sizes"]


def test_another_score_may_say_another_thing_and_the_study_says_so():
    study = made_up_study(lambda layers: 3 + layers, lambda _: 6)
    for each in study.records:  # by this score a critic of 64 is best for all
        off = abs(6 - np.log2(each["configuration"]["critic_width"])) + 0.01 * each["configuration"]["seed"]
        each["result"]["scores"]["latent_kernel_distance"] = {
            "steps": [800, 900, 1000],
            "values": [float(np.exp(off))] * 3,
        }
        each["result"]["scores"]["latent_frechet_distance"] = {"steps": [1000], "values": [1.0]}
    changes = {row["change"]: row for row in study.analysis.sensitivity}
    row = changes["score kernel distance of latents"]
    assert (row[CRITIC]["law"], row[CRITIC]["changed"]) == ("constant", True)
    assert not any("Fréchet" in change for change in changes)  # one value cannot be judged


def test_generators_that_a_trivial_baseline_beats_have_no_optimum():
    study = made_up_study(lambda _: 6, lambda layers: 4 + layers)
    level = {"mean": 2.0**-3.75, "low": 2.0**-3.75, "high": 2.0**-3.75}  # that of 2 ** 7.5 parameters
    beaten = replace(study, references={SCORE: {"gaussian": level, "training": {**level, "mean": 0.01}}})
    assert beaten.analysis.unlearned[:3] == ["12 qubits, 1 layer", "12 qubits, 2 layers", "12 qubits, 3 layers"]
    assert "12 qubits, 4 layers" in beaten.analysis.optima
    assert [point["used"] for point in beaten.analysis.scaling[CRITIC].points] == [False] * 3 + [True] * 3
    assert beaten.floor == 0.01
    assert beaten.trivial == level["mean"]
    assert "No better than a trivial baseline with any critic, and left out: 12 qubits, 1 layer" in beaten.table()


def test_what_the_design_can_tell_is_said_and_beyond_it_nothing():
    study = made_up_study(lambda layers: 3 + layers, lambda layers: 3.5 + 0.8 * layers, noise=0.01, seeds=4)
    assert study.power.plan.noise == pytest.approx(0.01, rel=0.15)
    assert (study.power.plan.slope, study.power.plan.rise) == pytest.approx((0.4 / np.log(2),) * 2, rel=0.1)
    assert study.power.names_laws(CRITIC)
    text = study.table()
    assert text.startswith("**Of the critic: growth is shown (a factor of ")
    assert "; the law is named: exponential.** The critic: with noise of 0.0" in text
    strict = replace(study, plan=replace(PLAN, growth=1.3))  # growth so small that the design cannot see it
    assert not strict.power.sees_growth(CRITIC)
    assert strict.table().startswith("**Nothing is concluded on the growth of the critic.**")
    (verdict,) = [line for line in strict.table().splitlines() if line.startswith("| critic | 6 of 6")]
    assert verdict.endswith("| - | - |")


def test_diverged_and_failed_trials_count_and_are_never_optimal(tmp_path):
    study = made_up_study(lambda layers: 3 + layers, lambda _: 6)
    for number, each in enumerate(study.records):
        configuration = each["configuration"]
        if configuration["generator"] == "quantum" and configuration["critic_width"] == 64:
            study.records[number] = record(configuration, 0, number, "diverged" if number % 2 else "failed")
    counts = study.analysis.num_trials
    assert counts == {"planned": 468, "stable": 450, "unstable": 0, "diverged": 12, "failed": 6}
    assert all(optimum.best_critic != 64 for name, optimum in study.analysis.optima.items() if "qubits" in name)
    study.save(tmp_path)
    assert CapacityStudy.load(tmp_path).to_dict() == study.to_dict()
    rows = list(csv.DictReader((tmp_path / "capacity.csv").read_text().splitlines()))
    assert len(rows) == 468
    assert {row["stable"] for row in rows if row["status"] == "diverged"} == {"False"}
    assert json.loads((tmp_path / "capacity.json").read_text()) == json.loads(json.dumps(study.to_dict()))


@pytest.mark.parametrize("values", [None, "abc", [1.0]])
def test_a_record_without_curves_is_damaged(values):
    study = made_up_study(lambda _: 6, lambda _: 6)
    study.records[3]["result"]["scores"][SCORE]["values"] = values
    with pytest.raises(CheckpointError, match=r"record of trial 0000000000000003 is damaged.* the trial runs again"):
        study.analysis.to_dict()


@pytest.mark.parametrize("text", ["{}", "[]", '{"rule": {"beauty": 1}}', "{"])
def test_a_damaged_study_is_said_to_be_damaged(tmp_path, text):
    (tmp_path / "capacity.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"capacity\.json is damaged"):
        CapacityStudy.load(tmp_path)
