from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from qiskit_qgen.exceptions import ArgumentError, CheckpointError
from qiskit_qgen.models import HybridGANConfig
from qiskit_qgen.studies import ArmSettings, ArmStudy
from qiskit_qgen.studies.arms.design import LOW_DATA, PLACEMENT
from qiskit_qgen.studies.arms.images import ImageSelection
from qiskit_qgen.studies.arms.power import detectable_effect
from qiskit_qgen.studies.arms.verdicts import concluded_sentence

SETTINGS = ArmSettings(
    images=ImageSelection(name="digits", held_out=20, validation=10),
    steps=20,
    score_every=10,
    batch_size=4,
    extractors=("pixel", "efficientnet-lite0-64px"),
)
MODEL = HybridGANConfig(image_shape=(1, 8, 8)).to_dict()
BASELINES = {"untrained": 9.0, "marginals": 8.5, "gaussian": 8.0, "mixture": 7.0, "training": 0.7}


def scores(distance, factor=1.0):
    own = {"frechet_distance": 5.0, "uncovered": 0.25}
    return {
        "pixel": {"kernel_distance": distance, **own},
        "efficientnet-lite0-64px": {"kernel_distance": factor * distance, **own},
    }


def record(arm, size, seed, distance, status="done", step=10):
    result = {
        "scores": scores(distance, 2.0), "validation_distance": [distance + 1, distance + 2], "step": step,
        "copy_rate": 0.1, "held_out_copy_rate": 0.04, "closer": 0.6, "num_weights": 123,
    }  # fmt: skip
    if arm == "baselines":
        result = {"scores": {name: scores(value + distance) for name, value in BASELINES.items()}}
    ended = {"result": result} if status == "done" else {"error": "RuntimeError: no memory"}
    return {
        "digest": f"{arm}{size}{seed}",
        "configuration": {"arm": arm, "size": size, "seed": seed, "model": MODEL},
        "status": status,
    } | ended


def study(*records, folder=Path("nowhere"), design=PLACEMENT):
    floors = {name: dict.fromkeys(found, 0.125) for name, found in scores(1.0).items()}
    return ArmStudy(design, SETTINGS, list(records), folder, floors, 99)


STUDY = study(
    record("baselines", 8, 0, 0.0),
    record("none", 8, 0, 2.0),
    record("both", 8, 0, 1.5),
    record("baselines", 8, 1, 0.01),
    record("none", 8, 1, 2.1, step=20),
    record("both", 8, 1, 0, "failed"),
)


def of_seeds(arm, size, values):
    return [record(arm, size, seed, value) for seed, value in enumerate(values)]


def test_the_table_holds_scores_with_what_to_compare_them_with():
    lines = STUDY.table().splitlines()
    assert lines[2].startswith("| 8 | none | 2 | 123 | 15 | 10 % | 60 % | 2.05 [")
    assert lines[3].startswith("| 8 | both | 1 of 2 | 123 | 10 | 10 % | 60 % | 1.5 | 5 | 0.25 | 3 | 5 | 0.25 |")
    assert lines[4].startswith("| 8 | *untrained model* |  |  |  |  |  | 9.005 [")
    assert lines[8].startswith("| 8 | *its images, repeated* |")
    assert lines[9].startswith("|  | *other real images* |  |  |  | 4 % | 50 % | 0.125 |")
    assert "scored once against 20 other held-out images" in STUDY.table()
    assert "nearest to 10 validation images by pixel" in STUDY.table()


def test_rows_and_curves_are_means_over_the_seeds_that_are_done():
    none, both = STUDY.rows
    assert STUDY.arms == ["none", "both"]
    assert (none["num_trials"], none["planned"], both["num_trials"], both["planned"]) == (2, 2, 1, 2)
    assert none["scores"]["pixel"]["kernel_distance"]["mean"] == pytest.approx(2.05)
    assert [each["mean"] for each in STUDY.curves[8]["none"]] == pytest.approx([3.05, 4.05])
    assert [each["mean"] for each in STUDY.curves[8]["both"]] == [2.5, 3.5]
    assert STUDY.baselines[8]["training"]["pixel"]["kernel_distance"]["mean"] == pytest.approx(0.705)


def test_pairs_are_those_that_were_planned():
    arms = ("none", "generator", "dense generator", "both", "dense both")
    found = study(*(record(arm, 8, 0, 1.0) for arm in arms))
    pairs = [
        ("generator", "none"), ("both", "none"), ("generator", "dense generator"), ("both", "dense both"),
        ("both", "generator"),
    ]  # fmt: skip
    assert [(each.arm, each.baseline) for each in found.comparisons] == pairs * 2  # by each extractor
    assert [(each.arm, each.baseline) for each in found.pooled] == pairs * 2
    assert study(record("both", 8, 0, 3.0)).comparisons == []


def test_comparisons_of_one_extractor_are_tested_together():
    found = study(
        *of_seeds("none", 8, [2.0, 2.1, 2.2]),
        *of_seeds("generator", 8, [1.0, 1.2, 1.1]),
        *of_seeds("both", 8, [1.1, 1.0, 1.3]),
    )
    assert {each.num_tests for each in found.comparisons} == {3}
    clear = [(each.extractor, each.arm) for each in found.comparisons if each.is_clear]
    assert ("pixel", "generator") in clear


def test_a_score_that_a_trivial_baseline_wins_concludes_nothing():
    def by(distance):
        return study(
            *of_seeds("baselines", 8, [0.0, 0.01, 0.02]),
            *of_seeds("none", 8, [distance, distance + 0.1, distance + 0.2]),
            *of_seeds("both", 8, [distance - 1, distance - 0.8, distance - 0.9]),
        )

    fit, unfit = by(3.0), by(12.0)
    assert fit.is_fit("pixel", 8)
    assert fit.is_fit("pixel", None)
    assert "Shown at 5 % for all comparisons by an extractor together, 1 (Holm): both below none (pixel" in fit.table()
    assert not unfit.is_fit("pixel", 8)
    assert "8 images, pixel: Unfit: by kernel distance" in unfit.table()
    assert "(Holm): none. 2 of 2 are by scores that are unfit and conclude nothing." in unfit.table()
    without = study(*of_seeds("none", 8, [1.0, 2.0]), *of_seeds("both", 8, [1.0, 1.5]))
    assert not without.is_fit("pixel", 8)
    assert "8 images: the baselines are not scored yet, so nothing is concluded." in without.table()


def test_what_is_concluded_is_shown_by_each_independent_extractor():
    found = study(*of_seeds("none", 8, [3.0, 3.1, 3.2]), *of_seeds("both", 8, [2.0, 2.2, 2.1])).pooled
    assert all(each.is_clear for each in found)
    fit, pixel_unfit = [(each, True) for each in found], [(each, each.extractor != "pixel") for each in found]
    both, one = ["pixel", "efficientnet-lite0-64px"], ["efficientnet-lite0-64px"]
    assert concluded_sentence(fit, both).endswith(", efficientnet-lite0-64px: both below none.")
    assert concluded_sentence(pixel_unfit, both).endswith(": nothing.")
    assert concluded_sentence(pixel_unfit, one).endswith(": both below none.")
    assert concluded_sentence(fit, []).startswith("**Nothing is concluded**")
    turned = [(replace(each, difference={"mean": 1.0, "low": 0.5, "high": 1.5}), True) for each in found[:1]] + fit[1:]
    assert concluded_sentence(turned, both).endswith(": nothing.")


def test_the_discriminators_own_network_is_disclosed():
    sentence = "**efficientnet-lite0-64px** is the frozen network of the discriminators, too"
    assert sentence in STUDY.table()
    assert "what is concluded has to hold by pixel." in STUDY.table()
    assert STUDY.to_dict()["backbone"] == "efficientnet-lite0"
    own = HybridGANConfig.of(image_shape=(1, 8, 8), backbone="conv").to_dict()
    records = [{**each, "configuration": {**each["configuration"], "model": own}} for each in STUDY.records]
    assert "frozen network" not in replace(STUDY, records=records).table()


def test_low_data_say_whether_an_arm_beats_repeating_its_images():
    def by(distance):
        model = {"model": {}}
        records = [
            *of_seeds("baselines", 8, [0.0, 0.01, 0.02]),
            *of_seeds("plain", 8, [distance, distance + 0.02, distance + 0.01]),
        ]
        records = [{**each, "configuration": each["configuration"] | model} for each in records]
        return study(*records, design=LOW_DATA)

    assert "By pixel, these beat repeating their training images: plain at 8." in by(0.3).table()
    assert "By efficientnet-lite0-64px, these beat" in by(0.3).table()  # twice the distance is still below 0.7
    assert "By pixel, no arm is shown to beat repeating its training images at any size" in by(0.9).table()
    assert "Against the training images" not in STUDY.table()


def test_power_is_that_of_the_measured_spread():
    found = study(
        *of_seeds("none", 8, [2.0, 2.1, 2.2]), *of_seeds("both", 8, [1.0, 1.2, 1.1]),
    )  # fmt: skip
    (pixel, _) = found.pooled
    assert f"5 seeds {np.exp(pixel.deviation * detectable_effect(5)):.3g}, 8 seeds" in found.table()
    assert "*Power.*" not in study(record("none", 8, 0, 1.0), record("both", 8, 0, 2.0)).table()


def test_samples_are_those_of_the_first_seed_and_named_if_they_are_gone(tmp_path):
    for arm, level in (("none", 0), ("both", 51)):
        place = tmp_path / "trials" / f"{arm}80"
        place.mkdir(parents=True)
        np.save(place / "samples.npy", np.full((30, 1, 8, 8), level, np.uint8))
    found = replace(STUDY, folder=tmp_path).images(8)
    assert {arm: images.shape for arm, images in found.items()} == dict.fromkeys(("none", "both"), (16, 1, 8, 8))
    assert torch.allclose(found["both"], torch.full((16, 1, 8, 8), 0.2))
    with pytest.raises(CheckpointError, match=r"samples\.npy with the samples of a trial is missing"):
        STUDY.images(8)
    with pytest.raises(ArgumentError, match=r"`size` must be one of \[8\], but is 9"):
        STUDY.images(9)
