import json
import math

import pytest
import torch
from scipy import stats

from qiskit_qgen import LocalExecution, StyleQGAN
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.metrics import IdentityFeatureExtractor
from qiskit_qgen.models import StyleQGANTraining
from qiskit_qgen.studies import compare_executions
from qiskit_qgen.studies.executions import SCORES
from qiskit_qgen.studies.intervals import mean_interval


@pytest.fixture(scope="module")
def images():
    return torch.rand(60, 1, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def model(images):
    trained = StyleQGAN(image_shape=(1, 8, 8), num_qubits=2, num_layers=1, autoencoder_hidden=8, autoencoder_width=4)
    training = StyleQGANTraining.of(autoencoder_steps=2)
    trained.fit(images, steps=2, batch_size=8, seed=0, training=training, callbacks=[])
    return trained


EXTRACTOR = IdentityFeatureExtractor(64, name="pixel")


def test_single_precision_is_nearly_exact_and_shots_are_not(model, images, tmp_path):
    executions = {"float32": LocalExecution(), "256 shots": LocalExecution(shots=256, seed=0)}
    found = compare_executions(model, images, executions, num_samples=20, seeds=(3, 4), extractor=EXTRACTOR)
    names = [row["name"] for row in found.rows]
    assert names == ["exact", "float32", "256 shots"]
    exact, single, shots = (row["latent_rms"]["mean"] for row in found.rows)
    assert exact == 0
    assert 0 < single < 1e-5
    # Expectation values near 0 have a standard deviation of 1/sqrt(shots); latents are these over the spread.
    scale = 1 / (model.networks["generator"].readout_std * math.sqrt(256))
    assert 0.5 * scale < shots < 1.1 * scale
    assert found.rows[1]["scores"]["frechet_distance"]["mean"] == pytest.approx(
        found.rows[0]["scores"]["frechet_distance"]["mean"], rel=1e-3
    )
    assert all(found.images[name].shape == (16, 1, 8, 8) for name in names)
    folder = found.save(tmp_path / "out")
    saved = json.loads((folder / "comparison.json").read_text())
    assert saved == json.loads(json.dumps(found.to_dict()))
    assert saved["extractor"] == "pixel"
    assert saved["floors"]["floor_real"]["frechet_distance"] > 0
    text = (folder / "comparison.md").read_text()
    assert "| 256 shots |" in text
    assert "| *N(0, I) in the latent* |" in text
    assert set(saved["baselines"]) == {"untrained", "standard_normal"}
    assert all(judged["sentence"] in text for name, judged in saved["unfit"].items() if name in SCORES)


def test_latents_decode_to_the_samples(model):
    latents = model.sample_latents(5, seed=7)
    assert latents.shape == (5, 4)
    assert torch.equal(model.decode_latents(latents), model.sample(5, seed=7))
    with pytest.raises(ArgumentError, match=r"`latents` must have shape \(N, 4\)"):
        model.decode_latents(latents[:, :3])


def test_tables_are_compared_by_their_rows():
    rows = torch.randn(40, 2, generator=torch.Generator().manual_seed(1))
    model = StyleQGAN(image_shape=None, num_features=2, num_qubits=2, num_layers=1)
    model.fit(rows, steps=2, batch_size=8, seed=0, callbacks=[])
    found = compare_executions(model, rows, {"float32": LocalExecution()}, num_samples=10, seeds=[0])
    assert found.rows[1]["latent_rms"]["low"] is None
    assert found.extractor == "identity, standardized"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"executions": {}}, ArgumentError, "`executions` must hold at least one"),
        ({"executions": {"exact": LocalExecution()}}, ArgumentError, "must not name an execution 'exact'"),
        ({"executions": {"a": 3}}, ArgumentTypeError, r"executions\['a'\]"),
        ({"executions": [LocalExecution()]}, ArgumentTypeError, "`executions`"),
        ({"seeds": 3}, ArgumentTypeError, r"^Argument `seeds` must be a sequence of seeds .* but is of type int.$"),
        ({"seeds": ()}, ArgumentError, "`seeds` must hold distinct seeds"),
        ({"seeds": (1, 1)}, ArgumentError, "`seeds` must hold distinct seeds"),
        ({"num_samples": 1}, ArgumentError, "`num_samples`"),
        ({"model": 3}, ArgumentTypeError, "`model`"),
    ],
)
def test_wrong_arguments(model, images, change, error, message):
    arguments = {"model": model, "data": images, "executions": {"a": LocalExecution()}, "extractor": EXTRACTOR} | change
    with pytest.raises(error, match=message):
        compare_executions(**arguments)


def test_intervals_are_those_of_student():
    values = [1.0, 2.0, 4.0, 8.0]
    found = mean_interval(values)
    low, high = stats.t.interval(0.95, 3, loc=3.75, scale=stats.sem(values))
    assert found == pytest.approx({"mean": 3.75, "low": low, "high": high})
    assert mean_interval([2.5]) == {"mean": 2.5, "low": None, "high": None}
