import json

import numpy as np
import pytest
import torch
from small_arms import LOW_DATA, PLACEMENT

from qiskit_qgen.metrics import IdentityFeatureExtractor, KernelInceptionDistance
from qiskit_qgen.models import HybridGAN
from qiskit_qgen.studies import ArmSettings
from qiskit_qgen.studies.arms import trial
from qiskit_qgen.studies.arms.design import DESIGNS
from qiskit_qgen.studies.arms.images import ImageSelection
from qiskit_qgen.studies.arms.samples import read_samples
from qiskit_qgen.studies.arms.scores import baseline_samples, copying, distance, feature_scores
from qiskit_qgen.studies.arms.trial import run_arm_trial


def configuration(options, study, **changes):
    """Return a trial of a small study as its folder holds it."""
    model, kind = options["model"], DESIGNS[study].model
    given = {name: value for name, value in options.items() if name not in ("model", "arms", "sizes", "seeds")}
    settings = ArmSettings.of(name="digits", **given).to_dict()
    common = {name: settings[name] for name in ArmSettings.common()}
    common |= {"model": kind.config_class.of(**model).to_dict(), "training": kind.training_class().to_dict()}
    return json.loads(json.dumps({"study": study, **common, **changes}))


PLACED = configuration(PLACEMENT, "placement", arm="both", size=8, seed=0)
IMAGES = ImageSelection(name="digits", labels=[3], held_out=40, validation=20).load()
PIXELS = {"pixel": IdentityFeatureExtractor(64, name="pixel")}


def test_a_trial_is_the_training_that_its_configuration_names(tmp_path):
    """Trained to each of the two steps by itself; the one nearer to the validation images is scored."""
    images = ImageSelection.of(**PLACED["images"]).load()
    result = run_arm_trial(PLACED, tmp_path)
    shown = torch.from_numpy(np.load(tmp_path / "samples.npy"))
    assert shown.shape == (20, 1, 8, 8)
    model = HybridGAN(image_shape=(1, 8, 8), quantum_in="both", **PLACEMENT["model"])
    found = []

    class Keep(trial.Scores):
        def on_step_end(self, state):
            found.append(state.phase.preview(20, 0).mul(255).round().byte())

    keep = Keep({"none": lambda _: None})
    model.fit(images.pool[images.rows(8, 0)], steps=2, batch_size=4, seed=0, callbacks=[keep])
    metric = [KernelInceptionDistance(PIXELS["pixel"], subsets=1, subset_size=20) for _ in found]
    for each, samples in zip(metric, found, strict=True):
        each.update(images.validation, real=True)
        each.update(samples.float() / 255, real=False)
    distances = [float(each.compute()[0]) for each in metric]
    assert result["validation_distance"] == pytest.approx(distances, rel=1e-4)
    best = int(np.argmin(distances))
    assert result["step"] == best + 1
    assert shown.equal(found[best])
    assert not (tmp_path / "checkpoints").exists()


def test_the_step_is_chosen_by_the_score_that_is_asked_for(tmp_path, monkeypatch):
    asked = []

    def choose(score, _, real):
        asked.append((score, len(real)))
        return [3.0, 1.0][len(asked) - 1]

    monkeypatch.setattr(trial, "distance", choose)
    result = run_arm_trial({**PLACED, "score": "frechet_distance"}, tmp_path)
    assert asked == [("frechet_distance", 20)] * 2
    assert (result["step"], result["validation_distance"]) == (2, [3.0, 1.0])


def test_a_trial_without_a_choice_takes_its_last_step(tmp_path):
    result = run_arm_trial(configuration(LOW_DATA, "low_data", arm="se", size=5, seed=1, num_samples=40), tmp_path)
    assert len(result["validation_distance"]) == 1
    assert result["step"] == 2


def test_a_stopped_trial_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    whole, folder = tmp_path / "whole", tmp_path / "stopped"
    for place in (whole, folder):
        place.mkdir()
    uninterrupted = run_arm_trial(PLACED, whole)
    calls = []

    def broken(*given):
        calls.append(given)
        if len(calls) == 2:
            raise ZeroDivisionError
        return distance(*given)

    with monkeypatch.context() as patch:
        patch.setattr(trial, "distance", broken)
        with pytest.raises(ZeroDivisionError):
            run_arm_trial(PLACED, folder)
    assert (folder / "checkpoints").is_dir()
    assert run_arm_trial(PLACED, folder) == uninterrupted
    assert len(calls) == 2
    assert not (folder / "checkpoints").exists()


def test_baselines_train_nothing_and_know_the_training_images_alone(tmp_path):
    found = run_arm_trial({**PLACED, "arm": "baselines"}, tmp_path)
    names = ["untrained", "marginals", "gaussian", "mixture", "training"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"{name}.npy" for name in names)
    images = ImageSelection.of(**PLACED["images"]).load()
    train = images.pool[images.rows(8, 0)]
    made = baseline_samples(train, torch.rand(20, 1, 8, 8), 0)
    assert list(made) == names
    assert {len(samples) for samples in made.values()} == {20}
    assert {tuple(image.flatten().tolist()) for image in made["training"]} <= {
        tuple(image.flatten().tolist()) for image in train
    }
    assert read_samples(tmp_path, "training").sub(made["training"]).abs().max() < 1 / 255
    expected = distance("kernel_distance", made["training"].flatten(1), images.validation.flatten(1))
    assert found["validation_distance"] == pytest.approx([expected], rel=0.01)


def test_scores_are_those_of_the_images_that_were_trained_on():
    chosen = IMAGES.rows(10, 0)
    copies = IMAGES.pool[chosen][torch.arange(40) % 10]
    others = IMAGES.pool[IMAGES.rows(60, 0)[20:]]
    copied = copying(copies, IMAGES, chosen, PIXELS, copies_in="pixels")
    fresh = copying(others, IMAGES, chosen, PIXELS, copies_in="pixels")
    assert (copied["copy_rate"], copied["closer"]) == (1, 1)
    assert fresh["copy_rate"] == 0
    assert fresh["closer"] == pytest.approx(0.5, abs=0.2)
    assert copied["held_out_copy_rate"] == fresh["held_out_copy_rate"] == 0

    found = feature_scores(copies, IMAGES, PIXELS)["pixel"]["kernel_distance"]
    metric = KernelInceptionDistance(IdentityFeatureExtractor(64), subsets=1, subset_size=40)
    metric.update(IMAGES.held_out, real=True)
    metric.update(copies, real=False)
    assert found == pytest.approx(float(metric.compute()[0]))
    # Repeating few images is worse than showing others once.
    assert found > feature_scores(others, IMAGES, PIXELS)["pixel"]["kernel_distance"]


def test_copies_are_looked_for_where_the_design_says():
    chosen = IMAGES.rows(10, 0)

    class Brightness(IdentityFeatureExtractor):
        def forward(self, batch):
            return batch.flatten(1).mean(1, keepdim=True)

    shuffled = IMAGES.pool[chosen].flatten(2).flip(2).reshape(-1, 1, 8, 8)  # as bright, but other images
    found = {
        where: copying(shuffled, IMAGES, chosen, {"mean": Brightness(1)}, copies_in=where)["copy_rate"]
        for where in ("pixels", "features")
    }
    assert found["pixels"] == 0
    assert found["features"] > 0.9
