import json

import numpy as np
import pytest
import torch
from small_arms import LOW_DATA, PLACEMENT

from qiskit_qgen.metrics import IdentityFeatureExtractor, KernelInceptionDistance, frechet_distance
from qiskit_qgen.models import HybridGAN
from qiskit_qgen.studies import ArmSettings
from qiskit_qgen.studies.arms import trial
from qiskit_qgen.studies.arms.design import DESIGNS
from qiskit_qgen.studies.arms.images import ImageSelection
from qiskit_qgen.studies.arms.trial import final_scores, run_arm_trial


def configuration(options, study, **changes):
    """Return a trial of a small study as its folder holds it."""
    model, kind = options["model"], DESIGNS[study].model
    given = {name: value for name, value in options.items() if name not in ("model", "arms", "sizes", "seeds")}
    settings = ArmSettings.of(name="digits", **given).to_dict()
    common = {name: settings[name] for name in ArmSettings.common()}
    common |= {"model": kind.config_class.of(**model).to_dict(), "training": kind.training_class().to_dict()}
    return json.loads(json.dumps({"study": study, **common, **changes}))


PLACED = configuration(PLACEMENT, "placement", arm="both", size=8, seed=0)


def test_a_trial_is_the_training_that_its_configuration_names(tmp_path):
    images = ImageSelection.of(**PLACED["images"]).load()
    result = run_arm_trial(PLACED, tmp_path)
    model = HybridGAN(image_shape=(1, 8, 8), quantum_in="both", **PLACEMENT["model"])
    model.fit(images.pool[images.rows(8, 0)], steps=2, batch_size=4, seed=0, callbacks=[])
    samples = model.sample(20, seed=0)
    moments = [(part.mean(0), np.cov(part.T.numpy())) for part in (samples.flatten(1), images.held_out.flatten(1))]
    assert result["frechet_distance"] == pytest.approx(float(frechet_distance(*moments[0], *moments[1])), rel=1e-4)
    shown = torch.from_numpy(np.load(tmp_path / "samples.npy")) / 255
    assert torch.allclose(shown, samples[: len(shown)], atol=1 / 255)
    assert len(result["kernel_distance"]) == 2
    assert not (tmp_path / "checkpoints").exists()


def test_a_trial_without_scores_on_the_way_is_scored_at_its_end(tmp_path):
    result = run_arm_trial(configuration(LOW_DATA, "low_data", arm="se", size=5, seed=1, num_samples=40), tmp_path)
    assert len(result["kernel_distance"]) == 1


def test_a_stopped_trial_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    whole, folder = tmp_path / "whole", tmp_path / "stopped"
    for place in (whole, folder):
        place.mkdir()
    uninterrupted = run_arm_trial(PLACED, whole)
    calls = []

    def broken(*features):
        calls.append(features)
        if len(calls) == 2:
            raise ZeroDivisionError
        return 1.0

    with monkeypatch.context() as patch:
        patch.setattr(trial, "whole_kernel_distance", broken)
        with pytest.raises(ZeroDivisionError):
            run_arm_trial(PLACED, folder)
    assert (folder / "checkpoints").is_dir()
    result = run_arm_trial(PLACED, folder)
    assert result["kernel_distance"] == pytest.approx([1.0, uninterrupted["kernel_distance"][1]], rel=1e-5)
    assert not (folder / "checkpoints").exists()


def test_scores_are_those_of_the_images_that_were_trained_on():
    images = ImageSelection(name="digits", labels=[3], held_out=40).load()
    chosen = images.rows(10, 0)
    network = IdentityFeatureExtractor(64)
    copies = images.pool[chosen][torch.arange(40) % 10]
    copied = final_scores(copies, images, chosen, network, copies_in="pixels")
    others = final_scores(images.pool[images.rows(60, 0)[20:]], images, chosen, network, copies_in="pixels")
    assert copied["copy_rate"] == 1
    assert copied["closer"] == 1
    assert others["copy_rate"] == 0
    assert others["closer"] == pytest.approx(0.5, abs=0.2)
    assert copied["held_out_copy_rate"] == others["held_out_copy_rate"] == 0

    metric = KernelInceptionDistance(IdentityFeatureExtractor(64), subsets=1, subset_size=40)
    metric.update(images.held_out, real=True)
    metric.update(copies, real=False)
    assert copied["kernel_distance"] == pytest.approx(float(metric.compute()[0]))
    # Repeating few images is worse than showing others once.
    assert copied["copies_kernel_distance"] == pytest.approx(copied["kernel_distance"])
    assert copied["copies_kernel_distance"] > others["kernel_distance"]


def test_copies_are_looked_for_where_the_design_says():
    images = ImageSelection(name="digits", labels=[3], held_out=40).load()
    chosen = images.rows(10, 0)

    class Brightness(IdentityFeatureExtractor):
        def forward(self, batch):
            return batch.flatten(1).mean(1, keepdim=True)

    shuffled = images.pool[chosen].flatten(2).flip(2).reshape(-1, 1, 8, 8)  # as bright, but other images
    found = {
        where: final_scores(shuffled, images, chosen, Brightness(1), copies_in=where)["copy_rate"]
        for where in ("pixels", "features")
    }
    assert found["pixels"] == 0
    assert found["features"] > 0.9
