"""The code of docs/saved_models.md runs as it stands, on a Hub on loopback, with fewer steps."""

import json
from pathlib import Path

import torch
from typer.testing import CliRunner

from qiskit_qgen import StyleQGAN, load_dataset
from qiskit_qgen.cli import app
from qiskit_qgen.models import StyleQGANTraining
from tests.models.small import style
from tests.pages import blocks, read_page, run_blocks
from tests.persistence.hub_server import connected_hub

PAGE = read_page("saved_models.md")


def test_the_code_runs(tmp_path, monkeypatch):
    data, test = (load_dataset("digits", split=split, num_images=60) for split in ("train", "test"))
    quick = StyleQGANTraining.of(steps=3, autoencoder_steps=3, batch_size=16)
    with connected_hub(tmp_path, monkeypatch) as hub:
        names = run_blocks(
            PAGE,
            {"steps=5000": "training=quick"},
            model=style(),
            StyleQGAN=StyleQGAN,
            data=data,
            test=test,
            quick=quick,
        )
        assert names["model"].history.steps("adversarial", "critic_loss") == [1, 2, 3]
        assert (tmp_path / "run" / "checkpoint.safetensors").is_file()
        card = (tmp_path / "my-model" / "README.md").read_text()
        assert "Fashion-MNIST, 7,000 images" in card
        assert "![16 samples](samples.png)" in card
        assert card == hub.files("ada/fashion-qgan", "main")[1]["README.md"].decode()

        names["model"].save_pretrained("runs/mine/model")
        Path("runs/mine/config.toml").write_text('[data]\nname = "digits"\n')
        Path("runs/mine/scores.json").write_text(json.dumps(names["scores"]))
        (commands,) = blocks(PAGE, "console")
        for line in commands.splitlines():
            words = line.replace("--data fashion-mnist-mini", "--data digits --num-images 40 -n 40").split()
            assert words[:2] == ["$", "qgen"]
            result = CliRunner().invoke(app, words[2:])
            assert result.exit_code == 0, (line, result.output)
        assert Path("out.png").is_file()
        shared = StyleQGAN.from_pretrained("ada/fashion-qgan")
        assert torch.equal(shared.sample(2, seed=0), names["model"].sample(2, seed=0))
