"""The model card of a saved model."""

import pytest
import yaml

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.models import StyleQGAN
from qiskit_qgen.noise import GaussianNoise
from tests.models.small import diffusion, hybrid, images, style, table

SCORES = (
    "frechet_distance",
    "kernel_distance",
    "jensen_shannon_divergence",
    "jensen_shannon_divergence_pixel",
    "maximum_mean_discrepancy_pixel",
    "precision",
    "recall",
    "density",
    "coverage",
    "inception_score",
)


def head(text):
    _, front, rest = text.split("---\n", 2)
    return yaml.safe_load(front), rest


def test_the_card_tells_what_it_is_and_how_to_load_it(tmp_path, monkeypatch):
    model = style(num_layers=2)
    scores = model.evaluate(images(12), extractor="pixel", train=images(12, seed=1))
    model.save_pretrained(tmp_path / "model", data="Random dots | many", scores=scores, license="mit")
    front, text = head((tmp_path / "model" / "README.md").read_text())
    assert front["license"] == "mit"
    assert front["library_name"] == "qiskit_qgen"
    assert {"quantum", "StyleQGAN"} <= set(front["tags"])
    assert model.summary() in text
    assert "Random dots" in text
    assert "2 qubits" in text
    assert "12 samples against 12 real ones; features: pixel." in text
    (row,) = [line for line in text.splitlines() if line.startswith("| frechet_distance |")]
    titles = next(line for line in text.splitlines() if line.startswith("| score |"))
    cells = dict(zip(titles.split(" | "), row.split(" | "), strict=True))
    assert cells["model"] == f"{scores['frechet_distance']:.4g}"
    assert cells["real against real"] == f"{scores['floor_real']['frechet_distance']:.4g}"
    assert cells["reconstructions"] == f"{scores['floor_reconstruction']['frechet_distance']:.4g}"
    assert cells["untrained model"] == f"{scores['baselines']['untrained']['frechet_distance']:.4g}"
    judged = scores["unfit"].get("frechet_distance")
    assert cells["fit for |"] == f"{'all' if judged is None else 'ranking' if judged['can_rank'] else 'nothing'} |"
    rows = {line.split(" | ")[0].removeprefix("| ") for line in text.splitlines() if line.startswith("| ")}
    assert rows == {"score", "---", *(name for name in SCORES if name in scores)}
    code = text.partition("```python\n")[2].partition("```")[0].replace("path/or/user/name", "model")
    monkeypatch.chdir(tmp_path)
    exec(code, names := {})  # noqa: S102 - it is what readers are told to run
    assert names["samples"].shape == (16, 1, 8, 8)


@pytest.mark.parametrize("make", [table, hybrid, diffusion, lambda: style(noise=GaussianNoise(3))])
def test_every_model_has_a_card(make, tmp_path):
    make().save_pretrained(tmp_path / "model")
    front, text = head((tmp_path / "model" / "README.md").read_text())
    assert "license" not in front
    assert "Not told: add `license:`" in text
    assert ("noise=..." in text) == (make not in (table, hybrid, diffusion))


def test_a_card_that_was_edited_is_kept(tmp_path):
    folder = tmp_path / "model"
    style().save_pretrained(folder)
    style().save_pretrained(folder, data="Dots.")
    assert "Dots." in (folder / "README.md").read_text()
    (folder / "README.md").write_text("My own words.")
    style(num_layers=2).save_pretrained(folder, data="Other dots.")
    assert (folder / "README.md").read_text() == "My own words."
    assert StyleQGAN.from_pretrained(folder).config.generator.num_layers == 2
    style().save_pretrained(folder)
    assert (folder / "README.md").read_text() == "My own words."


def test_images_are_shown_where_they_were_asked_for(tmp_path):
    folder = tmp_path / "model"
    style().save_pretrained(folder, samples=3)
    card, drawn = (folder / "README.md").read_text(), (folder / "samples.png").read_bytes()
    assert "![3 samples](samples.png)" in card
    (folder / "README.md").write_text(card + "My own words.")
    style(num_layers=2).save_pretrained(folder)
    assert (folder / "samples.png").read_bytes() == drawn  # what an edited card shows is kept with it
    style(num_layers=2).save_pretrained(folder, samples=2)
    assert (folder / "samples.png").read_bytes() != drawn
    (folder / "README.md").unlink()
    style().save_pretrained(folder)
    assert not (folder / "samples.png").exists()


def test_what_is_refused(tmp_path):
    with pytest.raises(ArgumentError, match="`scores` must be what `evaluate` returned"):
        style().save_pretrained(tmp_path / "model", scores={"fid": 3})
    with pytest.raises(ArgumentTypeError, match="`license` must be a text or None"):
        style().save_pretrained(tmp_path / "model", license=3)
    assert not (tmp_path / "model").exists()
