"""qgen evaluate: the table, the numbers, what a run was trained on, and fewer images."""

import json

import numpy as np
import pytest
import torch

from qiskit_qgen import StyleQGAN
from qiskit_qgen.cli import scoring
from qiskit_qgen.datasets.subsets import subset


@pytest.fixture(scope="module")
def run(tmp_path_factory, config):
    from typer.testing import CliRunner

    from qiskit_qgen.cli import app

    folder = tmp_path_factory.mktemp("runs") / "run"
    few = ("--set", "data.num_images=12", "--set", "data.subset_seed=2", "--set", "training.num_validation=0")
    result = CliRunner().invoke(app, ["train", str(config), "--out", str(folder), *few])
    assert result.exit_code == 0, result.output
    return folder


def test_the_table_has_every_score_with_intervals_and_floors(qgen, run, sample_images, tmp_path):
    out = tmp_path / "scores.json"
    result = qgen("evaluate", run, "--data", sample_images, "--extractor", "pixel", "--memorization", "-o", out)
    assert result.exit_code == 0, result.stderr
    scores = json.loads(out.read_text())
    lines = result.stdout.split("\n\n")[0].splitlines()
    assert lines[0].split() == ["generated", "95", "%", "interval", "reconstructed", "real"]
    for title, key in (("precision", "precision"), ("coverage", "coverage"), ("kernel distance", "kernel_distance")):
        (line,) = (line for line in lines if line.startswith(title))
        low, high = scores[f"{key}_interval"]
        rebuilt, real = scores["floor_reconstruction"][key], scores["floor_real"][key]
        values = line.removeprefix(title).split()
        assert values == [f"{scores[key]:.4g}", f"[{low:.3g},", f"{high:.3g}]", f"{rebuilt:.4g}", f"{real:.4g}"]
    assert "Inception Score" not in result.stdout  # pixels have no classes
    assert f"Copies of the 12 training images: {scores['memorization']['copy_rate']:.1%} [" in result.stdout


def test_copies_are_looked_for_among_what_the_run_was_trained_on(qgen, run, sample_images, tmp_path):
    out = tmp_path / "scores.json"
    qgen("evaluate", run, "--data", sample_images, "--extractor", "pixel", "--memorization", "--seed", 5, "-o", out)
    data = np.load(sample_images)
    trained_on = subset(torch.from_numpy(data["train_images"]), 12, 2)
    model = StyleQGAN.from_pretrained(run / "model")
    expected = model.evaluate(data["test_images"], train=trained_on, extractor="pixel", seed=5)["memorization"]
    found = json.loads(out.read_text())["memorization"]
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-6, err_msg=key)


def test_a_model_without_its_run_cannot_say_what_it_was_trained_on(qgen, model_dir, sample_images):
    result = qgen("evaluate", model_dir, "--data", sample_images, "--extractor", "pixel", "--memorization")
    assert result.exit_code == 2
    assert f"Folder {model_dir} must be that of a run for --memorization" in result.stderr


def test_baselines_stand_beside_the_model_and_judge_each_score(qgen, run, sample_images, tmp_path):
    out = tmp_path / "scores.json"
    result = qgen("evaluate", run, "--data", sample_images, "--extractor", "pixel", "-o", out)
    scores = json.loads(out.read_text())
    for title, found in (("Baselines", scores), ("Baselines, latents", scores["latent"])):
        start = result.stdout.index(f"{title}  ")
        lines = result.stdout[start:].split("\n\n")[0].splitlines()
        names = [name for name in scoring.BASELINE_TITLES if name in found["baselines"]]
        columns = [scoring.BASELINE_TITLES[name] for name in names]
        assert lines[0].removeprefix(title).split() == f"generated {' '.join(columns)} fit for".split()
        assert {"untrained", "standard_normal", "gaussian", "mixture", "training"} <= set(names)
        (line,) = (line for line in lines if line.startswith("precision"))
        values = [found["precision"], *(found["baselines"][name]["precision"] for name in names)]
        judged = found["unfit"].get("precision")
        word = "all" if judged is None else "ranking" if judged["can_rank"] else "unfit"
        assert line.split() == ["precision", *(f"{value:.4g}" for value in values), word]
    assert "Unfit: a baseline that has learnt nothing" in result.stdout, "after six steps no model is better"


def test_scores_of_chosen_samples_say_so(qgen, run, sample_images, tmp_path):
    out = tmp_path / "scores.json"
    options = ("--data", sample_images, "--extractor", "pixel", "-n", 8, "-o", out)
    plain = qgen("evaluate", run, *options)
    assert plain.exit_code == 0
    assert "oversample" not in json.loads(out.read_text())
    assert "candidates" not in plain.stdout
    chosen = qgen("evaluate", run, *options, "--oversample", 4)
    assert chosen.exit_code == 0, chosen.stderr
    assert "Each generated image is the best of 4 candidates, chosen by the critic." in chosen.stdout
    assert json.loads(out.read_text())["oversample"] == 4


def test_fewer_real_images_can_be_taken(qgen, run, sample_images):
    result = qgen("evaluate", run, "--data", sample_images, "--extractor", "pixel", "--num-images", 8)
    assert result.exit_code == 0
    assert "8 generated against 8 real images (bars.npz, test); features of pixel." in result.stdout


def test_distances_are_called_fid_and_kid_of_fids_features_alone():
    group = dict.fromkeys(scoring._ROWS, 1.0)
    scores = {**group, "floor_real": group, "floor_reconstruction": None, "memorization": None, "num_samples": 9}
    scores |= {"num_real": 9, "data": "x", "split": "test", "latent": None, "baselines": {}, "unfit": {}}
    ours = scoring._table({**scores, "extractor": "efficientnet-lite0-96px"})
    theirs = scoring._table({**scores, "extractor": "fid-inception-v3"})
    assert "FID" not in ours
    assert "KID" not in ours
    assert "Fréchet distance" in ours
    assert [line.split()[0] for line in theirs.splitlines()[1:3]] == ["FID", "KID"]
    assert "Inception Score" in ours


@pytest.mark.parametrize("split", ["train", "test"])
def test_training_images_are_not_compared_with_themselves(qgen, run, sample_images, split):
    result = qgen("evaluate", run, "--data", sample_images, "--extractor", "pixel", "--split", split, "--memorization")
    assert result.exit_code == (2 if split == "train" else 0)
    assert ("--memorization needs real images that were not trained on" in result.stderr) == (split == "train")
    assert ("Reconstructions have a peak signal-to-noise ratio" in result.stdout) == (split == "test")


@pytest.mark.parametrize(("num_samples", "num_features", "told"), [(50, 49, "is 2.50 times"), (50, 50, "No ratio")])
def test_no_ratio_is_told_where_too_few_samples_bias_it(num_samples, num_features, told):
    scores = {"frechet_distance": 5.0, "floor_reconstruction": {"frechet_distance": 2.0}, "num_features": num_features}
    sentence = scoring.ratio_sentence({**scores, "num_samples": num_samples, "num_real": 60}, "Fréchet distance")
    assert told in sentence
    assert ("2.50" in sentence) == (num_features < num_samples)
