"""The capacity study: the analysis of made-up trials whose answer is known, and a whole study of small trials."""

import csv
import json

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, CheckpointError, DatasetError
from qiskit_qgen.studies import CapacityGrid, CapacitySearch, CapacityStudy, OptimalityRule, run_capacity_study
from qiskit_qgen.studies.autoencoders import load_autoencoder
from qiskit_qgen.studies.capacity_analysis import CRITIC, GENERATOR
from qiskit_qgen.studies.capacity_grid import generator_name

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


def test_exponential_growth_is_found_told_apart_and_put_in_words():
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
    assert "The optimal critic follows the exponential law a exp(b x)" in study.analysis.reading
    rate = f"{np.log(2) / 100:.3g}"
    assert critic.growth_shown
    assert critic.reading.count("From 6 quantum generators and draws of the 3 seeds of each pair of sizes") == 1
    assert f"[{rate}, {rate}] in the exponential law: all exclude zero growth" in critic.reading
    assert critic.reading.endswith("growth is shown. Intervals over so few seeds are narrower than they should be.")


def test_no_growth_is_not_called_growth():
    study = made_up_study(lambda _: 4, lambda _: 3)
    critic = study.analysis.scaling[CRITIC]
    assert [point["y"] for point in critic.points] == [16] * 6
    assert critic.best == "constant"
    assert "growth is not shown" in critic.reading
    assert not critic.growth_shown


def test_a_fit_that_grows_shows_no_growth_while_a_constant_is_nearly_as_good():
    study = made_up_study(lambda layers: 4 if layers < 6 else 5, lambda _: 3)
    critic = study.analysis.scaling[CRITIC]
    assert critic.intervals["exponential"]["b"][0] > 0
    # In units of the grid, a constant leaves a variance of 5 / 36 at 6 points, and rounding to the grid alone 1 / 12.
    lead = 6 * np.log(5 / 36 * 12) - 2
    assert f"since the constant law is behind by {lead:.1f} in AIC, less than 2" in critic.reading
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
    interval = f"[{low:.3g}, {high:.3g}]"
    assert f"{interval} in the exponential law: growth is not shown, since zero growth is within" in critic.reading

    assert not critic.growth_shown
    assert sum(critic.shares.values()) == pytest.approx(1)
    assert critic.num_draws == (300, 300)


def test_what_falls_is_said_to_fall():
    critic = made_up_study(lambda layers: 8 - layers, lambda _: 3).analysis.scaling[CRITIC]
    assert (
        critic.reading.count(
            "growth is not shown, since the interval of the linear, power, exponential law is below zero"
        )
        == 1
    )


def test_one_seed_shows_nothing_however_good_the_fit():
    study = made_up_study(lambda layers: 1 + layers, lambda layers: 2 + layers, seeds=1)
    critic = study.analysis.scaling[CRITIC]
    assert critic.best == "exponential"
    assert "| 12 qubits, 1 layer | 100 | 4 | 8 |" in study.analysis.table()  # without an interval
    assert (critic.told_apart, critic.growth_shown, critic.num_seeds) == (False, False, (1, 1))
    assert critic.reading == (
        "All pairs of sizes have one seed only, so that nothing is known about chance: of the optimal critic no law is "
        "told apart, though the exponential law has the lowest AIC, and growth is neither shown nor denied."
    )


def test_a_range_too_small_for_the_grid_does_not_tell_laws_apart():
    study = made_up_study(lambda layers: 4 if layers < 4 else 5, lambda layers: 4 if layers < 4 else 5)
    critic = study.analysis.scaling[CRITIC]
    assert not critic.told_apart
    assert critic.reading.startswith("The data do not tell the laws apart for the optimal critic")


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
    assert (
        result.reading
        == "Of 6 quantum generators 0 have an optimal classical generator; a law takes three sizes at least."
    )


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
    assert "max_spread 0.3" in study.analysis.reading
    other = study.with_rule(OptimalityRule(max_spread=0.3))
    assert [point["y"] for point in other.analysis.scaling[CRITIC].points] == [4, 8, 16, 32, 64, 128]


def test_another_score_may_say_another_thing_and_the_study_says_so():
    study = made_up_study(lambda layers: 1 + layers, lambda layers: 2 + layers)
    for each in study.records:  # of pictures, the smallest critic is best for all
        worse = float(each["configuration"]["critic_width"])
        each["result"]["scores"]["frechet_distance"] = {"steps": [800, 900, 1000], "values": [worse] * 3}
        each["result"]["scores"]["latent_jensen_shannon_divergence"] = {"steps": [1000], "values": [worse]}
    changes = {row["change"]: row for row in study.analysis.sensitivity}
    row = changes["score Fréchet distance of pictures"]
    assert row[CRITIC] == {"sizes": [2] * 6, "best": "constant", "changed": True}
    assert "score Fréchet distance of pictures" in study.analysis.reading
    assert not any("jensen" in change for change in changes)  # one value cannot be judged


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
    assert json.loads((tmp_path / "capacity.json").read_text())["analysis"]["reading"] == study.analysis.reading


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


@pytest.fixture(scope="module")
def pictures():
    generator = np.random.default_rng(5)
    images = generator.random((60, 1, 8, 8), dtype=np.float32) / 4
    for image, row in zip(images, generator.integers(8, size=60), strict=True):
        image[0, row] = 1
    return images[:40], images[40:]


GRID = CapacityGrid(num_qubits=(2,), num_layers=(1, 2, 3), generator_widths=(2, 4), critic_widths=(4, 8), seeds=(0, 1))
SMALL = {
    "autoencoder": {"autoencoder_width": 4, "autoencoder_hidden": 8, "latent_dim": 4},
    "autoencoder_steps": 4,
    "steps": 10,
    "batch_size": 8,
    "score_every": 2,
    "pictures_every": 4,
    "num_samples": 20,
    "rule": OptimalityRule(late_part=0.6, max_spread=9.0, max_slope=9.0, max_critic_drift=9.0),
}


@pytest.fixture(scope="module")
def small_study(tmp_path_factory, pictures):
    folder = tmp_path_factory.mktemp("capacity")
    return folder, run_capacity_study(pictures[0], GRID, held_out=pictures[1], folder=folder, **SMALL)


def test_a_whole_study_trains_scores_and_draws_every_pair(small_study):
    folder, study = small_study
    assert len(study.records) == 5 * 2 * 2
    assert {each["status"] for each in study.records} == {"done"}
    result = study.records[0]["result"]
    assert result["scores"]["latent_frechet_distance"]["steps"] == [2, 4, 6, 8, 10]
    assert result["scores"]["frechet_distance"]["steps"] == [4, 8, 10]
    assert result["critic_loss"]["steps"] == [2, 4, 6, 8, 10]
    assert all((folder / "trials" / each["digest"] / "samples.png").is_file() for each in study.records)
    assert not list(folder.glob("trials/*/checkpoints"))
    # a critic of width w on 4 latent numbers: 3 hidden layers, as StyleQGAN's default
    assert study.sizes["critics"] == {str(w): 5 * w + 2 * (w + 1) * w + w + 1 for w in (4, 8)}
    assert study.sizes["generators"]["width 2"] == study.records[6]["result"]["generator_parameters"]
    assert len(list((folder / "autoencoders").glob("trials/*/model"))) == 1
    assert study.floors["result"]["floor_reconstruction"]["frechet_distance"] > 0


def test_what_was_trained_is_told(small_study, tmp_path):
    study = small_study[1]
    text = (study.save(tmp_path) / "capacity.md").read_text()
    assert "Pictures: 40 of 1 x 8 x 8 for training, 20 of 1 x 8 x 8 held out." in text
    assert "autoencoder_hidden = 8, autoencoder_width = 4, latent_dim = 4; 4 steps of 8." in text
    assert "of 2 qubits and 1, 2, 3 layers, classical ones of widths 2, 4, critics of widths 4, 8, seeds 0, 1." in text
    assert "Trainings: 10 steps of 8, scored every 2 steps by 20 samples against as many held-out pictures" in text
    assert "Rule: score = latent_frechet_distance, late_part = 0.6, max_spread = 9.0" in text
    assert CapacityStudy.load(tmp_path).pictures == study.pictures


def test_a_score_below_the_floor_is_said_to_mean_little():
    study = made_up_study(lambda layers: 1 + layers, lambda layers: 2 + layers)
    study.records[0]["result"]["floors"] = {"latent_frechet_distance": 0.2}
    found = "0.143 at best and 0.2 for training pictures in the generated ones' place, so that the best"
    assert found in study.analysis.reading


def test_generators_far_from_the_floor_are_named():
    study = made_up_study(lambda layers: 1 + layers, lambda layers: 2 + layers)
    study.records[0]["result"]["floors"] = {"latent_frechet_distance": 0.004}
    assert "over 100 times the floor, so nothing was learned, for 12 qubits, 1 layer; width 2" in study.analysis.reading


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
    assert "best law" not in few.analysis.reading
    assert "Laws of growth" not in few.analysis.table()


def test_the_floor_is_the_distance_of_whitened_latents_of_real_pictures(small_study, pictures):
    folder, study = small_study
    autoencoder, _ = load_autoencoder(folder / "autoencoders", study.floors["digest"])
    with torch.no_grad():
        train, others = (autoencoder.encode(torch.from_numpy(each)).double().numpy() for each in pictures)
    whitening = np.linalg.inv(sqrtm(np.cov(train.T)).real)
    (first, one), (second, two) = (
        (latents.mean(0), np.cov(latents.T)) for latents in ((train[:20] @ whitening), (others @ whitening))
    )
    distance = ((first - second) ** 2).sum() + np.trace(one + two - 2 * sqrtm(one @ two).real)
    assert study.floor == pytest.approx(distance, rel=1e-3)
    assert f"{study.floor:.3g} for training pictures in the generated ones' place" in study.analysis.reading
    assert (
        study.with_rule(OptimalityRule(score="frechet_distance", late_part=0.9)).floor
        == (study.floors["result"]["floor_reconstruction"]["frechet_distance"])
    )


def test_each_kind_of_generator_trains_with_its_own_arguments(tmp_path, pictures):
    grid = CapacityGrid(num_qubits=(2,), num_layers=(1,), generator_widths=(2,), critic_widths=(4,), seeds=(0,))
    options = {**SMALL, "held_out": pictures[1]}
    model = {"critic_learning_rate": 0.004, "replay": 0}
    same = run_capacity_study(pictures[0], grid, folder=tmp_path / "same", model=model, **options)
    own = run_capacity_study(
        pictures[0], grid, folder=tmp_path / "own", model=model, classical_model={"replay": 2}, **options
    )
    (quantum, classical), (same_quantum, other_classical) = (
        [each["result"] for each in one.records] for one in (same, own)
    )
    assert quantum == same_quantum
    assert classical["critic_loss"] != other_classical["critic_loss"]
    assert [each["configuration"]["training"]["model"] for each in own.records] == 2 * [
        {"quantum": model, "classical": {"critic_learning_rate": 0.004, "replay": 2}}
    ]


def test_a_study_resumes_and_grows(small_study, pictures):
    folder, study = small_study
    before = {path: path.stat().st_mtime_ns for path in folder.glob("**/trial.json")}
    seen = []
    grid = CapacityGrid(**{**GRID.to_dict(), "critic_widths": (4, 8, 16), "num_layers": (1,), "seeds": (0,)})
    found = run_capacity_study(pictures[0], grid, held_out=pictures[1], folder=folder, **SMALL, on_trial=seen.append)
    assert len(seen) == 3
    assert {each["configuration"]["critic_width"] for each in seen} == {16}
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert {each["digest"] for each in found.records} > {
        each["digest"]
        for each in study.records
        if each["configuration"]["seed"] == 0 and each["configuration"].get("num_layers", 1) == 1
    }


def test_a_search_trains_the_bounds_and_what_optuna_proposes_between(small_study, pictures):
    pytest.importorskip("optuna")
    folder, before = small_study
    grid = CapacityGrid(**{**GRID.to_dict(), "num_layers": (1,), "generator_widths": (2,), "seeds": (0,)})
    options = {"held_out": pictures[1], "folder": folder, **SMALL, "search": CapacitySearch(num_widths=4)}
    found = run_capacity_study(pictures[0], grid, **options)
    widths = {row["name"]: [] for row in found.rows}
    for row in found.rows:
        widths[row["name"]].append(row["critic_width"])
    assert set(widths) == {"2 qubits, 1 layer", "width 2"}
    for own in widths.values():
        assert own[0] == 4
        assert max(own) == 8
        assert len(set(own)) == len(own) <= 4
    assert set(found.sizes["critics"]) == {str(width) for own in widths.values() for width in own}
    shared = {each["digest"] for each in before.records} & {each["digest"] for each in found.records}
    assert len(shared) == 4  # the bounds, of the grid, are not trained again
    assert "Of " in found.analysis.reading
    seen = []
    assert run_capacity_study(pictures[0], grid, **options, on_trial=seen.append).records == found.records
    assert not seen


def test_another_budget_is_another_study(small_study, pictures):
    folder, _ = small_study
    with pytest.raises(ArgumentError, match=r"holds a study whose `settings\.training\.steps` is 10, but now it is 12"):
        run_capacity_study(pictures[0], GRID, held_out=pictures[1], folder=folder, **{**SMALL, "steps": 12})


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"steps": "6"}, ArgumentError, "^Argument `steps` must be a positive integer"),
        ({"steps": -6}, ArgumentError, "^Argument `steps` must be a positive integer, but is -6"),
        ({"num_samples": 9}, ArgumentError, "`num_samples` must be an integer of at least 10, but is 9"),
        (
            {"score_every": 4, "pictures_every": None},
            ArgumentError,
            "must hold at least 3 values, but hold 2: score more",
        ),
        (
            {"rule": OptimalityRule(score="frechet_distance"), "pictures_every": None},
            ArgumentError,
            "Of the score 'frechet_distance', the last 30% of the training must hold at least 3 values, but hold 1",
        ),
        ({"extractor": None}, ArgumentError, "`pictures_every` has no effect without an `extractor`"),
        ({"model": {"latent_noise": 0.5}}, ArgumentError, "`model` must be one of .* but is 'latent_noise'"),
        ({"search": 3}, ArgumentTypeError, "`search` must be a CapacitySearch or None"),
        ({"autoencoder_steps": 0}, ArgumentError, "`autoencoder_steps` must be a positive integer, but is 0"),
        ({"grid": 3}, ArgumentTypeError, "`grid` must be a CapacityGrid or None"),
        ({"pictures_every": 3}, ArgumentError, "`pictures_every` must be a multiple of `score_every`, 2, but is 3"),
        ({"score_every": 11}, ArgumentError, "`score_every` must be an integer from 1 to 10, but is 11"),
        ({"extractor": "eyes"}, ArgumentError, "`extractor`"),
        (
            {"autoencoder": {"critic_width": 3}},
            ArgumentError,
            "`autoencoder` must hold options of the autoencoder only",
        ),
        ({"rule": OptimalityRule(score="beauty")}, ArgumentError, r"`rule\.score` must be one of"),
        ({"model": {"sharpness": 1}}, ArgumentError, "`model` must be one of 'rotations', .* but is 'sharpness'"),
        ({"quantum_model": {"num_layers": 2}}, ArgumentError, "`quantum_model` must be one of .* but is 'num_layers'"),
        ({"quantum_model": {"generator_depth": 1}}, ArgumentError, "`generator_depth` has no effect for"),
        ({"classical_model": {"entangler": "cz"}}, ArgumentError, "`entangler` has no effect for"),
        ({"classical_model": [3]}, ArgumentTypeError, "`classical_model` must be a mapping of arguments"),
    ],
)
def test_arguments_are_checked_before_anything_is_trained(tmp_path, pictures, changed, error, message):
    arguments = {"grid": GRID, **SMALL, **changed}
    with pytest.raises(error, match=message):
        run_capacity_study(pictures[0], held_out=pictures[1], folder=tmp_path / "study", **arguments)
    assert not list(tmp_path.glob("**/trial.json"))


def test_pictures_are_checked_before_anything_is_trained(tmp_path, pictures):
    train, others = pictures
    bad = {
        "`data` must hold at least 10 pictures, but holds 9": (train[:9], others),
        "`held_out` must hold at least 10 pictures, but holds 1": (train, others[:1]),
        "`held_out` must hold different pictures, but all 20 are equal": (train, others[:1].repeat(20, axis=0)),
        "`held_out` must hold pictures of the shape of `data`": (train, others.transpose(0, 1, 3, 2)[..., :4]),
    }
    for message, (data, held_out) in bad.items():
        with pytest.raises(DatasetError, match=message):
            run_capacity_study(data, GRID, held_out=held_out, folder=tmp_path / "study", **SMALL)
    (tmp_path / "file").touch()
    with pytest.raises(ArgumentError, match=r"`folder` must be a folder, but .*file is a file"):
        run_capacity_study(train, GRID, held_out=others, folder=tmp_path / "file" / "study", **SMALL)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_few_pictures_make_a_study(tmp_path, pictures):
    grid = CapacityGrid(num_qubits=(2,), num_layers=(1,), generator_widths=(2,), critic_widths=(4,), seeds=(0,))
    options = {**SMALL, "num_samples": 10}
    study = run_capacity_study(pictures[0][:10], grid, held_out=pictures[1][:10], folder=tmp_path, **options)
    assert {each["status"] for each in study.records} == {"done"}


@pytest.mark.parametrize("changed", [{"seeds": ()}, {"num_layers": (1, 1)}, {"critic_widths": (0,)}])
def test_a_grid_is_checked(changed):
    with pytest.raises(ArgumentError, match=f"^Argument `{next(iter(changed))}` must "):
        CapacityGrid(**changed)
