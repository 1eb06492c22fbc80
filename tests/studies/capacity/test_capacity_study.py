"""A whole capacity study of small trials."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, DatasetError
from qiskit_qgen.models import StyleQGANTraining
from qiskit_qgen.persistence import load_tensors
from qiskit_qgen.studies import (
    CapacityGrid,
    CapacitySearch,
    CapacityStudy,
    CapacityTraining,
    OptimalityRule,
    run_capacity_study,
)
from qiskit_qgen.studies.capacity.autoencoders import load_autoencoder
from qiskit_qgen.studies.capacity.on_test import score_on_test
from qiskit_qgen.studies.capacity.scores import SCORES


@pytest.fixture(scope="module")
def images():
    generator = np.random.default_rng(5)
    images = generator.random((75, 1, 8, 8), dtype=np.float32) / 4
    for image, row in zip(images, generator.integers(8, size=75), strict=True):
        image[0, row] = 1
    return images[:40], images[40:60], images[60:]


GRID = CapacityGrid(num_qubits=(2,), num_layers=(1, 2), generator_widths=(2,), critic_widths=(4, 8), seeds=(0, 1, 2))
SMALL = {
    "autoencoder": {"width": 4, "hidden": 8, "latent_dim": 4, "steps": 4},
    "steps": 10,
    "batch_size": 8,
    "score_every": 2,
    "num_samples": 20,
    "plan": {"num_studies": 10},
    "rule": OptimalityRule(late_part=0.6, max_spread=9.0, max_slope=9.0, max_critic_drift=9.0),
}


@pytest.fixture(scope="module")
def small_study(tmp_path_factory, images):
    folder = tmp_path_factory.mktemp("capacity")
    return folder, run_capacity_study(images[0], GRID, held_out=images[1], test=images[2], folder=folder, **SMALL)


def test_a_whole_study_trains_scores_and_draws_every_pair(small_study):
    folder, study = small_study
    assert len(study.records) == 3 * 2 * 3
    assert {each["status"] for each in study.records} == {"done"}
    result = study.records[0]["result"]
    for score in SCORES:
        assert result["scores"][score]["steps"] == [2, 4, 6, 8, 10]
    assert result["critic_loss"]["steps"] == [2, 4, 6, 8, 10]
    assert all((folder / "trials" / each["digest"] / "samples.png").is_file() for each in study.records)
    assert not list(folder.glob("trials/*/checkpoints"))
    # a critic of width w on 4 latent numbers: 3 hidden layers, as StyleQGAN's default
    assert study.sizes["critics"] == {str(w): 5 * w + 2 * (w + 1) * w + w + 1 for w in (4, 8)}
    assert study.sizes["generators"]["width 2"] == study.records[4]["result"]["generator_parameters"]
    assert len(list((folder / "autoencoders").glob("trials/*/model"))) == 1


def test_what_was_trained_is_told(small_study, tmp_path):
    study = small_study[1]
    text = (study.save(tmp_path) / "capacity.md").read_text()
    told = {
        "images.data": "40, 1, 8, 8",
        "images.held_out": "20, 1, 8, 8",
        "images.test": "15, 1, 8, 8",
        "autoencoder.network.hidden": "8",
        "autoencoder.training.steps": "4",
        "grid.num_layers": "1, 2",
        "grid.generator_width": "2",
        "training.score_every": "2",
        "rule.max_spread": "9.0",
    }
    assert "training.models" not in text  # all are defaults
    assert [name for name, value in told.items() if f"| {name} | {value} |" not in text] == []
    loaded = CapacityStudy.load(tmp_path)
    assert loaded.to_dict() == json.loads((tmp_path / "capacity.json").read_text()) == study.to_dict()


def test_floor_and_baselines_are_scores_of_samples_in_the_generated_ones_place(small_study, images):
    folder, study = small_study
    autoencoder = load_autoencoder(folder / "autoencoders", study.floors["digest"], (1, 8, 8))
    with torch.no_grad():
        train, others = (autoencoder.encode(torch.from_numpy(each)).double().numpy() for each in images[:2])
    whitening = np.linalg.inv(sqrtm(np.cov(train.T)).real)
    train, others = ((each - train.mean(0)) @ whitening for each in (train, others))
    found = study.references["latent_frechet_distance"]
    normal = np.random.default_rng(0).normal(size=(20, 4))
    expected = np.mean([frechet(train[rows], others) for rows in draws(40, 20, 30)])
    assert found["training"]["mean"] == pytest.approx(expected, rel=0.15)
    assert found["standard_normal"]["mean"] == pytest.approx(frechet(normal, others), rel=0.5)
    assert study.floor == study.references[study.rule.score]["training"]["mean"]
    assert study.trivial == min(
        study.references[study.rule.score][name]["mean"] for name in ("standard_normal", "marginals", "gaussian")
    )


def draws(count, size, times):
    generator = np.random.default_rng(1)
    return [generator.permutation(count)[:size] for _ in range(times)]


def frechet(first, second):
    (mean, one), (other, two) = ((each.mean(0), np.cov(each.T)) for each in (first, second))
    return ((mean - other) ** 2).sum() + np.trace(one + two - 2 * sqrtm(one @ two).real)


def test_where_a_trivial_baseline_does_as_well_nothing_is_concluded(small_study):
    study = small_study[1]
    perfect = {"mean": 1e-9, "low": 1e-9, "high": 1e-9}
    references = {score: {**found, "gaussian": perfect} for score, found in study.references.items()}
    beaten = replace(study, references=references)
    assert beaten.analysis.unlearned == ["2 qubits, 1 layer", "2 qubits, 2 layers", "width 2"]
    assert beaten.analysis.optima == {}
    assert beaten.verdict.is_unfit
    assert not beaten.verdict.can_rank
    text = beaten.table()
    assert text.startswith(f"**{beaten.verdict.sentence}**")
    assert "**Nothing is concluded on the growth of the critic.**" in text
    assert "| critic | 0 of 2 | - | - | - | - | - |" in text
    assert "left out: 2 qubits, 1 layer, 2 qubits, 2 layers, width 2." in text


def test_two_generators_have_no_power_and_the_study_says_so_first(small_study):
    study = small_study[1]
    assert not study.power.sees_growth("critic")
    first = replace(study, references={}).table().splitlines()[0]
    assert first.startswith("**Nothing is concluded on the growth of the critic.** The critic: with noise of ")
    assert first.endswith("The design has no power: nothing can be concluded from it on growth or its law.")
    assert study.power.plan.stable == pytest.approx(study.analysis.num_trials["stable"] / 18)


def test_the_images_for_testing_are_scored_once_by_samples_of_the_optimal_pairs(small_study, images, tmp_path):
    """As if no baseline were known, so that what was learnt in ten steps counts."""
    folder, study = small_study
    free = replace(study, references={})
    chosen = CapacityTraining.of(batch_size=8, num_samples=20, extractors=("pixel",))
    found = score_on_test(free, folder, torch.from_numpy(images[2]), chosen)
    assert set(found) == {*SCORES, "Fréchet distance, pixel"}
    optimum = free.analysis.optima["2 qubits, 1 layer"]
    (width,) = [int(each) for each, size in study.sizes["critics"].items() if size == optimum.next_critic]
    autoencoder = load_autoencoder(folder / "autoencoders", study.floors["digest"], (1, 8, 8))
    values = []
    for record in study.records:
        configuration = record["configuration"]
        if configuration.get("num_layers") == 1 and configuration["critic_width"] == width:
            latents = load_tensors(folder / "trials" / record["digest"] / "latents.safetensors")[0]["latents"]
            with torch.no_grad():
                pixels = autoencoder.decode(latents[:15]).flatten(1).double().numpy()
            values.append(frechet(pixels, images[2].reshape(15, -1).astype(float)))
    mean = found["Fréchet distance, pixel"]["models"]["2 qubits, 1 layer"]["mean"]
    assert mean == pytest.approx(np.mean(values), rel=1e-2)
    assert set(found["Fréchet distance, pixel"]["baselines"]) > {"standard_normal", "mixture", "training"}
    # without the latents that a trial left, it runs again, to the same bits
    digest = study.records[0]["digest"]
    shutil.copytree(folder, tmp_path / "copy")
    for path in (tmp_path / "copy").glob("trials/*/latents.safetensors"):
        path.unlink()
    assert score_on_test(free, tmp_path / "copy", torch.from_numpy(images[2]), chosen) == found
    assert digest in {each["digest"] for each in study.records}


def test_each_kind_of_generator_trains_with_its_own_settings(tmp_path, images):
    grid = CapacityGrid(num_qubits=(2,), num_layers=(1,), generator_widths=(2,), critic_widths=(4,), seeds=(0,))
    options = {**SMALL, "held_out": images[1]}
    training = StyleQGANTraining(critic_learning_rate=0.004, replay=0)
    same = run_capacity_study(images[0], grid, folder=tmp_path / "same", training=training, **options)
    other = {"replay": 2}  # all else as with a quantum generator
    options |= {"training": training, "classical_training": other}
    own = run_capacity_study(images[0], grid, folder=tmp_path / "own", **options)
    (quantum, classical), (same_quantum, other_classical) = (
        [each["result"] for each in one.records] for one in (same, own)
    )
    assert quantum == same_quantum
    assert classical["critic_loss"] != other_classical["critic_loss"]
    models = own.records[0]["configuration"]["training"]["models"]
    assert models["training"] == training.to_dict()
    assert models["classical_training"] == replace(training, replay=2).to_dict()


def test_a_study_resumes_and_grows(small_study, images):
    folder, study = small_study
    before = {path: path.stat().st_mtime_ns for path in folder.glob("**/trial.json")}
    seen = []
    grid = CapacityGrid(**{**GRID.to_dict(), "critic_widths": (4, 8, 16), "num_layers": (1,), "seeds": (0,)})
    found = run_capacity_study(images[0], grid, held_out=images[1], folder=folder, **SMALL, on_trial=seen.append)
    assert len(seen) == 2
    assert {each["configuration"]["critic_width"] for each in seen} == {16}
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert {each["digest"] for each in found.records} > {
        each["digest"]
        for each in study.records
        if each["configuration"]["seed"] == 0 and each["configuration"].get("num_layers", 1) == 1
    }


def test_a_search_trains_the_bounds_and_what_optuna_proposes_between(small_study, images):
    pytest.importorskip("optuna")
    folder, before = small_study
    grid = CapacityGrid(**{**GRID.to_dict(), "num_layers": (1,), "generator_widths": (2,), "seeds": (0,)})
    options = {"held_out": images[1], "folder": folder, **SMALL, "search": CapacitySearch(num_widths=4)}
    found = run_capacity_study(images[0], grid, **options)
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
    seen = []
    assert run_capacity_study(images[0], grid, **options, on_trial=seen.append).records == found.records
    assert not seen


def test_another_budget_is_another_study(small_study, images):
    folder, _ = small_study
    with pytest.raises(ArgumentError, match=r"holds a study whose `settings\.training\.steps` is 10, but now it is 12"):
        run_capacity_study(images[0], GRID, held_out=images[1], folder=folder, **{**SMALL, "steps": 12})


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"steps": "6"}, ArgumentTypeError, "^Argument `steps` must be a positive integer"),
        ({"steps": -6}, ArgumentError, "^Argument `steps` must be a positive integer, but is -6"),
        ({"num_samples": 9}, ArgumentError, "`num_samples` must be an integer of at least 10, but is 9"),
        ({"score_every": 4}, ArgumentError, "must hold at least 3 values, but hold 2: score more"),
        ({"model": {"latent_dim": 3}}, ArgumentError, "`latent_dim` has no effect in a capacity study, which"),
        ({"search": 3}, ArgumentTypeError, "`search` must be a CapacitySearch, a mapping"),
        (
            {"autoencoder": {"steps": 0}},
            ArgumentError,
            "`steps` of an autoencoder must be a positive integer, but is 0",
        ),
        ({"grid": 3}, ArgumentTypeError, "`grid` must be a CapacityGrid, a mapping of its options or None"),
        ({"score_every": 11}, ArgumentError, "`score_every` must be an integer from 1 to 10, but is 11"),
        ({"extractors": ("eyes",)}, ArgumentError, "`extractors`"),
        ({"plan": {"growth": 1.0}}, ArgumentError, "`growth` must be a number"),
        ({"test": np.zeros((3, 1, 8, 8))}, DatasetError, "`test` must hold at least 10 images, but holds 3"),
        ({"autoencoder": {"critic_width": 3}}, ArgumentTypeError, "has no option `critic_width`"),
        ({"rule": OptimalityRule(score="beauty")}, ArgumentError, r"`rule\.score` must be one of"),
        ({"model": {"sharpness": 1}}, ArgumentTypeError, "StyleQGAN has no option `sharpness`"),
        ({"model": {"num_layers": 2}}, ArgumentError, "`num_layers` has no effect in a capacity study, which sets it"),
        ({"model": {"generator": "classical"}}, ArgumentTypeError, r"`model\.generator` must be settings of a quantum"),
        ({"training": {"steps": 5}}, ArgumentError, "`steps` has no effect in a capacity study, which sets it"),
        ({"classical": {"entangler": "cz"}}, ArgumentTypeError, "has no option `entangler`"),
        ({"classical_training": [3]}, ArgumentTypeError, "`classical_training` must be a StyleQGANTraining, a mapping"),
    ],
)
def test_arguments_are_checked_before_anything_is_trained(tmp_path, images, changed, error, message):
    arguments = {"grid": GRID, **SMALL, **changed}
    with pytest.raises(error, match=message):
        run_capacity_study(images[0], held_out=images[1], folder=tmp_path / "study", **arguments)
    assert not list(tmp_path.glob("**/trial.json"))


def test_images_are_checked_before_anything_is_trained(tmp_path, images):
    train, others, _ = images
    bad = {
        "`data` must hold at least 10 images, but holds 9": (train[:9], others),
        "`held_out` must hold at least 10 images, but holds 1": (train, others[:1]),
        "`held_out` must hold different images, but all 20 are equal": (train, others[:1].repeat(20, axis=0)),
        "`held_out` must hold images of the shape of `data`": (train, others.transpose(0, 1, 3, 2)[..., :4]),
    }
    for message, (data, held_out) in bad.items():
        with pytest.raises(DatasetError, match=message):
            run_capacity_study(data, GRID, held_out=held_out, folder=tmp_path / "study", **SMALL)
    (tmp_path / "file").touch()
    with pytest.raises(ArgumentError, match=r"`folder` must be a folder, but .*file is a file"):
        run_capacity_study(train, GRID, held_out=others, folder=tmp_path / "file" / "study", **SMALL)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_few_images_make_a_study(tmp_path, images):
    grid = CapacityGrid(num_qubits=(2,), num_layers=(1,), generator_widths=(2,), critic_widths=(4,), seeds=(0,))
    options = {**SMALL, "num_samples": 10}
    study = run_capacity_study(images[0][:10], grid, held_out=images[1][:10], folder=tmp_path, **options)
    assert {each["status"] for each in study.records} == {"done"}


@pytest.mark.parametrize("changed", [{"seeds": ()}, {"num_layers": (1, 1)}, {"critic_widths": (0,)}])
def test_a_grid_is_checked(changed):
    with pytest.raises(ArgumentError, match=f"^Argument `{next(iter(changed))}.* must "):
        CapacityGrid(**changed)
