"""What a run shows and tells of classes, and of samples that the critic has chosen."""

import json
import re

import numpy as np
import pytest
import torch

from qiskit_qgen import StyleQGAN
from qiskit_qgen.cli.classes import samples_by_class
from qiskit_qgen.datasets import hold_out, load_dataset
from qiskit_qgen.metrics import LabelFeatureExtractor, evaluate_images

CONFIG = """
[data]
name = {data!r}

[model]
num_qubits = 2
num_layers = 1
autoencoder_width = 4
autoencoder_hidden = 8
critic_width = 8

[training]
steps = 3
autoencoder_steps = 4
batch_size = 8
num_validation = 40

[evaluate]
extractor = "pixel"
oversample = 4
"""


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """Horizontal and vertical bars in noise, with their labels: enough of them to train a classifier."""
    generator = np.random.default_rng(5)
    arrays = {}
    for split, count in (("train", 1040), ("test", 30)):
        images = generator.random((count, 1, 8, 8), dtype=np.float32) / 4
        labels = generator.integers(2, size=count)
        for image, label, row in zip(images, labels, generator.integers(8, size=count), strict=True):
            image[0, row] = 1
            if label:
                image[:] = image.transpose(0, 2, 1).copy()
        arrays |= {f"{split}_images": images, f"{split}_labels": labels}
    path = tmp_path_factory.mktemp("data") / "bars.npz"
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize("stream", [False, True])
def test_a_run_tells_how_a_classifier_sees_its_classes(qgen, bars, stream, tmp_path):
    config = tmp_path / "bars.toml"
    config.write_text(CONFIG.format(data=str(bars)).replace("[model]", f"stream = {str(stream).lower()}\n\n[model]"))
    result = qgen("train", config, "--out", tmp_path / "run", "--seed", 3)
    assert result.exit_code == 0, result.stderr
    scores = json.loads((tmp_path / "run" / "scores.json").read_text())
    model = StyleQGAN.from_pretrained(tmp_path / "run" / "model")
    assert model.num_classes == 2
    train, _ = hold_out(load_dataset(bars), 40)
    test = load_dataset(bars, split="test")
    classifier = LabelFeatureExtractor(train)
    found = scores["recognition"]
    assert list(found["sets"]) == ["generated", "oversampled", "mixture", "reconstructed", "real"]
    assert found["accuracy"] == classifier.accuracy > 0.9
    chances = classifier.logits(classifier(model.sample(30, labels=test.labels, seed=3))).softmax(1)
    expected = [
        float((chances.argmax(1) == test.labels).double().mean()),
        float((chances.amax(1) < 0.6).double().mean()),
    ]
    assert [found["sets"]["generated"][key] for key in ("recognised", "muddled")] == pytest.approx(expected)
    assert found["sets"]["real"]["recognised"] > 0.9
    assert found["sets"]["mixture"]["recognised"] is None
    assert "class recognised" in result.stdout
    page = (tmp_path / "run" / "report.html").read_text()
    cards = re.findall(r"<h3>(?:Class recognised|Muddled images) .*?</article>", page, re.DOTALL)
    for card, key in zip(cards, ("recognised", "muddled"), strict=True):
        bars = re.findall(r'class="bar (\w+)">\s*<span class="name">(.*?)</span>.*?width:([\d.]+)%', card, re.DOTALL)
        values = {"generated": "model", "oversampled": "model", "mixture": "baseline"}
        values |= {"reconstructed": "floor", "real": "floor"}
        known = [(kind, found["sets"][name][key]) for name, kind in values.items()]
        expected = [(kind, round(100 * value, 2)) for kind, value in known if value is not None]
        assert [(kind, float(length)) for kind, _, length in bars] == expected
    assert '<span class="name">chosen</span>' in cards[0]

    chosen = scores["chosen"]
    assert chosen["oversample"] == 4
    best = evaluate_images(model.sample(30, seed=3, oversample=4), test.images, extractor="pixel", floors=False, seed=3)
    assert chosen["frechet_distance"] == pytest.approx(best["frechet_distance"])
    assert "oversample" not in scores
    assert "the critic keeps the best of 4 candidates, a classical filter" in result.stdout


def test_samples_stand_in_a_row_for_each_of_the_first_classes():
    class Many:
        num_classes, class_names = 25, None

        def sample(self, *, class_counts, seed):
            values = [label for label, number in class_counts.items() for _ in range(number)]
            return torch.tensor(values).view(-1, 1, 1, 1) / 100 + seed / 1000

    rows = samples_by_class(Many(), 3)
    assert list(rows) == [str(label) for label in range(20)]
    assert all(row.flatten().tolist() == pytest.approx([int(name) / 100 + 0.003] * 10) for name, row in rows.items())


def test_a_model_without_a_critic_has_no_choice_to_score(qgen, bars, tmp_path):
    config = tmp_path / "run.toml"
    config.write_text(
        f'[data]\nname = "{bars}"\n[model]\nclass_name = "QuantumDiffusion"\n[evaluate]\noversample = 2\n'
    )
    result = qgen("train", config, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "`oversample` in the table [evaluate] has no effect on a QuantumDiffusion: leave it out." in result.stderr
