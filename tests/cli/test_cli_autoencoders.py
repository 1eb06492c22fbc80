"""``qgen study autoencoders``."""

import json

import pytest
from PIL import Image

CONFIG = """
[grid]
latent_dim = [2, 4]
latent_noise = [0.0, 0.2]

[autoencoder]
autoencoder_width = 4
autoencoder_hidden = 8

[study]
steps = 4
batch_size = 8
num_samples = 20
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text(CONFIG)
    return path


def test_one_command_makes_the_sweep_and_the_same_reports_it_again(qgen, config, pictures, tmp_path):
    out = tmp_path / "sweep"
    first = qgen("study", "autoencoders", config, "--data", pictures, "--out", out)
    assert first.exit_code == 0, first.stderr
    assert first.stderr.count("Fréchet distance of reconstructions") == 4
    assert "seed 0, autoencoder_hidden 8, autoencoder_width 4, latent_dim 2, latent_noise 0.0:" in first.stderr
    assert first.stdout.startswith("| latent_dim | latent_noise | seeds | pixel error |")
    content = json.loads((out / "autoencoders.json").read_text())
    assert [row["options"]["latent_dim"] for row in content["rows"]] == [2, 2, 4, 4]
    assert (out / "autoencoders.csv").read_text().count("\n") == 5
    for name in ("autoencoders.png", "autoencoders_best_reconstructions.png"):
        with Image.open(out / name) as figure:
            assert min(figure.size) > 50
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 2
    assert "<h1>Autoencoder sweep</h1>" in page
    assert "The lowest floor" in page
    assert qgen("study", "status", out).stdout.startswith("4 of 4 trials have ended: 4 done")

    again = qgen("study", "autoencoders", config, "--data", pictures, "--out", out)
    assert again.stdout == first.stdout
    assert "seed 0" not in again.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[study]", "[studies]"), "must hold the tables [data], [grid], [autoencoder], [study] only"),
        (("steps =", "step ="), "has the unknown key `step` in the table [study]"),
        (("latent_noise =", "latent_noises ="), "must hold options of the autoencoder only, which are latent_dim, "),
        (("latent_dim = [2, 4]", "latent_dim = 2"), "`latent_dim` must be a sequence"),
        (("autoencoder_width = 4", "latent_dim = 4"), "`latent_dim` must be in the grid or common to all, but is both"),
    ],
)
def test_a_wrong_settings_file_ends_with_one_sentence(qgen, config, pictures, tmp_path, change, message):
    config.write_text(CONFIG.replace(*change))
    found = qgen("study", "autoencoders", config, "--data", pictures, "--out", tmp_path / "sweep")
    assert found.exit_code == 2
    assert message in found.stderr
    assert not (tmp_path / "sweep").exists()


def test_data_must_be_named(qgen):
    found = qgen("study", "autoencoders")
    assert found.exit_code == 2
    assert "The data must be named: `name` in the table [data], or the option --data." in found.stderr
