from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from qiskit_qgen.exceptions import ArgumentError, CheckpointError
from qiskit_qgen.studies import ArmSettings, ArmStudy
from qiskit_qgen.studies.arms.design import PLACEMENT
from qiskit_qgen.studies.arms.images import ImageSelection

SETTINGS = ArmSettings(
    images=ImageSelection(name="digits", held_out=20), steps=20, score_every=10, batch_size=4, extractor="pixel"
)


def record(arm, size, seed, distances, status="done"):
    result = {
        "kernel_distance": distances, "frechet_distance": 5.0, "density": 0.5, "coverage": 0.25, "copy_rate": 0.1,
        "held_out_copy_rate": 0.04, "closer": 0.6, "copies_kernel_distance": 0.7, "num_weights": 123,
    }  # fmt: skip
    ended = {"result": result} if status == "done" else {"error": "RuntimeError: no memory"}
    return {
        "digest": f"{arm}{size}{seed}",
        "configuration": {"arm": arm, "size": size, "seed": seed},
        "status": status,
    } | (ended)


def study(*records, folder=Path("nowhere")):
    return ArmStudy(PLACEMENT, SETTINGS, list(records), folder, 0.125, 99)


STUDY = study(
    record("none", 8, 0, [4.0, 2.0]),
    record("both", 8, 0, [3.0, 1.5]),
    record("none", 8, 1, [4.5, 3.0]),
    record("both", 8, 1, [], "failed"),
)


def test_the_table_holds_scores_with_what_to_compare_them_with():
    lines = STUDY.table().splitlines()
    assert lines[2].startswith("| 8 | none | 2 | 123 | 2.5 [")
    assert lines[2].endswith("| 10 % | 60 % |")
    assert lines[3].startswith("| 8 | both | 1 of 2 | 123 | 1.5 | 5 | 0.25 |")
    assert lines[4] == "| 8 | *its images, repeated* |  |  | 0.7 |  |  |  |  |"
    assert lines[5] == "| 8 | *other real images* |  |  | 0.125 |  |  | 4 % | 50 % |"
    assert "20 samples against 20 held-out images; features: pixel." in STUDY.table()
    assert "in the features" in STUDY.table()


def test_rows_and_curves_are_means_over_the_seeds_that_are_done():
    none, both = STUDY.rows
    assert (none["num_trials"], none["planned"], both["num_trials"], both["planned"]) == (2, 2, 1, 2)
    assert none["kernel_distance"]["mean"] == 2.5
    assert [each["mean"] for each in STUDY.curves[8]["none"]] == [4.25, 2.5]
    assert [each["mean"] for each in STUDY.curves[8]["both"]] == [3.0, 1.5]


def test_differences_are_taken_at_the_first_scored_step_and_at_the_last():
    assert [(each.step, each.difference["mean"]) for each in STUDY.comparisons] == [(10, -1.0), (20, -0.5)]
    with pytest.raises(ArgumentError, match=r"`step` must be one of \[10, 20\], but is 15"):
        STUDY.comparisons_at(15)


def test_a_study_without_a_baseline_compares_nothing():
    assert study(record("both", 8, 0, [3.0, 1.5])).comparisons == []


def test_samples_are_those_of_the_first_seed_and_named_if_they_are_gone(tmp_path):
    for arm, level in (("none", 0), ("both", 51)):
        place = tmp_path / "trials" / f"{arm}80"
        place.mkdir(parents=True)
        np.save(place / "samples.npy", np.full((3, 1, 8, 8), level, np.uint8))
    found = replace(STUDY, folder=tmp_path).images(8)
    assert {arm: images.shape for arm, images in found.items()} == dict.fromkeys(("none", "both"), (3, 1, 8, 8))
    assert torch.allclose(found["both"], torch.full((3, 1, 8, 8), 0.2))
    with pytest.raises(CheckpointError, match=r"samples\.npy with the samples of a trial is missing"):
        STUDY.images(8)
    with pytest.raises(ArgumentError, match=r"`size` must be one of \[8\], but is 9"):
        STUDY.images(9)
