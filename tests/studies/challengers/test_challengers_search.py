"""The search of a twin finds the best by a score on samples that trained nothing, and says what it cost."""

import json

import pytest
import torch

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.models import HybridGAN, QuantumDiffusion, StyleQGAN
from qiskit_qgen.studies import classical_twin
from qiskit_qgen.training import AdversarialTraining, DenoisingTraining

SMALL = {"steps": 2, "batch_size": 4, "num_samples": 6, "num_trials": 3}


def images(number=24, seed=0):
    return torch.rand(number, 1, 8, 8, generator=torch.Generator().manual_seed(seed))


def rows(number=200, seed=0):
    return torch.randn(number, 2, generator=torch.Generator().manual_seed(seed)) * torch.tensor([1.0, 50.0])


def test_the_best_by_the_validation_samples_is_returned_with_its_training():
    model, seen = StyleQGAN(image_shape=None, num_features=2, num_qubits=2, num_layers=1), []

    def score(made, validation):
        seen.append((len(made), validation))
        return float([3, 1, 2][len(seen) - 1])

    data = rows(40)
    result = classical_twin(model, "search", data=data, score=score, widths=(3, 5), seed=4, **SMALL)
    found = result.search
    assert [each.score for each in found.candidates] == [3, 1, 2]
    assert found.best == found.candidates[1]
    generator = result.model.config.generator
    assert (generator.width, generator.depth) == (found.best.width, found.best.depth)
    weights = sum(weight.numel() for weight in result.model.networks["generator"].parameters())
    assert found.best.num_weights == weights == result.classical_parameters["generator"]
    usual = StyleQGAN.training_class().generator_learning_rate
    assert result.training.generator_learning_rate == pytest.approx(usual * found.best.learning_rate)
    assert [number for number, _ in seen] == [6, 6, 6]
    assert all(torch.equal(validation, seen[0][1]) for _, validation in seen)
    assert len(seen[0][1]) == 10 == found.num_validation
    assert all((data == row).all(1).any() for row in seen[0][1])
    assert found.num_training == 30
    assert found.num_combinations == 2 * 3 * 3
    assert "Best of 3 trainings, drawn from 18 combinations, of 2 steps of 4 on 30 samples, scored on 10" in str(result)
    assert found.table().splitlines()[2].endswith("| 1 |")
    json.dumps(found.to_dict())


def test_the_validation_samples_train_nothing(monkeypatch):
    trained = []
    fit = StyleQGAN.fit
    monkeypatch.setattr(StyleQGAN, "fit", lambda self, data, **given: (trained.append(data), fit(self, data, **given)))
    held_out = []
    model = StyleQGAN(image_shape=None, num_features=2, num_qubits=2, num_layers=1)
    classical_twin(
        model, "search", data=rows(40), score=lambda _, other: held_out.append(other) or 0.0, widths=(3,), **SMALL
    )
    for data, other in zip(trained, held_out, strict=True):
        assert not (data[:, None] == other[None]).all(2).any()
        assert len(data) + len(other) == 40


@pytest.mark.parametrize(
    ("model", "training", "width"),
    [
        (
            HybridGAN(image_shape=(1, 8, 8), quantum_in="generator", backbone="conv", generator_width=16),
            AdversarialTraining(n_critic=1),
            lambda twin: twin.networks["generator"].block.layers[0].out_features,
        ),
        (
            QuantumDiffusion(image_shape=(1, 8, 8), num_qubits=2, architecture_width=8, num_steps=10, sampling_steps=2),
            DenoisingTraining(),
            lambda twin: twin.config.bottleneck.width,
        ),
    ],
    ids=["hybrid", "diffusion"],
)
def test_models_of_one_hidden_layer_are_searched_by_width_and_rate(model, training, width):
    result = classical_twin(model, "search", data=images(), training=training, widths=(2, 9), **SMALL)
    assert result.search.num_combinations == 2 * 3
    assert width(result.model) == result.search.best.width
    assert type(result.training) is type(training)
    assert all(torch.isfinite(torch.tensor(each.score)) for each in result.search.candidates)


def test_a_split_that_leaves_nothing_is_refused():
    model = StyleQGAN(image_shape=None, num_features=2, num_qubits=2, num_layers=1)
    with pytest.raises(ArgumentError, match="`validation` must leave at least 2 of the 4 samples on each side, but is"):
        classical_twin(model, "search", data=rows(4), **SMALL)


@pytest.mark.parametrize(
    ("score", "error", "sentence"),
    [
        (
            lambda *_: float("nan"),
            ArgumentError,
            "`score` must be a function that returns a finite number, but it gave nan",
        ),
        (lambda *_: None, ArgumentError, "`score` must be a function that returns a finite number, but it gave None"),
        (
            3,
            ArgumentTypeError,
            "`score` must be a function of generated and of validation samples, or None, but is of type",
        ),
    ],
)
def test_a_score_must_give_numbers(score, error, sentence):
    model = StyleQGAN(image_shape=None, num_features=2, num_qubits=2, num_layers=1)
    with pytest.raises(error, match=sentence):
        classical_twin(model, "search", data=rows(40), score=score, widths=(3,), **SMALL)
