"""Settings: TOML files, flags over them, defaults below them, and errors in one sentence."""

import tomllib
from pathlib import Path

import pytest

from qiskit_qgen import StyleQGAN
from qiskit_qgen.cli.demo import _SETTINGS
from qiskit_qgen.cli.settings import complete, model_arguments, override, read_settings
from qiskit_qgen.cli.toml_text import dump_tables, parse_value
from qiskit_qgen.exceptions import ArgumentError

TABLES = "[data], [model], [fit], [evaluate]"


def written(tmp_path, text):
    path = tmp_path / "settings.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[data\n", "File {} is not valid TOML: Expected ']' at the end of a table declaration (at line 1, column 6)."),
        (b"\xff\xfe", "File {} must be a TOML file, but is no text in UTF-8."),
        ("[models]\n", f"File {{}} has the unknown table [models]; the known ones are {TABLES}."),
        ("steps = 3\n", f"File {{}} must hold tables, but `steps` stands outside of one; the tables are {TABLES}."),
        (
            "[evaluate]\nsplitt = 'test'\n",
            "File {} has the unknown key `splitt` in the table [evaluate]; the known ones are split, num_samples, "
            "extractor.",
        ),
        (
            "[fit]\nresume = true\n",
            "File {} has the unknown key `resume` in the table [fit]; the known ones are steps, autoencoder_steps, "
            "batch_size, num_images, subset_seed, seed, execution, checkpoint_every, score_every.",
        ),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence(tmp_path, text, sentence):
    path = written(tmp_path, text)
    with pytest.raises(ArgumentError) as caught:
        read_settings(path)
    assert str(caught.value) == sentence.format(path)


def test_an_unknown_key_of_the_model_is_answered_with_all_its_arguments(tmp_path):
    path = written(tmp_path, "[model]\nnum_qbits = 4\n")
    with pytest.raises(ArgumentError) as caught:
        read_settings(path)
    beginning, _, known = str(caught.value).partition("; the known ones are ")
    assert beginning == f"File {path} has the unknown key `num_qbits` in the table [model]"
    names = known.removesuffix(".").split(", ")
    assert {"class_name", "num_qubits", "num_layers", "n_critic", "autoencoder"} <= set(names)
    assert not {"self", "image_shape", "num_features"} & set(names)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(ArgumentError, match=r"must be a TOML file, but does not exist\.$"):
        read_settings(tmp_path / "absent.toml")
    with pytest.raises(ArgumentError, match=r"must be a TOML file, but is a folder\.$"):
        read_settings(tmp_path)


def test_assignments_win_over_flags_and_flags_over_the_file():
    tables = {"fit": {"steps": 1, "seed": 1, "batch_size": 1}}
    flags = {("fit", "steps"): 2, ("fit", "seed"): 2, ("fit", "batch_size"): None, ("data", "name"): "digits"}
    changed = override(tables, flags, ["fit.seed=3", "model.rotations = ['rx']", "data.data_dir=/tmp/x y"])
    assert changed == {
        "fit": {"steps": 2, "seed": 3, "batch_size": 1},
        "data": {"name": "digits", "data_dir": "/tmp/x y"},  # noqa: S108 - a value, not a file
        "model": {"rotations": ["rx"]},
    }
    assert tables == {"fit": {"steps": 1, "seed": 1, "batch_size": 1}}


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("0.5", 0.5), ("true", True), ('["ry", "rz"]', ["ry", "rz"]), ("ring", "ring"), ("1\nx=2", "1\nx=2")],
)
def test_a_value_is_toml_or_a_string(text, value):
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


@pytest.mark.parametrize("assignment", ["steps=3", "fit.steps", "=3", ""])
def test_an_assignment_of_another_form_is_refused(assignment):
    with pytest.raises(ArgumentError, match=r"^Option --set must have the form TABLE\.KEY=VALUE, but is "):
        override({}, {}, [assignment])


def test_an_assignment_to_an_unknown_key_is_refused():
    with pytest.raises(
        ArgumentError, match=r"^Option --set has the unknown key `step` in the table \[fit\]; the known"
    ):
        override({}, {}, ["fit.step=3"])
    with pytest.raises(ArgumentError, match=r"^Option --set has the unknown table \[fits\]; the known ones are"):
        override({}, {}, ["fits.steps=3"])


def test_what_is_left_open_takes_the_library_s_defaults():
    tables = complete({"data": {"name": "digits"}, "model": {"num_qubits": 3}})
    arguments = model_arguments(tables)
    assert arguments["num_qubits"] == 3
    expected = StyleQGAN((1, 8, 8), num_qubits=3).arguments
    assert {key: arguments[key] for key in arguments} == {key: expected[key] for key in arguments}
    assert {key for key in expected if key not in arguments} == {"image_shape", "num_features", "scaling"}
    assert tables["fit"]["batch_size"] == 128
    assert tables["evaluate"] == {"split": "test", "num_samples": None, "extractor": None}


def test_the_word_none_stands_for_none_where_that_is_possible():
    given = {"autoencoder": "none", "clip_norm": "none", "latent_transform": "none", "entanglement": "none"}
    arguments = model_arguments(complete({"data": {"name": "digits"}, "model": given}))
    assert arguments["autoencoder"] is None
    assert arguments["clip_norm"] is None
    assert arguments["latent_transform"] == "none"
    assert arguments["entanglement"] == "none"


def test_missing_data_and_an_unknown_model_are_refused():
    with pytest.raises(
        ArgumentError, match=r"^The data must be named: `name` in the table \[data\], or the option --d"
    ):
        complete({})
    known = "StyleQGAN, HybridGAN, QuantumDiffusion"
    rule = rf"^`class_name` in the table \[model\] must be one of {known}, but is 'CycleGAN'\.$"
    with pytest.raises(ArgumentError, match=rule):
        complete({"data": {"name": "digits"}, "model": {"class_name": "CycleGAN"}})


def test_written_tables_are_read_as_they_were():
    tables = {
        "data": {"name": 'C:\\new "pictures"\n\t\x7f é 🙂', "data_dir": None},
        "model": {"entanglement": [[0, 1], [1, 2]], "cyclic_style": True, "rate": 1e-05, "scale": 3.0, "whole": 3},
    }
    read = tomllib.loads(dump_tables(tables))
    del tables["data"]["data_dir"]
    assert read == tables
    assert type(read["model"]["scale"]) is float
    assert type(read["model"]["whole"]) is int


def test_complete_settings_survive_their_file(tmp_path):
    tables = complete({"data": {"name": "digits"}, "fit": {"seed": 5}})
    path = written(tmp_path, dump_tables(tables))
    assert complete(read_settings(path)) == tables


def test_the_demonstration_has_valid_settings_of_its_own():
    assert isinstance(_SETTINGS, Path)
    tables = complete(read_settings(_SETTINGS))
    model = StyleQGAN((1, 28, 28), **model_arguments(tables))
    assert tables["data"]["name"] == "fashion-mnist-mini"
    assert model.arguments["num_qubits"] == 12
    assert model.arguments["num_layers"] == 8
    assert model.circuit.num_qubits == 12
