"""``qgen study``: every study from its settings to its report, and ``qgen report``."""

import json

import pytest
from PIL import Image

from qiskit_qgen.cli.pages.embedding import markdown
from qiskit_qgen.models import DenoisingTraining, QuantumDiffusionConfig

LOW_DATA = """
[data]
held_out = 8
validation = 8

[study]
arms = ["plain", "se"]
sizes = [4, "all"]
seeds = [0]
steps = 2
batch_size = 4
score_every = "none"
extractors = ["pixel"]

[model]
num_qubits = 2
num_steps = 20

[model.architecture]
width = 8

[model.sampling]
steps = 2

[training]
clip_norm = "none"
"""
PLACEMENT = """
[data]
name = "digits"
labels = [0]
side = 8
held_out = 20
validation = 20

[study]
arms = ["none", "both"]
sizes = [8]
seeds = [0, 1]
steps = 2
score_every = 1
batch_size = 4
num_samples = 20
extractors = ["pixel"]

[model]
generator_width = 16
discriminator_width = 8

[model.backbone]
kind = "conv"
width = 4
"""
AUTOENCODERS = """
[grid]
latent_dim = [2, 4]
latent_noise = [0.0, 0.2]

[autoencoder]
width = 4
hidden = 8
steps = 4

[study]
batch_size = 8
num_samples = 20
"""
CONFIGS = {"low-data": LOW_DATA, "placement": PLACEMENT, "autoencoders": AUTOENCODERS}
FILES = {
    "low-data": ["low_data.json", "low_data.md", "low_data.png", "images-24.png", "images-4.png"],
    "placement": ["placement.json", "placement.md", "placement.png", "images-8.png"],
    "autoencoders": [
        "autoencoders.json", "autoencoders.md", "autoencoders.csv", "autoencoders.png",
        "autoencoders_best_reconstructions.png",
    ],
}  # fmt: skip
TITLES = {"low-data": "Low-data study", "placement": "Placement study", "autoencoders": "Autoencoder sweep"}
TOLD = {
    "low-data": ["seed 0, 4 images, plain: distance to the validation images "],
    "placement": ["seed 1, 8 images, both: distance to the validation images ", "seed 1, 8 images, baselines"],
    "autoencoders": ["seed 0, latent_dim 2, latent_noise 0.0: Fréchet distance of rec"],
}


def run(qgen, name, text, sample_images, folder):
    path = folder / "study.toml"
    path.write_text(text)
    data = () if name == "placement" else ("--data", sample_images)
    return qgen("study", name, path, *data, "--out", folder / "study")


@pytest.mark.parametrize("name", CONFIGS)
def test_one_command_makes_the_study_and_the_same_reports_it_again(qgen, sample_images, tmp_path, name):
    first = run(qgen, name, CONFIGS[name], sample_images, tmp_path)
    out = tmp_path / "study"
    assert first.exit_code == 0, first.stderr
    assert first.stderr.count(": ") >= 4
    assert all(text in first.stderr for text in TOLD[name])
    assert set(FILES[name]) | {"report.html", "plan.json", "settings.json"} <= {path.name for path in out.iterdir()}
    assert (out / FILES[name][1]).read_text() == first.stdout
    for path in out.glob("*.png"):
        with Image.open(path) as figure:
            assert min(figure.size) > 50
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64,") + page.count("<svg") == len(list(out.glob("*.png")))
    assert f"<h1>{TITLES[name]}</h1>" in page
    count = {"low-data": 6, "placement": 6, "autoencoders": 4}[name]
    assert qgen("study", "status", out).stdout.startswith(f"{count} of {count} trials have ended: {count} done")

    again = run(qgen, name, CONFIGS[name], sample_images, tmp_path)
    assert again.stdout == first.stdout
    assert "seed 0" not in again.stderr


def test_settings_reach_the_study(qgen, sample_images, tmp_path):
    assert run(qgen, "low-data", LOW_DATA, sample_images, tmp_path).exit_code == 0
    content = json.loads((tmp_path / "study" / "low_data.json").read_text())
    model = QuantumDiffusionConfig.of(num_qubits=2, num_steps=20, architecture_width=8, sampling_steps=2)
    assert content["settings"]["model"] == model.to_dict()
    assert content["settings"]["training"] == DenoisingTraining(clip_norm=None).to_dict()
    assert [row["size"] for row in content["rows"]] == [4, 4, 24, 24]


def test_how_trials_failed_is_told_and_a_study_without_results_ends_with_it(qgen, sample_images, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("no memory")

    monkeypatch.setattr("qiskit_qgen.studies.arms.trial.distance", fail)
    result = run(qgen, "low-data", LOW_DATA, sample_images, tmp_path)
    assert result.exit_code == 2
    assert "seed 0, 4 images, plain: failed: RuntimeError: no memory" in result.stderr
    assert "None of the 4 trials is done, so that there is nothing to report; the first ended with" in result.stderr


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("low-data", ("[study]", "[studies]"), "must hold the tables [data], [study], [model], [training] only, but"),
        ("low-data", ("arms =", "arm ="), "ArmSettings has no option `arm`: did you mean `arms`?"),
        ("low-data", ("num_qubits =", "num_qubit ="), "QuantumDiffusion has no option `num_qubit`: did you mean `num_"),
        ("low-data", ("seeds = [0]", "seeds = 0"), "`seeds` must be a list of numbers, but is of type int"),
        ("placement", ("score_every", "scored"), "ArmSettings has no option `scored`"),
        ("placement", ("steps = 2", "workers = 2"), "ArmSettings has no option `workers`"),
        ("autoencoders", ("[study]", "[studies]"), "must hold the tables [data], [study], [grid], [autoencoder] only"),
        (
            "autoencoders",
            ("batch_size =", "batch ="),
            "SweepSettings has no option `batch`: did you mean",
        ),
        (
            "autoencoders",
            ("latent_noise =", "latent_noises ="),
            "no option `latent_noises`: did you mean `latent_n",
        ),
        ("autoencoders", ("latent_dim = [2, 4]", "latent_dim = 2"), "`latent_dim` must be a sequence"),
        ("autoencoders", ("hidden = 8", "hiden = 8"), "no option `hiden`: did you mean `hidden`"),
    ],
)
def test_a_wrong_settings_file_ends_with_one_sentence(qgen, sample_images, tmp_path, name, change, message):
    found = run(qgen, name, CONFIGS[name].replace(*change), sample_images, tmp_path)
    assert found.exit_code == 2
    assert message in found.stderr
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("name", ["low-data", "autoencoders", "capacity"])
def test_data_must_be_named(qgen, name):
    found = qgen("study", name)
    assert found.exit_code == 2
    assert "The data must be named: `name` in the table [data], or the option --data." in found.stderr


def test_the_search_is_an_option_of_the_capacity_study_alone(qgen):
    assert "--search" in qgen("study", "capacity", "--help").stdout
    assert "No such option" in qgen("study", "placement", "--search", "3").stderr


@pytest.mark.parametrize("damage", ["{}", "[]", "{"])
def test_a_report_of_damaged_numbers_says_so(qgen, tmp_path, damage):
    (tmp_path / "placement.md").write_text("| images |\n")
    (tmp_path / "placement.json").write_text(damage)
    found = qgen("report", tmp_path)
    assert found.exit_code == 2
    assert "placement.json is" in found.stderr
    assert "damaged" in found.stderr


def test_a_report_knows_the_markdown_that_studies_write():
    page = markdown("### A < B\n\n- one **two**\n- *three*\n\n| a | b |\n| --- | --- |\n| 1 | <b> |\n\n[rest](x) <i>")
    assert "<h3>A &lt; B</h3>" in page
    assert "<ul>\n<li>one <strong>two</strong></li>\n<li><em>three</em></li>\n</ul>" in page
    assert "<td>&lt;b&gt;</td>" in page
    assert "<p>[rest](x) &lt;i&gt;</p>" in page
