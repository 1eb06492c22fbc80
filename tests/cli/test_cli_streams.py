"""A run whose training images stay in their file."""

import json

import numpy as np
import pytest
import torch

from qiskit_qgen import StyleQGAN, load_dataset
from qiskit_qgen.datasets import hold_out
from qiskit_qgen.datasets.streamed import StreamedImages
from qiskit_qgen.datasets.subsets import subset_rows


def test_a_streamed_run_ends_with_the_same_bits(qgen, config, tmp_path, monkeypatch):
    read = []
    original = StreamedImages.__getitem__

    def counted(self, index):
        read.append(len(original(self, index)))
        return original(self, index)

    monkeypatch.setattr(StreamedImages, "__getitem__", counted)
    for name, more in (("memory", ()), ("streamed", ("--set", "data.stream=true"))):
        assert not read
        result = qgen("train", config, "--out", tmp_path / name, "--seed", 1, *more)
        assert result.exit_code == 0, result.stderr
    assert read
    first, second = (StyleQGAN.from_pretrained(tmp_path / name / "model") for name in ("memory", "streamed"))
    for key, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[key]), key
    scores = [json.loads((tmp_path / name / "scores.json").read_text()) for name in ("memory", "streamed")]
    assert scores[0] == scores[1]
    out = tmp_path / "scores.json"
    result = qgen("evaluate", tmp_path / "streamed", "--extractor", "pixel", "-o", out, "--memorization", "--seed", 1)
    assert result.exit_code == 0, result.stderr
    assert json.loads(out.read_text())["frechet_distance"] == scores[0]["frechet_distance"]


def test_scores_take_a_draw_of_many_streamed_images(qgen, config, sample_images, tmp_path, monkeypatch):
    monkeypatch.setattr("qiskit_qgen.cli.data.MOST_IN_MEMORY", 25)
    result = qgen("train", config, "--out", tmp_path / "run", "--seed", 1, "--set", "data.stream=true")
    assert result.exit_code == 0, result.stderr
    assert "Scores use a draw of 25 of the 36 training images, which stay in their file." in result.stderr
    train, _ = hold_out(load_dataset(sample_images), 4)
    images = load_dataset(sample_images, split="test").images
    model = StyleQGAN.from_pretrained(tmp_path / "run" / "model")
    expected = model.evaluate(images, train=train.take(subset_rows(36, 25, 0)), extractor="pixel", seed=1)
    scores = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert scores["baselines"]["gaussian"]["frechet_distance"] == pytest.approx(
        expected["baselines"]["gaussian"]["frechet_distance"]
    )


def test_what_cannot_be_streamed_is_refused(qgen, config, tmp_path):
    np.savez_compressed(tmp_path / "packed.npz", images=np.random.default_rng(0).random((30, 1, 8, 8), np.float32))
    for name in ("digits", tmp_path / "packed.npz"):
        result = qgen("train", config, "--out", tmp_path / "run", "--data", name, "--set", "data.stream=true")
        assert result.exit_code == 2
        assert "stream" in result.stderr
    (tmp_path / "rows.csv").write_text("a,b\n" + "".join(f"{i % 7}.5,{i % 11}\n" for i in range(60)))
    result = qgen(
        "train", config, "--out", tmp_path / "run", "--data", tmp_path / "rows.csv", "--set", "data.stream=true"
    )
    assert "Argument `stream` has no effect on a table" in result.stderr
