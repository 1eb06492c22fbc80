"""``qgen train`` in two processes that torchrun starts, against one process."""

import json
import os
import subprocess
import sys

import pytest

from qiskit_qgen.persistence import load_tensors

CONFIG = """
[data]
name = {data!r}

[model]
{model}

[training]
batch_size = 32
{training}

[evaluate]
extractor = "pixel"
"""
# In a critic of one layer of few units and with the seed below, none of the biases has a gradient of zero except for
# rounding errors, of which Adam would make full steps.
STYLE = """num_qubits = 2
num_layers = 1
autoencoder_width = 4
autoencoder_hidden = 8
critic_width = 4
critic_depth = 1
"""
HYBRID = """class_name = "HybridGAN"
backbone = "conv"
generator_width = 16
discriminator_width = 8
"""
DIFFUSION = """class_name = "QuantumDiffusion"
num_qubits = 3
num_layers = 1
architecture_width = 16
num_steps = 20
sampling_steps = 4
"""
MODELS = {
    "StyleQGAN": (STYLE, "steps = 4\nautoencoder_steps = 3\nn_critic = 2\nscore_every = 2\ncheckpoint_every = 2\n"),
    "HybridGAN": (HYBRID, "steps = 2\n"),
    "QuantumDiffusion": (DIFFUSION, "steps = 2\n"),
}


def train(config, folder, *options, processes):
    """Run ``qgen train``, by torchrun if there are several processes."""
    command = [sys.executable]
    if processes > 1:
        command += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command += ["-m", "qiskit_qgen", "train", config, "--out", folder, "--seed", "5", *options]
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        timeout=280,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def weights(folder):
    tensors, _ = load_tensors(folder / "model" / "model.safetensors")
    return {name: tensor for name, tensor in tensors.items() if not name.startswith("history/")}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_two_processes_leave_the_files_of_one_once(name, sample_images, tmp_path):
    model, training = MODELS[name]
    config = tmp_path / "small.toml"
    config.write_text(CONFIG.format(data=str(sample_images), model=model, training=training))
    one, two = (train(config, tmp_path / str(number), processes=number) for number in (1, 2))
    assert one.returncode == 0, one.stderr
    assert two.returncode == 0, two.stderr
    assert two.stdout.count("lower is better") == 1
    assert two.stderr.count("A new run begins") == 1
    files = {entry.name for entry in (tmp_path / "1").iterdir()}
    assert {entry.name for entry in (tmp_path / "2").iterdir()} == files
    assert json.loads((tmp_path / "2" / "run.json").read_text())["finished"]
    expected, found = weights(tmp_path / "1"), weights(tmp_path / "2")
    assert found.keys() == expected.keys()
    for key, tensor in expected.items():
        if tensor.numel():
            assert (found[key] - tensor).abs().max() <= 1e-5 * max(1.0, float(tensor.abs().max())), key
    again = train(config, tmp_path / "2", "--resume", processes=2)
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("holds this run, finished") == 1
    assert again.stdout == two.stdout


@pytest.mark.slow
def test_an_error_is_said_once(sample_images, tmp_path):
    config = tmp_path / "small.toml"
    config.write_text(CONFIG.format(data=str(sample_images), model=STYLE, training="steps = 2\n"))
    result = train(config, tmp_path / "run", "--batch-size", "7", processes=2)
    assert result.returncode != 0
    sentence = "Error: Argument `batch_size` must be divisible by 2, the number of processes, but is 7."
    assert result.stderr.count(sentence) == 1
    assert not (tmp_path / "run" / "run.json").exists()
