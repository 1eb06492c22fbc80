"""A HybridGAN from the command line, from its settings to its scores."""

import pytest

from qiskit_qgen import History, HybridGAN
from qiskit_qgen.cli.settings import complete, override, read_settings
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError

CONFIG = """
[data]
name = {data!r}
num_images = 9

[model]
class_name = "HybridGAN"
quantum_in = {place!r}
backbone = "conv"
generator_width = 16
discriminator_width = 8

[training]
steps = 2
batch_size = 4

[evaluate]
extractor = "pixel"
"""


@pytest.mark.parametrize("place", ["none", "both"])
def test_a_run_leaves_a_model_that_samples(qgen, sample_images, tmp_path, place):
    config = tmp_path / "hybrid.toml"
    config.write_text(CONFIG.format(data=str(sample_images), place=place))
    result = qgen("train", config, "--out", tmp_path / "run", "--seed", 3, "--set", "training.score_every=1")
    assert result.exit_code == 0, result.stderr
    scored = History.load(tmp_path / "run" / "history.json").values("adversarial", "sample_discrepancy")
    assert len(scored) == 3
    files = {entry.name for entry in (tmp_path / "run").iterdir()}
    assert {"scores.json", "samples.png", "history.json", "model"} <= files
    assert ("circuit.png" in files) == (place == "both")
    assert HybridGAN.from_pretrained(tmp_path / "run" / "model").config.quantum_in == place
    result = qgen("sample", tmp_path / "run", "--num-samples", 3, "--out", tmp_path / "more.png")
    assert result.exit_code == 0, result.stderr


def test_a_challenger_is_trained_in_the_models_place(qgen, sample_images, tmp_path):
    config = tmp_path / "hybrid.toml"
    config.write_text(CONFIG.format(data=str(sample_images), place="generator"))
    for level, shown in (("search", "'search'"), ("best", "'best'")):
        result = qgen("train", config, "--out", tmp_path / "run", "--twin", level)
        assert result.exit_code == 2
        assert f"'unentangled', 'frozen', 'fourier', but is {shown}." in result.stderr
    result = qgen("train", config, "--out", tmp_path / "run", "--seed", 3, "--twin", "width")
    assert result.exit_code == 0, result.stderr
    assert "challenger of level 'width': generator: 15 quantum, 30 classical parameters" in result.stderr
    settings = HybridGAN.from_pretrained(tmp_path / "run" / "model").config
    assert (settings.quantum_in, settings.block.control) == ("generator", "dense")
    again = qgen("train", config, "--out", tmp_path / "run", "--seed", 3, "--twin", "width", "--resume")
    assert again.exit_code == 0, again.stderr


def test_keys_are_those_of_the_model_that_is_named(sample_images, tmp_path):
    config = tmp_path / "hybrid.toml"
    config.write_text(CONFIG.format(data=str(sample_images), place="both"))
    tables = read_settings(config)
    whole = complete(tables, (1, 8, 8))
    assert whole["training"]["loss"] == "wgan-gp"
    assert whole["training"]["score_every"] is None
    assert complete(override(tables, {}, ["training.score_every=3"]), (1, 8, 8))["training"]["score_every"] == 3
    with pytest.raises(ArgumentError, match=r"Option --autoencoder-steps has the unknown key `autoencoder_steps`"):
        override(tables, {("training", "autoencoder_steps"): 3}, [])
    changed = override(tables, {}, ["model.class_name=StyleQGAN"])
    with pytest.raises(ArgumentTypeError, match=r"StyleQGAN has no option `quantum_in`"):
        complete(changed, (1, 8, 8))
