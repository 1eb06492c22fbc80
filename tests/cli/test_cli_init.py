"""``qgen init``: the file that it writes loads, and so does each of its lines."""

import re

import pytest

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
