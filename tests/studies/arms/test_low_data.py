import json

import numpy as np
import pytest
import torch
from scipy import stats

from qiskit_qgen import load_dataset
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics import IdentityFeatureExtractor, KernelInceptionDistance
from qiskit_qgen.studies import run_low_data_study
from qiskit_qgen.studies.arms.images import split_pictures
from qiskit_qgen.studies.arms.low_data_trial import score_low_data

MODEL = {"num_qubits": 2, "num_layers": 1, "width": 8, "num_steps": 20, "sampling_steps": 2}
SMALL = {"labels": [3], "held_out": 40, "steps": 2, "batch_size": 4, "model": MODEL, "extractor": "pixel"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def study(folder):
    return run_low_data_study("digits", folder, arms=("plain", "quantum"), sizes=("all", 5), seeds=(0, 1), **SMALL)


def test_the_study_has_every_trial_and_says_what_it_found(study, folder):
    count = int((load_dataset("digits").labels == 3).sum()) - 40
    assert study.pool == count
    assert study.sizes == [5, count]
    assert study.arms == ["plain", "quantum"]
    assert [(row["size"], row["arm"], row["num_trials"]) for row in study.rows] == [
        (size, arm, 2) for size in (5, count) for arm in ("plain", "quantum")
    ]
    results = {
        tuple(record["configuration"][key] for key in ("arm", "size", "seed")): record["result"]["kernel_distance"]
        for record in study.records
    }
    first, second = ([results[arm, 5, seed] for seed in (0, 1)] for arm in ("quantum", "plain"))
    low, high = stats.ttest_rel(first, second).confidence_interval(0.95)
    (found,) = (each for each in study.comparisons if each.setting == 5)
    assert (found.difference["low"], found.difference["high"]) == (pytest.approx(low), pytest.approx(high))
    assert study.reading in study.table()
    assert all((folder / "trials" / record["digest"] / "samples.png").is_file() for record in study.records)
    assert not list(folder.glob("trials/*/checkpoints"))


def test_called_again_nothing_is_trained_and_more_seeds_may_join(study, folder):
    trained = []
    arms, sizes = ("plain", "quantum"), (5, "all")
    again = run_low_data_study("digits", folder, arms=arms, sizes=sizes, seeds=(0, 1), on_trial=trained.append, **SMALL)
    assert trained == []
    assert again.to_dict() == study.to_dict()
    run_low_data_study("digits", folder, arms=("plain",), sizes=(5,), seeds=(0, 1, 2), on_trial=trained.append, **SMALL)
    assert [record["configuration"]["seed"] for record in trained] == [2]
    with pytest.raises(ArgumentError, match=r"holds a study whose `settings\.steps` is 2, but now it is 3"):
        run_low_data_study("digits", folder, **{**SMALL, "steps": 3}, sizes=(5,))


def test_results_are_saved(study, tmp_path):
    study.save(tmp_path / "new")
    assert json.loads((tmp_path / "new" / "low_data.json").read_text()) == json.loads(json.dumps(study.to_dict()))
    assert (tmp_path / "new" / "low_data.md").read_text() == study.table() + "\n"


def test_seeds_move_the_subset_and_no_trial_sees_a_held_out_picture():
    pictures = split_pictures("digits", data_dir=None, labels=[3, 5], held_out=50)
    data = load_dataset("digits")
    wanted = data.images[(data.labels == 3) | (data.labels == 5)]
    both = torch.cat(pictures).flatten(1)
    assert sorted(map(tuple, both.tolist())) == sorted(map(tuple, wanted.flatten(1).tolist()))
    assert len(pictures.held_out) == 50
    small, large, other = pictures.rows(5, 0), pictures.rows(20, 0), pictures.rows(5, 1)
    assert large[:5].equal(small)
    assert not other.equal(small)
    assert len(set(large.tolist())) == 20


def test_scores_are_those_of_the_pictures_that_were_trained_on():
    pictures = split_pictures("digits", data_dir=None, labels=[3], held_out=40)
    chosen = pictures.rows(10, 0)
    copies = pictures.pool[chosen][torch.arange(40) % 10]
    copied = score_low_data(copies, pictures, chosen, "pixel")
    others = score_low_data(pictures.pool[pictures.rows(60, 0)[20:]], pictures, chosen, "pixel")
    assert copied["copy_rate"] == 1
    assert copied["closer"] == 1
    assert others["copy_rate"] == 0
    assert others["closer"] == pytest.approx(0.5, abs=0.2)
    assert copied["held_out_copy_rate"] == others["held_out_copy_rate"] == 0

    metric = KernelInceptionDistance(IdentityFeatureExtractor(64), subsets=1, subset_size=40)
    metric.update(pictures.held_out, real=True)
    metric.update(copies, real=False)
    assert copied["kernel_distance"] == pytest.approx(float(metric.compute()[0]))
    # Repeating few pictures is worse than showing others once.
    assert copied["copies_kernel_distance"] == pytest.approx(copied["kernel_distance"])
    assert copied["copies_kernel_distance"] > others["kernel_distance"]


def test_arms_of_a_seed_share_their_pictures(study):
    first = {
        record["configuration"]["arm"]: record["result"]["copies_kernel_distance"]
        for record in study.records
        if record["configuration"]["size"] == 5 and record["configuration"]["seed"] == 0
    }
    assert first["plain"] == first["quantum"]
    (other,) = (
        record["result"]["copies_kernel_distance"]
        for record in study.records
        if [record["configuration"][key] for key in ("arm", "size", "seed")] == ["plain", 5, 1]
    )
    assert other != first["plain"]


def test_data_that_changed_fail_and_are_told(tmp_path):
    path = tmp_path / "pictures.npy"
    generator = np.random.default_rng(0)
    np.save(path, generator.random((20, 8, 8), np.float32))
    options = {**SMALL, "labels": None, "held_out": 4, "arms": ("plain",), "sizes": (4,)}
    done = run_low_data_study(path, tmp_path / "study", seeds=(0,), **options)
    assert done.records[0]["status"] == "done"
    np.save(path, generator.random((20, 8, 8), np.float32))
    with pytest.raises(ArgumentError, match=r"`settings\.data\.digest`"):
        run_low_data_study(path, tmp_path / "study", seeds=(0,), **options)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": [11]}, r"`labels` must hold labels of 'digits', which are \[0, 1, .*, 9\], but is \[11\]"),
        ({"held_out": 1000}, r"`held_out` must leave at least 2 of the \d+ pictures, but is 1000"),
        ({"sizes": (5, 5)}, r"`sizes` must hold distinct values, at least one, but is \(5, 5\)"),
        ({"sizes": (5000,)}, r"`sizes` must hold at most the 107 pictures that are left, but holds 5000"),
        ({"sizes": (1,)}, r"`sizes` must be an integer of at least 2, but is 1"),
        ({"seeds": ()}, r"`seeds` must hold distinct values"),
        ({"arms": ("plain", "magic")}, r"`arms` must be one of 'plain', .* but is 'magic'"),
        ({"model": {"bottleneck": "se"}}, r"`model` must be one of 'num_qubits', .* but is 'bottleneck'"),
        ({"model": {"width": 9}}, r"`width` must be divisible by 8, but is 9"),
        ({"steps": 0}, r"`steps` must be a positive integer, but is 0"),
        ({"extractor": "vgg"}, r"`extractor` must be 'pixel'"),
    ],
)
def test_bad_settings_are_refused_before_anything_is_written(changes, message, tmp_path):
    with pytest.raises(ArgumentError, match=message):
        run_low_data_study("digits", tmp_path / "study", **{**SMALL, "sizes": (5,), "seeds": (0,), **changes})
    assert not (tmp_path / "study").exists()
