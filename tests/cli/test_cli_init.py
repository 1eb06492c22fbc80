"""``qgen init``: the file that it writes loads, and so does each of its lines."""

import re

import numpy as np
import pytest
from PIL import Image

from qiskit_qgen.cli.settings import complete, read_settings


@pytest.mark.parametrize("model", ["StyleQGAN", "HybridGAN", "QuantumDiffusion"])
def test_the_file_is_valid_and_so_is_each_option_without_its_mark(qgen, model, tmp_path):
    out = tmp_path / "settings.toml"
    result = qgen("init", "digits", "--model", model, "-o", out)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{out}: settings of a {model} for digits; train it with: qgen train {out}\n"
    text = out.read_text()
    expected = complete(read_settings(out), (1, 8, 8))
    marked = re.findall(r"^#\w+ = .*$", text, re.MULTILINE)
    assert len(marked) > 40
    assert ":class:" not in text
    assert max(map(len, text.splitlines())) <= 120
    changed = tmp_path / "changed.toml"
    for line in marked:
        changed.write_text(text.replace(f"\n{line}\n", f"\n{line[1:]}\n", 1))
        assert complete(read_settings(changed), (1, 8, 8)) == expected, line
    assert {"#batch_size", "#extractor", "#data_dir"} <= {line.split(" ")[0] for line in marked}


def test_data_and_files_are_checked(qgen, tmp_path):
    out = tmp_path / "settings.toml"
    assert "did you mean" in qgen("init", "digts", "-o", out).stderr
    assert (
        "`class_name` in the table [model] must be one of" in qgen("init", "digits", "--model", "GAN", "-o", out).stderr
    )
    out.write_text("mine")
    assert f"File {out} exists: name another with --out." in qgen("init", "digits", "-o", out).stderr
    assert out.read_text() == "mine"


def test_a_table_has_no_options_of_images(qgen, tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n" + "".join(f"{i % 7}.5,{i % 11}\n" for i in range(60)))
    result = qgen("init", tmp_path / "rows.csv", "-o", tmp_path / "settings.toml")
    assert result.exit_code == 0, result.stderr
    text = (tmp_path / "settings.toml").read_text()
    assert "#scaling = " in text
    assert "image_size" not in text
    assert complete(read_settings(tmp_path / "settings.toml"), (2,))["model"]["class_name"] == "StyleQGAN"


def test_a_folder_with_a_damaged_file_is_set_up_by_the_options_that_the_message_names(qgen, tmp_path):
    random = np.random.default_rng(0)
    for kind in ("sea", "trees"):
        (tmp_path / "photos" / kind).mkdir(parents=True)
        for number in range(12):
            pixels = random.integers(0, 256, (10 + number, 12, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / kind / f"{number}.png")
    (tmp_path / "photos" / "sea" / "broken.png").write_bytes(b"no image")
    out = tmp_path / "settings.toml"
    result = qgen("init", tmp_path / "photos", "-o", out)
    assert "image_size=10, skip_damaged=True" in result.stderr
    result = qgen("init", tmp_path / "photos", "--image-size", 8, "--skip-damaged", "-o", out)
    assert result.exit_code == 0, result.stderr
    tables = complete(read_settings(out), (3, 8, 8))
    assert tables["data"]["skip_damaged"] is True
    assert tables["data"]["image_size"] == 8
    assert tables["model"]["num_classes"] == 2


@pytest.mark.parametrize("name", ["rows.csv", "folder", "images.npz", "images.zip"])
def test_data_in_the_place_of_settings_are_answered_with_the_way_to_make_them(qgen, name, tmp_path):
    path = tmp_path / name
    path.write_text("a,b\n1,2\n") if "." in name else path.mkdir()
    result = qgen("train", path)
    assert result.exit_code == 2
    assert f"{path} holds data: write one with `qgen init {path}`" in result.stderr
