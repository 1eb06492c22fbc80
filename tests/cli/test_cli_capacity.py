"""``qgen study capacity``, ``qgen study status`` and ``qgen report``."""

import re
import shutil

import numpy as np
import pytest
from PIL import Image

CONFIG = """
[data]
name = {data!r}

[autoencoder]
width = 4
hidden = 8
latent_dim = 4
steps = 4

[grid]
num_qubits = [2]
num_layers = [1, 2, 3]
generator_widths = [2, 4]
critic_widths = [4, 8]
seeds = [0]

[study]
steps = 10
batch_size = 8
score_every = 2
num_samples = 20
extractors = ["pixel"]

[rule]
late_part = 0.6
max_spread = 9.0
max_slope = 9.0
max_critic_drift = 9.0

[plan]
num_studies = 10
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory, sample_images):
    path = tmp_path_factory.mktemp("config") / "capacity.toml"
    path.write_text(CONFIG.format(data=str(sample_images)))
    return path


@pytest.fixture
def folder(qgen, settings, tmp_path):
    found = qgen("study", "capacity", settings, "--out", tmp_path / "study")
    assert found.exit_code == 0, found.stderr
    assert "| 2 qubits, 3 layers |" in found.stdout
    assert "| 10 | 10 | 0 | 0 | 0 | sliced Wasserstein distance of normalised latents |" in found.stdout
    return tmp_path / "study"


def test_a_study_from_its_settings_to_its_report(qgen, settings, folder):
    for name in ("report.html", "capacity.md", "capacity.csv", "capacity.json", "capacity_scaling.png"):
        assert (folder / name).stat().st_size > 0
    for name in ("capacity_scaling", "capacity_scores", "capacity_curves"):
        with Image.open(folder / f"{name}.png") as figure:
            assert min(figure.size) > 200
    page = (folder / "report.html").read_text()
    assert page.count("<svg") == 3
    assert "<p><strong>Nothing is concluded on the growth of the critic.</strong></p>" in page
    head, folded = page.split("<h2>Details</h2>")
    assert head.count("<svg") == head.count("<table>") == 1  # one figure and one table; all else is folded
    assert "The design has no power" in folded
    assert "The design has no power" not in head
    assert "<td>sliced Wasserstein distance of normalised latents</td>" in page
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)

    status = qgen("study", "status", folder)
    assert status.stdout == "10 of 10 trials have ended: 10 done, 0 diverged, 0 failed; 0 running.\n"

    (folder / "report.html").unlink()
    assert qgen("report", folder).exit_code == 0
    assert (folder / "report.html").read_text() == page

    again = qgen("study", "capacity", settings, "--out", folder)
    assert again.exit_code == 0
    assert "seed 0" not in again.stderr  # no trial was run again


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["study", "capacity", "missing.toml"], "missing.toml"),
        (["study", "plan", "missing.toml"], "missing.toml"),
        (["study", "plan", "--measured-in", "."], "holds no capacity study"),
        (["study", "status", "."], "holds no study: it has no plan.json"),
        (["report", "."], "holds no run and no finished study: it has none of run.json, capacity.md"),
    ],
)
def test_errors_are_one_sentence(qgen, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    found = qgen(*arguments)
    assert found.exit_code == 2
    assert message in found.stderr


def test_a_plan_tells_the_power_of_the_settings_and_of_what_was_measured(qgen, settings, folder):
    found = qgen("study", "plan", settings)
    assert found.exit_code == 0, found.stderr
    assert "| critic | exponential | 0 % | 0 % | 0 % |" in found.stdout
    assert "with noise of 0.1 and 90 % stable trainings" in found.stdout
    assert "The design has no power" in found.stdout
    measured = qgen("study", "plan", settings, "--measured-in", folder)
    assert "100 % stable trainings" in measured.stdout


def test_a_search_takes_the_place_of_the_grid(qgen, settings, tmp_path):
    pytest.importorskip("optuna")
    found = qgen("study", "capacity", settings, "--out", tmp_path / "study", "--search", "3")
    assert found.exit_code == 0, found.stderr
    assert (tmp_path / "study" / "search.journal").stat().st_size > 0
    assert (tmp_path / "study" / "report.html").is_file()
    # the bounds, and perhaps one width between, for 3 quantum and 2 classical generators
    assert 10 <= found.stderr.count("seed 0, ") <= 15
    again = qgen("study", "capacity", settings, "--out", tmp_path / "study", "--search", "3")
    assert (again.stdout, again.stderr.count("seed 0, ")) == (found.stdout, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[search]", "has an empty table [search], which changes nothing: leave it out"),
        ("[data]\nname = 'digits'\nnum_images = -5", "`num_images` must be a positive integer, but is -5"),
        ("[data]\nname = 'digits'\nnum_images = 5000", "`num_images` must be an integer from 1 to 1442, but is 5000"),
        (
            "[data]\nname = 'digits'\nnum_image = 5",
            "DataSettings has no option `num_image`: did you mean `num_images`?",
        ),
        ("[data]\nname = 'images.npz'", "A study looks at images of a split of their own, test, at its end: "),
    ],
)
def test_settings_are_checked(qgen, tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    np.savez("images.npz", images=np.random.default_rng(0).random((12, 8, 8), np.float32))
    (tmp_path / "odd.toml").write_text(text)
    found = qgen("study", "capacity", "odd.toml")
    assert found.exit_code == 2
    assert message in found.stderr


def test_the_status_before_the_trials_is_that_of_the_autoencoder(qgen, folder, tmp_path):
    early = tmp_path / "early"
    shutil.copytree(folder / "autoencoders", early / "autoencoders")
    found = qgen("study", "status", early)
    assert found.stdout.splitlines() == [
        "The trials have not begun: the autoencoder that they share comes first.",
        "1 of 1 trials have ended: 1 done, 0 diverged, 0 failed; 0 running.",
    ]


def test_an_unknown_key_is_refused(qgen, tmp_path):
    path = tmp_path / "odd.toml"
    path.write_text("[data]\nname = 'digits'\n[grid]\nlayers = [1]\n")
    found = qgen("study", "capacity", path)
    assert found.exit_code == 2
    assert "CapacityGrid has no option `layers`" in found.stderr
