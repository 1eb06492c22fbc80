"""Commands that name executions: compare, cost, sample and train."""

import json
import re

import numpy as np
import pytest
import torch
from PIL import Image

from qiskit_qgen.cli.executions import parse_execution, parse_named
from qiskit_qgen.cli.settings import complete, read_settings
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution import AerExecution, LocalExecution, RuntimeExecution
from qiskit_qgen.models import StyleQGAN
from qiskit_qgen.persistence import load_tensors

FORM = "KIND[:OPTION=VALUE,...], such as aer:shots=1024, with the kinds local, aer and runtime"
NAMED_FORM = "[NAME=]" + FORM


def refused(result, sentence):
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1] == f"Error: {sentence}"


def test_a_comparison_leaves_a_table_numbers_and_a_image(qgen, model_dir, sample_images, tmp_path):
    out = tmp_path / "comparison"
    executions = ("--execution", "local:dtype=float64", "--execution", "shots=local:shots=64,seed=0")
    options = ("--data", sample_images, "--extractor", "pixel", "-n", 12, "--seed", 3, "--seed", 5, "--out", out)
    result = qgen("compare", model_dir, *executions, *options)
    assert result.exit_code == 0, result.stderr
    files = {"comparison.json", "comparison.md", "comparison.png", "report.html"}
    assert {entry.name for entry in out.iterdir()} == files
    found = json.loads((out / "comparison.json").read_text())
    assert [row["name"] for row in found["executions"]] == ["exact", "local:dtype=float64", "shots"]
    assert (found["num_samples"], found["seeds"], found["extractor"]) == (12, [3, 5], "pixel")
    exact, double, shots = (row["latent_rms"]["mean"] for row in found["executions"])
    assert exact == double == 0
    assert 0.1 < shots < 1  # about 1 / sqrt(64) over the expectation value's spread of 0.25
    table = (out / "comparison.md").read_text()
    assert table in result.stdout
    assert "| local:dtype=float64 |" in table
    assert f"Folder {out}: comparison.json, comparison.md, comparison.png, report.html\n" in result.stdout
    with Image.open(out / "comparison.png") as image:
        assert np.asarray(image.convert("L")).std() > 3


def test_a_comparison_without_seeds_takes_three(qgen, model_dir, sample_images, tmp_path):
    options = ("--data", sample_images, "--extractor", "pixel", "-n", 4, "--out", tmp_path / "out")
    result = qgen("compare", model_dir, "--execution", "local", *options)
    assert result.exit_code == 0, result.stderr
    assert json.loads((tmp_path / "out" / "comparison.json").read_text())["seeds"] == [0, 1, 2]


@pytest.mark.parametrize(
    ("executions", "sentence"),
    [
        (["laser"], f"An execution must have the form {NAMED_FORM}, but is 'laser'."),
        (["local:"], f"An execution must have the form {NAMED_FORM}, but is 'local:'."),
        (["local:shots"], f"An execution must have the form {NAMED_FORM}, but is 'local:shots'."),
        (
            ["local:shots=1,shots=2"],
            "An execution must have each option once, but 'local:shots=1,shots=2' gives `shots` twice.",
        ),
        (
            ["local:noise=3"],
            "The execution 'local' has no option `noise`: it has device, dtype, threads, shots, seed.",
        ),
        (["aer:shotz=9"], "The execution 'aer' has no option `shotz`: did you mean `shots`?"),
        (
            ["runtime:shots=3"],
            "An execution of the kind runtime must name a device, such as runtime:backend=ibm_torino.",
        ),
        (["a=local", "a=aer"], "Executions must have different names, but two are called 'a'."),
        (["local", "local"], "Executions must have different names, but two are called 'local'."),
        (["exact=local"], "Argument `executions` must not name an execution 'exact': that row is always there."),
        (["local:shots=0"], "Argument `shots` must be an integer from 1 to 1000000000000, but is 0."),
    ],
)
def test_wrong_executions_are_refused_in_one_sentence(qgen, model_dir, sample_images, tmp_path, executions, sentence):
    given = [part for text in executions for part in ("--execution", text)]
    options = ("--data", sample_images, "--extractor", "pixel", "-n", 4, "--out", tmp_path / "out")
    refused(qgen("compare", model_dir, *given, *options), sentence)
    assert not (tmp_path / "out").exists()


def test_the_cost_of_a_device_is_told_without_running(qgen, model_dir):
    result = qgen("cost", model_dir, "--execution", "runtime:backend=fake_manila,shots=100", "-n", 10)
    assert result.exit_code == 0, result.stderr
    rows = dict(re.split(r"  +", line, maxsplit=1) for line in result.stdout.splitlines())
    assert list(rows) == [
        *("jobs", "PUBs", "measured circuits", "shots", "two-qubit gates", "QPU seconds, estimated", "payload"),
    ]
    # Two bases, X and Z, for each of ten samples.
    assert (rows["jobs"], rows["PUBs"], rows["measured circuits"], rows["shots"]) == ("1", "1", "20", "2,000")
    with parse_execution("runtime:backend=fake_manila,shots=100") as device:
        expected = StyleQGAN.from_pretrained(model_dir).estimate_cost(10, execution=device)
    assert rows["QPU seconds, estimated"].startswith(f"{expected.qpu_seconds:,.1f} ")
    steps = qgen("cost", model_dir, "--execution", "runtime:backend=fake_manila", "--steps", 5, "--batch-size", 8)
    assert steps.exit_code == 0, steps.stderr
    assert steps.stdout != result.stdout


def test_costs_that_cannot_be_told_are_refused(qgen, model_dir):
    device = "runtime:backend=fake_manila"
    refused(
        qgen("cost", model_dir, "--execution", device),
        "Exactly one of the options -n/--num-samples and --steps must be given.",
    )
    refused(
        qgen("cost", model_dir, "--execution", "local", "-n", 3),
        "Option --execution must name a device that is billed, such as runtime:backend=ibm_torino, but is 'local', "
        "which costs nothing.",
    )
    refused(
        qgen("cost", model_dir, "--execution", device, "-n", 3, "--batch-size", 8),
        "Option --batch-size has an effect on training only: give --steps, or leave it out.",
    )


@pytest.mark.parametrize("command", ["sample", "cost"])
def test_a_command_of_one_execution_shows_a_form_without_a_name(qgen, model_dir, command):
    result = qgen(command, model_dir, "--execution", "x=aer:shots=10", "-n", 2)
    refused(result, f"An execution must have the form {FORM}, but is 'x=aer:shots=10'.")


@pytest.mark.parametrize("text", ["local:dtype=float64", "local:dtype=torch.float64"])
def test_a_dtype_may_have_the_name_that_torch_gives_it(text):
    assert parse_execution(text) == LocalExecution(dtype=torch.float64)


def test_a_dtype_that_the_simulator_lacks():
    with pytest.raises(ArgumentError, match=r"must be torch.float32 or torch.float64, but is torch.float16.$"):
        parse_execution("local:dtype=torch.float16")


def test_executions_are_what_their_texts_say():
    assert parse_execution("local:dtype=float64,shots=64,seed=0") == LocalExecution(
        dtype=torch.float64, shots=64, seed=0
    )
    assert parse_execution("aer:shots=8,gradient=spsa") == AerExecution(shots=8, gradient="spsa")
    named = parse_named(["one=aer:shots=8", "runtime:backend=fake_manila,shots=7,twirling=true"])
    assert list(named) == ["one", "runtime:backend=fake_manila,shots=7,twirling=true"]
    device = named["runtime:backend=fake_manila,shots=7,twirling=true"]
    assert isinstance(device, RuntimeExecution)
    assert (device.backend.name, device.shots, device.mitigation.twirling) == ("fake_manila", 7, True)


def test_samples_come_from_the_execution_that_is_named(qgen, model_dir, tmp_path):
    files = {name: tmp_path / f"{name}.npy" for name in ("exact", "shots", "again")}
    options = ("-n", 4, "--seed", 1)
    texts = {"exact": "local", "shots": "local:shots=16,seed=2", "again": "local:shots=16,seed=2"}
    for name, path in files.items():
        result = qgen("sample", model_dir, *options, "--execution", texts[name], "-o", path)
        assert result.exit_code == 0, result.stderr
    samples = {name: np.load(path) for name, path in files.items()}
    assert np.array_equal(samples["shots"], samples["again"])
    assert not np.allclose(samples["exact"], samples["shots"])


def trained_weights(folder):
    return load_tensors(folder / "model" / "model.safetensors")[0]["generator.style.weight"]


def test_a_training_runs_on_the_execution_of_its_settings(qgen, config, tmp_path):
    settings = tmp_path / "shots.toml"
    settings.write_text(config.read_text().replace("[training]\n", '[training]\nexecution = "aer:shots=32,seed=0"\n'))
    assert complete(read_settings(settings), (1, 8, 8))["training"]["execution"] == "aer:shots=32,seed=0"
    short = ("--seed", 3, "--steps", 2)
    result = qgen("train", settings, "--out", tmp_path / "shots", *short)
    assert result.exit_code == 0, result.stderr
    assert 'execution = "aer:shots=32,seed=0"' in (tmp_path / "shots" / "config.toml").read_text()
    _, content = load_tensors(tmp_path / "shots" / "checkpoints" / "checkpoint.safetensors")
    assert content["config"]["execution"] == "AerExecution(shots=32, seed=0)"
    assert qgen("train", config, "--out", tmp_path / "exact", *short).exit_code == 0
    assert not torch.equal(trained_weights(tmp_path / "shots"), trained_weights(tmp_path / "exact"))
    other = qgen(
        "train", settings, "--out", tmp_path / "shots", "--resume", *short, "--set", "training.execution=local"
    )
    assert "`execution` in [training] is 'aer:shots=32,seed=0', but now it is 'local'" in other.stderr


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("laser", f"An execution must have the form {FORM}, but is 'laser'."),
        ("3", "Argument `execution` must be a string or None, but is of type int."),
    ],
)
def test_a_training_on_an_unknown_execution_leaves_nothing(qgen, config, tmp_path, value, sentence):
    refused(qgen("train", config, "--out", tmp_path / "run", "--set", f"training.execution={value}"), sentence)
    assert not (tmp_path / "run").exists()


def test_errors_name_the_file_that_the_user_named(qgen, model_dir, tmp_path):
    (tmp_path / "grid.png").mkdir()
    refused(
        qgen("sample", model_dir, "-o", tmp_path / "grid.png"),
        f"Argument `--out` must be a file, but {tmp_path / 'grid.png'} is a folder.",
    )


def test_names_are_not_taken_from_values():
    with pytest.raises(ArgumentError, match="no option `a`"):
        parse_named(["local:a=b"])
