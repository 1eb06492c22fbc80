import json

import pytest
from typer.testing import CliRunner

from qiskit_qgen.cli import app

CONFIG = """
[data]
held_out = 8

[study]
arms = ["plain", "se"]
sizes = [4, "all"]
seeds = [0]
steps = 2
batch_size = 4
extractor = "pixel"

[model]
num_qubits = 2
width = 8
clip_norm = "none"
num_steps = 20
sampling_steps = 2
"""


def run(*arguments):
    return CliRunner().invoke(app, ["study", "low-data", *map(str, arguments)])


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(CONFIG)
    return path


def test_one_command_makes_the_study_and_the_same_reports_it_again(config, pictures, tmp_path):
    out = tmp_path / "study"
    first = run(config, "--data", pictures, "--out", out)
    assert first.exit_code == 0, first.output
    assert first.stderr.count("kernel distance") == 4
    assert {"low_data.json", "low_data.md", "low_data.png", "settings.json"} <= {file.name for file in out.iterdir()}
    assert (out / "low_data.md").read_text() == first.stdout
    content = json.loads((out / "low_data.json").read_text())
    assert content["settings"]["model"] == {
        "num_qubits": 2,
        "width": 8,
        "clip_norm": None,
        "num_steps": 20,
        "sampling_steps": 2,
    }
    assert [row["size"] for row in content["rows"]] == [4, 4, 32, 32]

    again = run(config, "--data", pictures, "--out", out)
    assert again.stdout == first.stdout
    assert "seed 0" not in again.stderr


def test_how_a_trial_failed_is_told(config, pictures, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("no memory")

    monkeypatch.setattr("qiskit_qgen.studies.arms.low_data_trial.score_low_data", fail)
    result = run(config, "--data", pictures, "--out", tmp_path / "study")
    assert "seed 0, 4 pictures, plain: failed: RuntimeError: no memory" in result.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[study]", "[studies]"), "must hold the tables [data], [study], [model] only, but holds `studies`"),
        (("arms =", "arm ="), "has the unknown key `arm` in the table [study]; the known ones are arms, sizes"),
        (("width =", "wide ="), "`model` must be one of 'num_qubits', "),
        (("seeds = [0]", "seeds = 0"), "`seeds` must be a sequence, but is of type int"),
    ],
)
def test_a_wrong_settings_file_ends_with_one_sentence(config, change, message, pictures, tmp_path):
    config.write_text(CONFIG.replace(*change))
    result = run(config, "--data", pictures, "--out", tmp_path / "study")
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "study").exists()


def test_data_must_be_named(config):
    result = run(config)
    assert result.exit_code == 2
    assert "The data must be named: `name` in the table [data], or the option --data." in result.stderr
