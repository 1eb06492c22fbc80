"""The code and the commands of docs/latent_space.md work as they stand."""

import re
import shlex

import pytest
from typer.testing import CliRunner

from qiskit_qgen.cli import app
from qiskit_qgen.training import SampleGrid
from tests.models.small import style, train
from tests.pages import read_page, run_blocks

PAGE = read_page("latent_space.md")


def test_the_code_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    smaller = {
        "num_layers=8": "num_layers=8, autoencoder_width=4, autoencoder_hidden=8",
        "steps=1000": "steps=2, training=StyleQGAN.training_class.of(autoencoder_steps=2)",
    }
    names = run_blocks(PAGE, smaller)
    assert names["mixed"].shape == (4, 1, 28, 28)
    assert names["table"].shape == (16, 1, 28, 28)
    assert {each.name for each in tmp_path.iterdir()} >= {"interpolation.gif", "traversal.png", "mixing.png"}


@pytest.mark.parametrize("line", re.findall(r"`(qgen sample [^`]*)`", PAGE))
def test_the_commands_run(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = style()
    train(model, callbacks=[SampleGrid(tmp_path / "runs" / "mine" / "progress", 2, num_images=4)])
    model.save_pretrained(tmp_path / "runs" / "mine" / "model")
    result = CliRunner().invoke(app, shlex.split(line)[1:])
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / line.split()[-1]).exists()
