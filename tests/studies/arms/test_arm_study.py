import json

import numpy as np
import pytest
from scipy import stats
from small_arms import LOW_DATA, PLACEMENT

from qiskit_qgen import load_dataset
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.noise import UniformNoise
from qiskit_qgen.studies import run_low_data_study, run_placement_study

PLACES = ["none", "generator", "dense generator"]
FEW = {"arms": ("plain", "quantum"), "sizes": ("all", 5), "seeds": (0, 1), **LOW_DATA}


@pytest.fixture(scope="module")
def placement(tmp_path_factory):
    return run_placement_study("digits", tmp_path_factory.mktemp("placement"), arms=PLACES, **PLACEMENT)


@pytest.fixture(scope="module")
def low_data(tmp_path_factory):
    return run_low_data_study("digits", tmp_path_factory.mktemp("low-data"), **FEW)


def final(study, size, arm):
    return [
        record["result"]["scores"]["pixel"]["kernel_distance"]
        for record in study.records
        if (record["configuration"]["size"], record["configuration"]["arm"]) == (size, arm)
    ]


def test_all_arms_sizes_and_seeds_are_tried_beside_baselines(placement):
    assert len(placement.records) == (3 + 1) * 2 * 2
    assert {record["status"] for record in placement.records} == {"done"}
    assert {len(curve) for arms in placement.curves.values() for curve in arms.values()} == {2}
    assert [(row["size"], row["arm"]) for row in placement.rows] == [(size, arm) for size in (8, 30) for arm in PLACES]
    none, circuit, dense = (row["num_weights"] for row in placement.rows[:3])
    assert none == circuit == dense - 15  # blocks of as many weights stand for each other; the dense one has 30
    assert set(placement.baselines) == {8, 30}


def test_a_low_data_study_has_every_trial_and_is_scored_at_the_end(low_data):
    count = int((load_dataset("digits").labels == 3).sum()) - 60
    assert low_data.pool == count
    assert low_data.sizes == [5, count]
    assert [(row["size"], row["arm"], row["num_trials"], row["step"]["mean"]) for row in low_data.rows] == [
        (size, arm, 2, 2) for size in (5, count) for arm in ("plain", "quantum")
    ]
    assert not list(low_data.folder.glob("trials/*/checkpoints"))


def test_differences_are_paired_by_seed(placement, low_data):
    found = [(placement, each) for each in placement.comparisons] + [(low_data, each) for each in low_data.comparisons]
    assert len(found) == 2 * 2 + 2
    for study, each in found:
        arms = (final(study, each.size, arm) for arm in (each.arm, each.baseline))
        interval = stats.ttest_rel(*arms).confidence_interval(0.95)
        assert each.difference["low"] == pytest.approx(interval.low)
        assert each.difference["high"] == pytest.approx(interval.high)


def test_a_circuit_is_compared_with_its_classical_rival_too(tmp_path):
    options = {**LOW_DATA, "sizes": (5,), "seeds": (0,)}
    study = run_low_data_study("digits", tmp_path, arms=("plain", "se", "quantum"), **options)
    pairs = [("se", "plain"), ("quantum", "plain"), ("quantum", "se")]
    assert [(each.arm, each.baseline) for each in study.comparisons] == pairs


def test_arms_are_compared_with_the_training_images_of_their_seed(low_data):
    repeated = {
        record["configuration"]["seed"]: record["result"]["scores"]["training"]["pixel"]["kernel_distance"]
        for record in low_data.records
        if (record["configuration"]["arm"], record["configuration"]["size"]) == ("baselines", 5)
    }
    assert repeated[0] != repeated[1]
    assert [each.difference["mean"] for each in low_data.to_copies if each.arm == "plain" and each.size == 5] == [
        pytest.approx(np.mean(final(low_data, 5, "plain")) - np.mean(list(repeated.values())))
    ]


def test_a_stopped_study_runs_what_is_missing(placement, tmp_path):
    options = {**PLACEMENT, "arms": PLACES, "sizes": [8], "seeds": [0]}
    begun, later = [], []

    def stop(record):
        begun.append(record)
        if len(begun) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_placement_study("digits", tmp_path, **options, on_trial=stop)
    again = run_placement_study("digits", tmp_path, **options, on_trial=later.append)
    assert len(later) == 1
    assert again.records == [record for record in placement.records if record in again.records]
    assert len(again.records) == 4
    with pytest.raises(ArgumentError, match=r"holds a study whose `settings\.steps` is 2"):
        run_placement_study("digits", tmp_path, **{**options, "steps": 5})


def test_called_again_nothing_is_trained_and_more_seeds_may_join(low_data):
    trained = []
    again = run_low_data_study("digits", low_data.folder, **FEW, on_trial=trained.append)
    assert trained == []
    assert again.to_dict() == low_data.to_dict()
    more = {**FEW, "arms": ("plain",), "sizes": (5,), "seeds": (0, 1, 2)}
    run_low_data_study("digits", low_data.folder, **more, on_trial=trained.append)
    found = [(record["configuration"]["seed"], record["configuration"]["arm"]) for record in trained]
    assert found == [(2, "baselines"), (2, "plain")]


def test_another_study_s_folder_is_refused(placement):
    with pytest.raises(ArgumentError, match=r"holds a study whose `settings\.study` is 'placement', but now it is"):
        run_low_data_study("digits", placement.folder, **FEW)


def test_data_that_changed_are_told(tmp_path):
    path = tmp_path / "images.npy"
    generator = np.random.default_rng(0)
    np.save(path, generator.random((20, 8, 8), np.float32))
    options = {
        **LOW_DATA,
        "labels": None,
        "held_out": 8,
        "validation": 4,
        "arms": ("plain",),
        "sizes": (4,),
        "seeds": (0,),
    }
    assert run_low_data_study(path, tmp_path / "study", **options).records[0]["status"] == "done"
    np.save(path, generator.random((20, 8, 8), np.float32))
    with pytest.raises(ArgumentError, match=r"`settings\.images\.digest`"):
        run_low_data_study(path, tmp_path / "study", **options)


@pytest.mark.parametrize(
    ("run", "changes", "message"),
    [
        (run_placement_study, {"arms": ["none", "head"]}, "`arms` must be one of"),
        (run_placement_study, {"arms": "both"}, "`arms` must be a list of names"),
        (run_placement_study, {"sizes": [10_000]}, "`sizes` must hold at most the 103 images that are left"),
        (run_placement_study, {"batch_size": 1}, "`batch_size` must be an integer of at least 2, but is 1"),
        (run_placement_study, {"score_every": 0}, "`score_every` must be a positive integer"),
        (run_placement_study, {"model": {"quantum_in": "none"}}, "`quantum_in` has no effect in `model`: the study"),
        (run_placement_study, {"training": {"loss": "l2"}}, "`loss` must be one of"),
        (run_placement_study, {"training": {"steps": 5}}, "`steps` has no effect in `training`: the study sets it"),
        (
            run_placement_study,
            {"model": {"noise": UniformNoise(5)}},
            "its `noise` is an object of your own: leave it out",
        ),
        (run_low_data_study, {"sizes": (5, 5)}, r"`sizes` must hold distinct values, at least one, but is \(5, 5\)"),
        (run_low_data_study, {"sizes": (1,)}, "`sizes` must be an integer of at least 2, but is 1"),
        (run_low_data_study, {"seeds": ()}, "`seeds` must hold distinct values"),
        (run_low_data_study, {"arms": ("plain", "magic")}, "`arms` must be one of 'plain', .* but is 'magic'"),
        (
            run_low_data_study,
            {"model": {"bottleneck": "se"}},
            "`model` must have the bottleneck 'quantum'",
        ),
        (
            run_low_data_study,
            {"model": {"architecture_width": 9}},
            "`architecture_width` must be divisible by 8",
        ),
        (run_low_data_study, {"model": {"archtecture_width": 9}}, "did you mean `architecture_width`?"),
        (
            run_low_data_study,
            {"model": 3},
            "`model` must be a QuantumDiffusionConfig, a mapping",
        ),
        (run_low_data_study, {"arms": ["noise vacuum"]}, "`arms` must be one of 'plain', .* but is 'noise vacuum'"),
        (run_low_data_study, {"score": "coverage"}, "`score` must be one of"),
        (run_placement_study, {"model": {"control": "dense"}}, "`control` has no effect in `model`: the study"),
        (run_low_data_study, {"stepz": 1}, "has no option `stepz`: did you mean `steps`"),
        (run_low_data_study, {"steps": 0}, "`steps` must be a positive integer, but is 0"),
        (run_low_data_study, {"extractors": ["vgg"]}, "`extractors` must be 'pixel'"),
    ],
)
def test_bad_arguments_are_refused_by_name_before_anything_is_written(tmp_path, run, changes, message):
    options = PLACEMENT if run is run_placement_study else {**LOW_DATA, "sizes": (5,), "seeds": (0,)}
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        run("digits", tmp_path / "study", **{**options, **changes})
    assert not (tmp_path / "study").exists()


def test_results_are_saved(low_data, tmp_path):
    low_data.save(tmp_path / "new")
    assert json.loads((tmp_path / "new" / "low_data.json").read_text()) == json.loads(json.dumps(low_data.to_dict()))
    assert (tmp_path / "new" / "low_data.md").read_text() == low_data.table() + "\n"
