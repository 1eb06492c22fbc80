import json

import numpy as np
import pytest
import torch

from qiskit_qgen.exceptions import CheckpointError
from qiskit_qgen.metrics import IdentityFeatureExtractor, ModuleFeatureExtractor, density_coverage, frechet_distance
from qiskit_qgen.studies.arms.images import ImageSelection
from qiskit_qgen.studies.arms.samples import as_saved, read_samples, scored, write_samples
from qiskit_qgen.studies.trials.folder import trial_folder

IMAGES = ImageSelection(name="digits", labels=[3], held_out=40, validation=20).load()
PIXELS = {"pixel": IdentityFeatureExtractor(64, name="pixel")}
RECORD = {"digest": "abc", "status": "done", "configuration": {"size": 10, "seed": 0}, "result": {"step": 5}}


@pytest.fixture
def folder(tmp_path):
    trial_folder(tmp_path, "abc").mkdir(parents=True)
    return tmp_path


def score(folder, networks=PIXELS, record=RECORD):
    return scored(record, folder, IMAGES, networks, copies_in="pixels")


def test_samples_come_back_as_they_were_scored(tmp_path):
    samples = torch.rand(3, 1, 8, 8)
    write_samples(tmp_path, samples)
    assert read_samples(tmp_path).equal(as_saved(samples))
    assert read_samples(tmp_path).sub(samples).abs().max() <= 0.5 / 255 + 1e-6


def test_an_arms_samples_are_scored_beside_the_images_held_out(folder):
    made = IMAGES.pool[IMAGES.rows(10, 0)][torch.arange(40) % 10]
    write_samples(trial_folder(folder, "abc"), made)
    result = score(folder)["result"]
    moments = [(part.mean(0), np.cov(part.T.numpy())) for part in (made.flatten(1), IMAGES.held_out.flatten(1))]
    expected = float(frechet_distance(*moments[0], *moments[1]))
    assert result["scores"]["pixel"]["frechet_distance"] == pytest.approx(expected, rel=1e-3)
    _, coverage = density_coverage(made.flatten(1), IMAGES.held_out.flatten(1), neighbors=5)
    assert result["scores"]["pixel"]["uncovered"] == pytest.approx(1 - float(coverage))
    assert (result["step"], result["copy_rate"]) == (5, 1)


def test_another_extractor_joins_and_nothing_is_scored_twice(folder, monkeypatch):
    write_samples(trial_folder(folder, "abc"), torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
    first = score(folder)
    network = torch.nn.Sequential(torch.nn.AvgPool2d(4), torch.nn.Flatten())
    coarse = ModuleFeatureExtractor(network, num_features=4, name="coarse")
    both = score(folder, {**PIXELS, "coarse": coarse})
    assert both["result"]["scores"]["pixel"] == first["result"]["scores"]["pixel"]
    assert list(both["result"]["scores"]) == ["pixel", "coarse"]

    def fail(*_, **__):
        raise AssertionError

    monkeypatch.setattr("qiskit_qgen.studies.arms.samples.feature_scores", fail)
    assert score(folder, {**PIXELS, "coarse": coarse}) == both


def test_baselines_are_scored_by_their_names(folder):
    for name in ("training", "gaussian"):
        write_samples(trial_folder(folder, "abc"), torch.rand(20, 1, 8, 8), name)
    result = score(folder)["result"]
    assert list(result["scores"]) == ["gaussian", "training"]
    assert "copy_rate" not in result


def test_what_failed_has_no_scores_and_what_is_gone_is_told(folder):
    failed = {**RECORD, "status": "failed"}
    assert score(folder, record=failed) == failed
    with pytest.raises(CheckpointError, match=r"samples\.npy with the samples of a trial is missing"):
        read_samples(folder)
    write_samples(trial_folder(folder, "abc"), torch.rand(20, 1, 8, 8))
    (trial_folder(folder, "abc") / "scores.json").write_text(json.dumps([1]))
    with pytest.raises(CheckpointError, match=r"scores\.json is damaged: delete it, and the samples are scored again"):
        score(folder)
