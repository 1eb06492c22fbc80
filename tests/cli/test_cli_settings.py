"""Settings: TOML files, flags over them, defaults below them, and errors in one sentence."""

import tomllib

import pytest
import torch

from qiskit_qgen import HybridGAN, QuantumDiffusion, StyleQGAN
from qiskit_qgen.cli.settings import (
    RunSettings,
    choose_categories,
    complete,
    model_of,
    override,
    read_settings,
    split_training,
)
from qiskit_qgen.cli.toml_text import dump_tables, parse_value
from qiskit_qgen.cli.train import DEMO, QUICK_DEMO
from qiskit_qgen.datasets import ImageDataset
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.models import StyleQGANTraining

TABLES = "[data], [model], [training], [evaluate], [logging]"
SHAPE = (1, 8, 8)


def written(tmp_path, text):
    path = tmp_path / "settings.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[data\n", "File {} is not valid TOML: Expected ']' at the end of a table declaration (at line 1, column 6)."),
        (b"\xff\xfe", "File {} must be a TOML file, but is not UTF-8 text."),
        ("[models]\n", f"File {{}} has the unknown table [models]; the known ones are {TABLES}."),
        ("steps = 3\n", "File {} must hold tables, but `steps` stands outside of one."),
        (
            "[evaluate]\nsplitt = 'test'\n",
            "File {} has the unknown key `splitt` in the table [evaluate]: did you mean `split`?",
        ),
        (
            "[evaluate]\nlabels = 3\n",
            "File {} has the unknown key `labels` in the table [evaluate]: the known ones are split, num_samples, "
            "extractor, oversample.",
        ),
        (
            "[training]\nstepps = 3\n",
            "File {} has the unknown key `stepps` in the table [training]: did you mean `steps`?",
        ),
        (
            "[model.generatr]\nnum_qubits = 3\n",
            "File {} has the unknown key `generatr.num_qubits` in the table [model]: did you mean `generator`?",
        ),
        (
            "[model.generator]\nnum_qbits = 3\n",
            "File {} has the unknown key `generator.num_qbits` in the table [model]: did you mean `num_qubits`?",
        ),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence(tmp_path, text, sentence):
    path = written(tmp_path, text)
    with pytest.raises(ArgumentError) as caught:
        read_settings(path)
    assert str(caught.value) == sentence.format(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(ArgumentError, match=r"must be a TOML file, but does not exist\.$"):
        read_settings(tmp_path / "absent.toml")
    with pytest.raises(ArgumentError, match=r"must be a TOML file, but is a folder\.$"):
        read_settings(tmp_path)


def test_assignments_win_over_flags_and_flags_over_the_file():
    tables = {"training": {"steps": 1, "seed": 1, "batch_size": 1}}
    flags = {
        ("training", "steps"): 2,
        ("training", "seed"): 2,
        ("training", "batch_size"): None,
        ("data", "name"): "digits",
    }
    changed = override(tables, flags, ["training.seed=3", "model.rotations = ['rx']", "data.data_dir=/tmp/x y"])
    assert changed == {
        "training": {"steps": 2, "seed": 3, "batch_size": 1},
        "data": {"name": "digits", "data_dir": "/tmp/x y"},  # noqa: S108 - a value, not a file
        "model": {"rotations": ["rx"]},
    }
    assert tables == {"training": {"steps": 1, "seed": 1, "batch_size": 1}}


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("0.5", 0.5), ("true", True), ('["ry", "rz"]', ["ry", "rz"]), ("ring", "ring"), ("1\nx=2", "1\nx=2")],
)
def test_a_value_is_toml_or_a_string(text, value):
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


@pytest.mark.parametrize("assignment", ["steps=3", "training.steps", "=3", ""])
def test_an_assignment_of_another_form_is_refused(assignment):
    with pytest.raises(ArgumentError, match=r"^Option --set must have the form TABLE\.KEY=VALUE, but is "):
        override({}, {}, [assignment])


def test_an_assignment_to_an_unknown_key_is_refused():
    mistakes = {
        "training.step=3": r"the unknown key `step` in the table \[training\]: did you mean `steps`\?$",
        "training.autoencoder.stepz=3": r"the unknown key `autoencoder\.stepz` .* did you mean `steps`\?$",
        "model.sampling.steps=3": r"the unknown key `sampling\.steps` .*: its parts are generator, autoencoder, critic",
        "fit.steps=3": r"the unknown table \[fit\]; the known ones are",
    }
    for assignment, sentence in mistakes.items():
        with pytest.raises(ArgumentError, match=f"^Option --set has {sentence}"):
            override({}, {}, [assignment])


def test_an_option_of_a_part_replaces_the_same_under_another_name_and_no_other():
    tables = {
        "model": {"critic_width": 8, "num_qubits": 3, "autoencoder": "conv"},
        "training": {"steps": 5, "autoencoder_steps": 6, "learning_rate": 0.1, "ema_decay": 0.5},
    }
    assignments = ["model.generator.num_qubits=4", "model.critic.width=9", "training.autoencoder.steps=7"]
    assignments += ["training.autoencoder.learning_rate=0.2"]
    changed = override(tables, {}, assignments)
    assert changed == {
        "model": {"generator": {"num_qubits": 4}, "critic": {"width": 9}, "autoencoder": "conv"},
        "training": {"steps": 5, "autoencoder": {"steps": 7, "learning_rate": 0.2}, "ema_decay": 0.5},
    }
    changed = override({"model": {"generator": "classical"}}, {}, ["model.generator.width=3"])
    assert changed["model"]["generator"] == {"kind": "classical", "width": 3}
    changed = override({"model": {"generator": {"num_qubits": 3}}}, {}, ["model.generator=classical"])
    assert changed["model"]["generator"] == "classical"


def test_what_is_left_open_takes_the_library_s_defaults():
    tables = complete({"data": {"name": "digits"}, "model": {"num_qubits": 3}}, SHAPE)
    config = StyleQGAN(image_shape=SHAPE, num_qubits=3).config
    assert model_of(tables["model"], SHAPE).config == config
    assert {key: tables["model"].get(key) for key in config.to_dict()} == {
        **config.to_dict(),
        "image_shape": None,
        "num_features": None,
        "scaling": None,
    }
    training = StyleQGANTraining().to_dict()
    assert {key: tables["training"][key] for key in training} == training
    assert tables["training"]["score_every"] == 250
    assert tables["evaluate"] == {"split": "test", "num_samples": None, "extractor": None, "oversample": 1}


def test_the_word_none_stands_for_none_where_that_is_possible():
    tables = {"data": {"name": "digits"}, "model": {"latent_transform": "none", "entanglement": "none"}}
    model = model_of(complete(tables, SHAPE)["model"], SHAPE).config
    assert (model.latent_transform, model.generator.entanglement) == ("none", "none")
    pixels = {"autoencoder": "none", "num_qubits": 22, "observables": "XYZ", "noise_dim": "none"}
    model = complete({**tables, "model": pixels}, SHAPE)["model"]
    assert (model["autoencoder"], model["noise_dim"]) == (None, None)
    whole = complete({**tables, "training": {"clip_norm": "none"}}, SHAPE)
    assert whole["training"]["clip_norm"] is None
    part = {"backbone": {"kind": "conv", "width": 8}, "quantum_in": "none"}
    hybrid = complete({"data": {"name": "x"}, "model": {"class_name": "HybridGAN", **part}}, SHAPE)["model"]
    assert hybrid["backbone"] == {"kind": "conv", "width": 8}
    assert hybrid["quantum_in"] == "none"


def test_missing_data_and_an_unknown_model_are_refused():
    with pytest.raises(
        ArgumentError, match=r"^The data must be named: `name` in the table \[data\], or the option --d"
    ):
        complete({}, SHAPE)
    known = "StyleQGAN, HybridGAN, QuantumDiffusion"
    rule = rf"^`class_name` in the table \[model\] must be one of {known}, but is 'CycleGAN'\.$"
    with pytest.raises(ArgumentError, match=rule):
        complete({"data": {"name": "digits"}, "model": {"class_name": "CycleGAN"}}, SHAPE)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (StyleQGAN, "2406.02668"),
        (StyleQGAN, "2601.05036"),
        (HybridGAN, "2507.09706"),
        (QuantumDiffusion, "2504.00034"),
    ],
)
def test_a_published_system_is_one_key_and_its_training_follows(tmp_path, kind, name):
    given = {"data": {"name": "digits"}, "model": {"published": name}, "training": {"seed": 5}}
    path = written(tmp_path, dump_tables(given))
    tables = complete(read_settings(path), (1, 32, 32))
    assert tables["model"]["class_name"] == kind.__name__
    expected = kind.published(name, image_shape=(1, 32, 32))
    assert model_of(tables["model"], (1, 32, 32)).config == expected.config
    assert split_training(tables)[1] == kind.published_training(name)
    again = written(tmp_path, dump_tables(tables))
    assert complete(read_settings(again), (1, 32, 32)) == tables


def test_own_settings_win_over_a_published_systems(tmp_path):
    text = """
    [data]
    name = "digits"
    [model]
    published = "2406.02668"
    critic_width = 64
    [model.generator]
    num_layers = 2
    [training]
    steps = 7
    [training.autoencoder]
    steps = 3
    """
    tables = complete(override(read_settings(written(tmp_path, text)), {}, ["training.n_critic=2"]), (1, 8, 8))
    model, training = tables["model"], tables["training"]
    assert model["generator"]["num_layers"] == 2
    assert model["generator"]["entangler"] == ["cry", "crz"]  # what is left open stays the system's
    assert model["critic"]["width"] == 64
    assert model["critic"]["halving"] is True
    assert (training["steps"], training["n_critic"], training["gradient_penalty"]) == (7, 2, 10.0)
    assert (training["autoencoder"]["steps"], training["autoencoder"]["batch_size"]) == (3, 20_400)
    other = {"data": {"name": "digits"}, "model": {"published": "2601.05036", "autoencoder": {"kind": "conv"}}}
    assert complete(other, (1, 8, 8))["model"]["autoencoder"]["kind"] == "conv"


def test_published_systems_that_are_unknown_or_of_tables_are_refused():
    images, tables = "'2406.02668', '2601.05036'", "'2110.06933', '2110.06933/tutorial'"
    for name, known in (
        ("2110.06933", f"{images} for a StyleQGAN of images"),
        ("1234.5678", f"{tables}, {images} for a StyleQGAN"),
    ):
        rule = rf"`published` in the table \[model\] must be one of {known}, but"
        with pytest.raises(ArgumentError, match=rf"{rule} is '{name}'"):
            complete({"data": {"name": "digits"}, "model": {"published": name}}, SHAPE)


def test_written_tables_are_read_as_they_were():
    tables = {
        "data": {"name": 'C:\\new "images"\n\t\x7f é 🙂', "data_dir": None},
        "model": {"entanglement": [[0, 1], [1, 2]], "normal": True, "rate": 1e-05, "scale": 3.0, "whole": 3},
    }
    read = tomllib.loads(dump_tables(tables))
    tables["data"]["data_dir"] = "none"
    assert read == tables
    assert type(read["model"]["scale"]) is float
    assert type(read["model"]["whole"]) is int


@pytest.mark.parametrize(
    "model",
    [
        {"class_name": "StyleQGAN"},
        {"class_name": "StyleQGAN", "generator": "classical"},
        {"class_name": "HybridGAN", "backbone": "resnet18"},
        {"class_name": "QuantumDiffusion", "bottleneck": "se", "process": "stochastic_walk"},
    ],
)
def test_complete_settings_survive_their_file(tmp_path, model):
    tables = complete({"data": {"name": "digits"}, "model": model, "training": {"seed": 5}}, (1, 32, 32))
    path = written(tmp_path, dump_tables(tables))
    assert complete(read_settings(path), (1, 32, 32)) == tables


@pytest.mark.parametrize(
    ("model", "labels", "number", "chosen"),
    [
        ({}, [0, 2, 1], 3, {"num_classes": 3}),
        ({"class_name": "HybridGAN"}, [0, 2, 1], 3, {"num_classes": 3}),
        ({}, [1, 1, 1], 3, {}),
        ({}, [0, 5, 200], 3, {}),
        ({}, None, 999, {}),
        ({}, None, 1000, {"num_clusters": 20}),
        ({"num_classes": 0}, None, 1000, {}),
        ({"num_clusters": 4}, [0, 1, 1], 3, {}),
        ({"class_name": "QuantumDiffusion"}, [0, 1, 1], 3, {}),
        ({"published": "2601.05036"}, [0, 1, 1], 3, {}),
        ({"style": "cyclic"}, [0, 1, 1], 3, {}),
        ({"generator": {"style": "cyclic"}}, [0, 1, 1], 3, {}),
    ],
)
def test_classes_of_the_data_and_clusters_of_many_images_are_taken_unless_a_file_says_otherwise(
    model, labels, number, chosen
):
    data = ImageDataset(torch.zeros(number, 1, 8, 8), labels and torch.tensor(labels), "x", "train")
    assert choose_categories({"model": model}, data)["model"] == {**model, **chosen}


@pytest.mark.parametrize(
    ("path", "name", "shape", "num_qubits", "num_layers"),
    [(DEMO, "fashion-mnist-mini", (1, 28, 28), 12, 8), (QUICK_DEMO, "digits", (1, 8, 8), 8, 4)],
)
def test_the_demonstrations_have_valid_settings(path, name, shape, num_qubits, num_layers):
    tables = complete(read_settings(path), shape)
    model = model_of(tables["model"], shape)
    assert tables["data"]["name"] == name
    assert model.config.generator.num_layers == num_layers
    assert model.circuit.num_qubits == num_qubits


@pytest.mark.parametrize(
    ("settings", "count", "asked", "expected"),
    [
        ({"score_every": 250}, 7000, False, 700),
        ({"score_every": 250}, 60_000, False, 1000),
        ({"score_every": 250}, 12, False, 0),
        ({"score_every": 250}, 12, True, 2),
        ({}, 7000, False, 0),
        ({"score_every": 250, "num_validation": 5}, 7000, False, 5),
        ({"score_every": 250, "num_validation": 0}, 7000, True, 0),
    ],
)
def test_images_are_held_out_for_the_scores_on_the_way(settings, count, asked, expected):
    assert RunSettings.of(**settings).held_out(count, asked=asked) == expected


def test_a_published_name_without_quotes_is_told_how_to_write_it():
    tables = override({"data": {"name": "digits"}}, {}, ["model.published=2601.05036"])
    with pytest.raises(
        ArgumentError, match=r"must be a text, but is the number 2601.05036: write published = .2601.05036."
    ):
        complete(tables, (1, 28, 28))
