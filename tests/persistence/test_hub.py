"""Models on a Hugging Face Hub, which is a server on loopback."""

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from huggingface_hub.utils import close_session
from PIL import Image
from typer.testing import CliRunner

from qiskit_qgen._checks import is_hub_name
from qiskit_qgen.cli import app
from qiskit_qgen.datasets import load_dataset
from qiskit_qgen.exceptions import ArgumentError, CheckpointError
from qiskit_qgen.metrics import evaluate_images
from qiskit_qgen.models import HybridGAN, StyleQGAN
from tests.models.small import hybrid, images, style, table
from tests.persistence.hub_server import connected_hub


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with connected_hub(tmp_path, monkeypatch) as server:
        yield server


def test_a_model_goes_to_the_hub_and_back(hub):
    model = style(observables="XZ")
    address = model.push_to_hub("ada/small", data="Random dots.", license="apache-2.0")
    assert address.startswith(f"{hub.address}/ada/small/commit/")
    _, files = hub.files("ada/small", "main")
    assert set(files) == {
        ".gitattributes",
        "config.json",
        "model.safetensors",
        "circuit.qpy",
        "README.md",
        "samples.png",
    }
    assert files["README.md"].decode().startswith('---\nlibrary_name: qiskit_qgen\nlicense: "apache-2.0"\n')
    loaded = StyleQGAN.from_pretrained("ada/small")
    assert torch.equal(loaded.sample(3, seed=0), model.sample(3, seed=0))
    asked = [request.rpartition("/")[2] for request in hub.requests if "/resolve/" in request]
    assert not {"README.md", "samples.png"} & set(asked)  # what is not needed is not fetched
    with pytest.raises(CheckpointError, match=r"holds a StyleQGAN: load it with `StyleQGAN.from_pretrained`"):
        HybridGAN.from_pretrained("ada/small")


def test_a_revision_is_kept_and_chosen(hub):
    first, second = style(), style(num_layers=2)
    first.push_to_hub("ada/small")
    second.push_to_hub("ada/small", revision="deep")
    assert StyleQGAN.from_pretrained("ada/small").config.generator.num_layers == 1
    assert StyleQGAN.from_pretrained("ada/small", revision="deep").config.generator.num_layers == 2
    commit = hub.branches["ada/small"]["main"]
    second.push_to_hub("ada/small")
    assert StyleQGAN.from_pretrained("ada/small").config.generator.num_layers == 2
    assert StyleQGAN.from_pretrained("ada/small", revision=commit).config.generator.num_layers == 1
    with pytest.raises(CheckpointError, match="'ada/small' on the Hugging Face Hub has no revision 'wide'"):
        StyleQGAN.from_pretrained("ada/small", revision="wide")


def test_nothing_but_a_models_files_is_fetched(hub):
    hybrid("none").push_to_hub("ada/small")
    _, files = hub.files("ada/small", "main")
    assert "circuit.qpy" not in files
    hub.commit("ada/small", "main", {**files, "weights.pt": b"pickle", "model.py": b"import os"})
    HybridGAN.from_pretrained("ada/small")
    fetched = {name for _, _, names in os.walk("cache") for name in names}
    assert not fetched & {"weights.pt", "model.py"}
    hub.commit("ada/small", "main", {**files, "model.safetensors": b"\0" * 99})
    with pytest.raises(CheckpointError, match=r"model.safetensors is damaged: it does not match its checksum"):
        HybridGAN.from_pretrained("ada/small")


def test_a_missing_private_or_foreign_repository_is_told(hub, monkeypatch):
    with pytest.raises(CheckpointError, match="The Hugging Face Hub has no model 'ada/none' that you may see"):
        StyleQGAN.from_pretrained("ada/none")
    style().push_to_hub("ada/secret", private=True)
    StyleQGAN.from_pretrained("ada/secret")
    monkeypatch.setenv("HF_TOKEN", "hf_bad")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", "other-cache")
    with pytest.raises(CheckpointError, match=r"no model 'ada/secret' that you may see.*log in by `hf auth login`"):
        StyleQGAN.from_pretrained("ada/secret")
    with pytest.raises(
        CheckpointError, match=r"refuses access to 'ada/mine' \(status 401\): log in by `hf auth login`"
    ):
        style().push_to_hub("ada/mine")
    hub.commits["ada/text"], hub.branches["ada/text"] = {}, {}
    hub.commit("ada/text", "main", {"notes.txt": b""})
    with pytest.raises(CheckpointError, match="on the Hugging Face Hub holds no saved model: it has no config"):
        StyleQGAN.from_pretrained("ada/text")


def test_offline_the_cache_is_used_and_otherwise_missed(hub):
    model = style()
    model.push_to_hub("ada/small")
    StyleQGAN.from_pretrained("ada/small")
    hub.status = 403
    with pytest.raises(CheckpointError, match=r"refuses access to 'ada/new' \(status 403\)"):
        StyleQGAN.from_pretrained("ada/new")
    hub.status = 503
    with pytest.raises(CheckpointError, match=r"cannot serve 'ada/new' now \(status 503\): try again later"):
        StyleQGAN.from_pretrained("ada/new")
    hub.shutdown()
    hub.server_close()
    close_session()  # and the connection that it keeps
    assert torch.equal(StyleQGAN.from_pretrained("ada/small").sample(2, seed=0), model.sample(2, seed=0))
    with pytest.raises(CheckpointError, match="cannot be reached, so nothing was uploaded to 'ada/small'"):
        model.push_to_hub("ada/small")
    with pytest.raises(CheckpointError, match="There is no folder 'ada/new'; the Hugging Face Hub cannot be reached"):
        StyleQGAN.from_pretrained("ada/new")


def test_folders_win_over_the_hub(hub):
    style().save_pretrained("ada/small")
    assert StyleQGAN.from_pretrained("ada/small").config.generator.num_qubits == 2
    with pytest.raises(CheckpointError, match="Folder ada/other does not exist"):
        StyleQGAN.from_pretrained("ada/other")  # beside a folder of the same user name
    assert not hub.requests
    with pytest.raises(ArgumentError, match="`revision` has an effect on a model of the Hugging Face Hub alone"):
        StyleQGAN.from_pretrained("ada/small", revision="main")
    with pytest.raises(ArgumentError, match="`repo` must have the form 'user/name', but is 'small'"):
        style().push_to_hub("small")
    assert [is_hub_name(name) for name in ("a/b", "./a", "/a/b", "a/b/c", "~/b", "ada/b", 3)] == [True, *[False] * 6]


def test_a_run_is_shared_and_sampled_from_the_command_line(hub):
    model, run = style(), Path("mine")
    model.save_pretrained(run / "model")
    (run / "config.toml").write_text('[data]\nname = "digits"\n')
    (run / "scores.json").write_text(json.dumps(model.evaluate(images(8), extractor="pixel")))
    result = CliRunner().invoke(app, ["share", "mine", "ada/small", "--license", "mit", "--private"])
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(f"{hub.address}/ada/small/commit/")
    assert hub.private == {"ada/small"}
    card = hub.files("ada/small", "main")[1]["README.md"].decode()
    assert "digits" in card
    assert "| frechet_distance |" in card
    assert "![16 samples](samples.png)" in card
    result = CliRunner().invoke(app, ["sample", "ada/small", "-n", "2", "--seed", "1", "-o", "out.npy"])
    assert result.exit_code == 0, result.stderr
    assert torch.equal(torch.from_numpy(np.load("out.npy")), model.sample(2, seed=1))
    result = CliRunner().invoke(app, ["share", "nowhere", "ada/small"])
    assert (result.exit_code, result.stderr) == (2, "Error: Folder nowhere does not exist.\n")


@pytest.mark.usefixtures("hub")
def test_a_model_of_the_hub_is_scored_compared_and_costed_from_the_command_line():
    model = style()
    model.push_to_hub("ada/small")
    np.savez("data.npz", images=images(40).numpy())

    def run(*arguments):
        result = CliRunner().invoke(app, [str(each) for each in arguments])
        assert result.exit_code == 0, result.stderr
        return result.stdout

    data = ("--data", "data.npz", "--extractor", "pixel")
    run("evaluate", "ada/small", *data, "--split", "train", "--seed", 4, "-o", "scores.json")
    real = load_dataset("data.npz")
    expected = evaluate_images(model.sample(len(real), seed=4), real.images, extractor="pixel", seed=4)
    assert json.loads(Path("scores.json").read_text())["frechet_distance"] == pytest.approx(
        expected["frechet_distance"]
    )
    lines = run("compare", "ada/small", *data, "--execution", "aer:shots=20,seed=0", "-n", 6, "--seed", 1, "-o", "out")
    assert "| aer:shots=20,seed=0 |" in lines
    cost = run("cost", "ada/small", "--execution", "runtime:backend=fake_manila,shots=100", "-n", 5)
    assert "shots" in cost
    result = CliRunner().invoke(app, ["evaluate", "ada/small"])
    assert result.exit_code == 2
    assert "Option --data must be given, since ada/small is not the folder of a run" in result.stderr


def test_the_card_on_the_hub_shows_images_unless_there_are_none(hub):
    model = style()
    model.push_to_hub("ada/small", samples=4)
    content = hub.files("ada/small", "main")[1]["samples.png"]
    with Image.open(io.BytesIO(content)) as image:
        pixels = np.asarray(image, np.float32) / 255
    side = 96
    (first, _, _, last) = model.sample(4, seed=0)[:, 0].numpy()
    assert pixels.shape == (2 * side + 12, 2 * side + 12)  # and a white line, as wide as a pixel
    np.testing.assert_allclose(pixels[6:side:12, 6:side:12], first, atol=1 / 255)
    np.testing.assert_allclose(pixels[side + 18 :: 12, side + 18 :: 12], last, atol=1 / 255)
    model.push_to_hub("ada/small", samples=0)
    files = hub.files("ada/small", "main")[1]
    assert "samples.png" not in files
    assert "samples.png" not in files["README.md"].decode()
    table().push_to_hub("ada/rows")
    assert "samples.png" not in hub.files("ada/rows", "main")[1]
    with pytest.raises(ArgumentError, match="`samples` has no effect on a model of tables"):
        table().push_to_hub("ada/rows", samples=4)
