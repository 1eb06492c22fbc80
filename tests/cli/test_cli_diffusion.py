"""A QuantumDiffusion from the command line: trained, resumed, sampled, scored and audited."""

import json

import numpy as np
import pytest
from qiskit import qpy
from qiskit.circuit import QuantumCircuit

from qiskit_qgen import QuantumDiffusion
from qiskit_qgen.circuits import bottleneck_ansatz, strongly_entangling_ansatz
from qiskit_qgen.cli.settings import complete, override, read_settings

CONFIG = """
[data]
name = {data!r}
num_images = 9

[model]
class_name = "QuantumDiffusion"
bottleneck = {bottleneck!r}
architecture_width = 8
num_steps = 20
sampling_steps = 3

[training]
steps = 3
batch_size = 4

[evaluate]
extractor = "pixel"
num_samples = 5
"""


def config(tmp_path, sample_images, bottleneck="quantum", **model):
    path = tmp_path / "diffusion.toml"
    text = CONFIG.format(data=str(sample_images), bottleneck=bottleneck)
    if bottleneck != "plain":
        model = {"num_qubits": 3, **model}
    extra = "".join(f"{name} = {json.dumps(value)}\n" for name, value in model.items())
    path.write_text(text.replace("[training]", f"{extra}\n[training]"))
    return path


@pytest.mark.parametrize("bottleneck", ["plain", "quantum"])
def test_a_run_leaves_a_model_that_samples_and_is_scored(qgen, sample_images, tmp_path, bottleneck):
    out = tmp_path / "run"
    result = qgen("train", config(tmp_path, sample_images, bottleneck), "--out", out, "--seed", 3)
    assert result.exit_code == 0, result.stderr
    files = {entry.name for entry in out.iterdir()}
    assert {"scores.json", "samples.png", "history.json", "history.png", "model"} <= files
    assert ("circuit.png" in files) == (bottleneck == "quantum")
    scores = json.loads((out / "scores.json").read_text())
    assert scores["num_samples"] == 5
    model = QuantumDiffusion.from_pretrained(out / "model")
    result = qgen("sample", out, "-n", 3, "--seed", 2, "--out", tmp_path / "more.npy")
    assert result.exit_code == 0, result.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "more.npy"), model.sample(3, seed=2).numpy())
    result = qgen("sample", out, "-n", 2, "--sampler", "dpm-solver", "--sampling-steps", 2, "--out", tmp_path / "m.png")
    assert result.exit_code == 0, result.stderr
    result = qgen("evaluate", out, "--data", sample_images, "-n", 4, "--extractor", "pixel")
    assert result.exit_code == 0, result.stderr
    assert "4 generated against 20 real images" in result.stdout


def test_a_run_goes_on_and_a_finished_one_is_told(qgen, sample_images, tmp_path):
    path = config(tmp_path, sample_images, min_beta=1e-4, process="gaussian")
    first = qgen("train", path, "--out", tmp_path / "run", "--seed", 3)
    assert first.exit_code == 0, first.stderr
    again = qgen("train", path, "--out", tmp_path / "run", "--seed", 3, "--resume")
    assert again.exit_code == 0
    assert again.stdout == first.stdout
    other = qgen("train", path, "--out", tmp_path / "run", "--seed", 3, "--resume", "--set", "data.num_images=8")
    assert other.exit_code == 2
    assert "num_images" in other.stderr


def test_other_forward_processes_and_wrong_options(qgen, sample_images, tmp_path):
    path = config(tmp_path, sample_images, process="depolarizing")
    result = qgen("train", path, "--out", tmp_path / "run", "--seed", 3)
    assert result.exit_code == 0, result.stderr
    for options, sentence in [
        (["--sampler", "ddpm"], "`sampler` has no effect"),
        (["--label", 1], "`labels` must be None"),
        (["--guidance", 2], "`guidance` has no effect"),
        (["--sampling-steps", 21], "`sampling_steps` must be"),
    ]:
        result = qgen("sample", tmp_path / "run", "--out", tmp_path / "more.png", *options)
        assert result.exit_code == 2
        assert sentence in result.stderr
    result = qgen("train", path, "--out", tmp_path / "other", "--set", "model.noise=quantum")
    assert result.exit_code == 2
    assert "`noise` has no effect" in result.stderr
    assert not (tmp_path / "other" / "run.json").exists()


def test_defaults_are_the_models_and_few_samples_are_scored(sample_images, tmp_path):
    tables = complete(read_settings(config(tmp_path, sample_images)), (1, 8, 8))
    assert tables["model"]["sampling"]["sampler"] == "ddim"
    assert not {"strict", "labels"} & tables["training"].keys()
    assert tables["evaluate"]["num_samples"] == 5
    given = override(tables, {}, ["training.min_snr_gamma=none"])
    assert complete(given, (1, 8, 8))["training"]["min_snr_gamma"] is None
    least = {"data": {"name": "digits"}, "model": {"class_name": "QuantumDiffusion"}}
    assert complete(least, (1, 8, 8))["evaluate"]["num_samples"] == 256


def findings(result):
    return [tuple(line.split(maxsplit=1)) for line in result.stdout.splitlines()]


@pytest.fixture
def circuit_file(tmp_path):
    def write(*circuits):
        with (tmp_path / "circuits.qpy").open("wb") as file:
            qpy.dump(list(circuits), file)
        return tmp_path / "circuits.qpy"

    return write


def test_the_audit_of_a_circuit_tells_inert_weights_with_their_reason(qgen, circuit_file):
    result = qgen("doctor", "--audit", circuit_file(bottleneck_ansatz(4, 2, published=True).circuit))
    assert result.exit_code == 2
    found = dict(findings(result))
    assert found["inert"].startswith("8 weights (theta[0], theta[1], theta[2] and 5 more): a diagonal gate (rz) before")
    result = qgen("doctor", "--audit", circuit_file(bottleneck_ansatz(4, 2).circuit, QuantumCircuit(2)))
    assert result.exit_code == 0, result.stdout
    assert {title for title, _ in findings(result)} <= {"circuit", "ok", "weak"}


def test_circuits_without_parameters_are_nothing_to_audit(qgen, circuit_file):
    path = circuit_file(QuantumCircuit(2))
    result = qgen("doctor", "--audit", path)
    assert result.exit_code == 2
    assert result.stderr == f"Error: No circuit in {path} has a parameter whose gradient could be audited.\n"


def test_the_audit_of_a_deep_circuit_tells_that_gradients_vanish(qgen, circuit_file):
    result = qgen("doctor", "--audit", circuit_file(strongly_entangling_ansatz(8, 12).circuit))
    assert result.exit_code == 2
    assert "a barren plateau of as many qubits has 0.0019" in dict(findings(result))["vanishing"]


def test_the_audit_of_a_saved_model(qgen, tmp_path):
    import torch

    for bottleneck, code in [("quantum_published", 2), ("quantum", 0), ("se", 2)]:
        options = {"bottleneck_width": 3} if bottleneck == "se" else {"num_qubits": 3, "num_layers": 1}
        model = QuantumDiffusion(image_shape=(1, 8, 8), bottleneck=bottleneck, architecture_width=8, **options)
        model.fit(torch.rand(4, 1, 8, 8), steps=1, batch_size=2, seed=0, callbacks=[])
        model.save_pretrained(tmp_path / bottleneck)
        result = qgen("doctor", "--audit", tmp_path / bottleneck)
        assert result.exit_code == code, result.stdout
    assert result.stderr.endswith("has no circuit whose gradients could be audited.\n")
    result = qgen("doctor", "--audit", tmp_path / "quantum_published")
    assert ("inert", "3 weights (denoiser.gate.core.theta[0]") in [(t, x[:38]) for t, x in findings(result)]


def test_wrong_paths_and_options(qgen, tmp_path, circuit_file):
    assert qgen("doctor", "--audit", tmp_path / "nothing").exit_code == 2
    path = circuit_file(QuantumCircuit(1))
    result = qgen("doctor", "--audit", path, "--circuit", path)
    assert result.stderr == "Error: Options --audit and --circuit exclude each other: give one of them.\n"
