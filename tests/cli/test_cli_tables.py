"""A table from a CSV file to samples, scores and a comparison, by commands alone."""

import json
import tomllib

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from qiskit_qgen import StyleQGAN
from qiskit_qgen.cli import app

CONFIG = """
[data]
name = {data!r}

[model]
num_qubits = 2
num_layers = 1
critic_width = 8

[training]
steps = 4
batch_size = 8
score_every = 2
seed = 0
"""


def frame(number=60):
    random = np.random.default_rng(0)
    x = random.normal(size=number)
    return pd.DataFrame({"x": x, "y": x + random.normal(size=number), "kind": random.integers(0, 3, number)})


def refusal(qgen, *arguments):
    result = qgen(*arguments)
    assert result.exit_code == 2
    return result.stderr.splitlines()[-1]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table")
    frame().to_csv(folder / "data.csv", index=False)
    (folder / "run.toml").write_text(CONFIG.format(data=str(folder / "data.csv")))
    result = CliRunner().invoke(app, ["train", str(folder / "run.toml"), "--out", str(folder / "run")])
    assert result.exit_code == 0, result.output
    return folder, result


def test_a_run_of_a_table_leaves_figures_and_scores(run):
    folder, result = run
    names = {entry.name for entry in (folder / "run").iterdir()}
    assert names >= {"marginals.png", "pairs.png", "circuit.png", "history.png", "scores.json", "model"}
    assert not names & {"samples.png", "reconstructions.png"}
    for name in ("marginals.png", "pairs.png"):
        with Image.open(folder / "run" / name) as image:
            assert min(image.size) > 300
            assert np.asarray(image.convert("L")).std() > 10
    assert "49 rows of" in result.stderr
    assert "3 columns and 5 held out for scores on the way; seed 0." in result.stderr
    assert "6 generated against 6 real rows (data.csv, test)" in result.stdout
    scores = json.loads((folder / "run" / "scores.json").read_text())
    assert scores["num_real"] == 6
    assert set(scores["baselines"]) >= {"marginals", "gaussian", "mixture", "training"}


def test_the_settings_of_a_run_hold_what_has_an_effect(run):
    settings = tomllib.loads((run[0] / "run" / "config.toml").read_text())
    assert settings["data"]["columns"] == "none"
    assert not {"image_size", "mode", "skip_damaged"} & settings["data"].keys()
    assert settings["model"]["scaling"] == "range"
    assert not {"autoencoder", "latent_dim", "latent_transform", "num_features"} & settings["model"].keys()
    assert "autoencoder" not in settings["training"]


def test_a_finished_run_is_reported_and_goes_on_with_more_steps(qgen, run):
    folder, _ = run
    again = qgen("train", folder / "run.toml", "--out", folder / "run", "--resume")
    assert again.exit_code == 0, again.stderr
    assert "finished" in again.stderr


def test_rows_are_written_with_names_and_types(qgen, run, tmp_path):
    model = StyleQGAN.from_pretrained(run[0] / "run" / "model")
    expected = model.sample_frame(12, seed=7)
    for name in ("rows.csv", "rows.parquet"):
        result = qgen("sample", run[0] / "run", "-n", 12, "--seed", 7, "-o", tmp_path / "new" / name)
        assert result.exit_code == 0, result.stderr
        read = pd.read_csv if name.endswith("csv") else pd.read_parquet
        pd.testing.assert_frame_equal(read(tmp_path / "new" / name), expected, rtol=1e-6)
    assert expected["kind"].dtype == "int64"
    qgen("sample", run[0] / "run", "-n", 12, "--seed", 7, "-o", tmp_path / "rows.npy")
    np.testing.assert_allclose(np.load(tmp_path / "rows.npy"), expected, rtol=1e-5)


def test_the_scores_of_evaluate_are_those_of_the_run(qgen, run, tmp_path):
    folder, _ = run
    out = tmp_path / "scores.json"
    result = qgen("evaluate", folder / "run", "--data", folder / "data.csv", "-o", out, "--memorization")
    assert result.exit_code == 0, result.stderr
    found, first = json.loads(out.read_text()), json.loads((folder / "run" / "scores.json").read_text())
    assert found["frechet_distance"] == pytest.approx(first["frechet_distance"])
    assert "training rows: " in result.stdout
    more = frame().assign(word="a")[["word", "kind", "y", "x"]]
    more.to_csv(tmp_path / "other.csv", index=False)  # other columns and another order
    result = qgen("evaluate", folder / "run", "--data", tmp_path / "other.csv", "-o", out)
    assert result.exit_code == 0, result.stderr
    assert json.loads(out.read_text())["frechet_distance"] == pytest.approx(first["frechet_distance"])


def test_executions_are_compared_on_a_table(qgen, run, tmp_path):
    folder, _ = run
    options = ("--execution", "aer:shots=50,seed=0", "-n", 20, "--seed", 1, "-o", tmp_path / "comparison")
    result = qgen("compare", folder / "run", "--data", folder / "data.csv", *options)
    assert result.exit_code == 0, result.stderr
    assert "aer:shots=50,seed=0" in result.stdout
    with Image.open(tmp_path / "comparison" / "comparison.png") as image:
        assert np.asarray(image.convert("L")).std() > 10


def test_tables_and_images_are_not_mistaken_for_each_other(qgen, run, model_dir, tmp_path):
    folder, _ = run
    assert "must name a table, as the model generates" in refusal(qgen, "evaluate", folder / "run", "--data", "digits")
    text = refusal(qgen, "evaluate", model_dir, "--data", folder / "data.csv")
    assert text == f"Error: Option --data must name images, as the model generates, but is {folder / 'data.csv'}."
    assert "name a file that ends in .csv" in refusal(qgen, "sample", folder / "run", "-o", tmp_path / "a.png")
    assert "This model generates images" in refusal(qgen, "sample", model_dir, "-o", tmp_path / "a.csv")
    assert "`extractor` has no effect on a table" in refusal(
        qgen, "evaluate", folder / "run", "--data", folder / "data.csv", "--extractor", "pixel"
    )
    for settings, sentence in (
        ("model.class_name=HybridGAN", "A HybridGAN generates images, but the data are a table"),
        ("data.image_size=8", "Argument `image_size` has no effect on a table"),
        (
            'model.published="2601.05036"',
            "must be one of '2110.06933', '2110.06933/tutorial' for a StyleQGAN of tables",
        ),
        ("evaluate.extractor=pixel", "`extractor` has no effect on a table"),
        ("model.num_qubits=1", "must give an output for each of the 3 numbers"),
    ):
        options = ("--set", settings, "--out", tmp_path / "none")
        assert sentence in refusal(qgen, "train", folder / "run.toml", *options)
    assert not (tmp_path / "none").exists()


def test_columns_a_named_array_and_a_published_system(qgen, run, tmp_path):
    folder, _ = run
    np.savez(tmp_path / "a.npz", events=frame().to_numpy(), columns=np.array(["x", "y", "kind"]))
    (tmp_path / "a.toml").write_text(
        f"[data]\nname = '{tmp_path / 'a.npz'}'\nkey = 'events'\n[model]\npublished = '2110.06933'\n"
        "[training]\nsteps = 1\n"
    )
    result = qgen("train", tmp_path / "a.toml", "--out", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    model = StyleQGAN.from_pretrained(tmp_path / "run" / "model")
    assert model.config.scaling == "power"
    assert [column.name for column in model.columns] == ["x", "y", "kind"]
    options = ("--set", 'data.columns=["kind", "x"]', "--out", tmp_path / "two")
    assert qgen("train", folder / "run.toml", *options).exit_code == 0
    assert [column.name for column in StyleQGAN.from_pretrained(tmp_path / "two" / "model").columns] == ["kind", "x"]


def test_a_column_of_words_becomes_the_classes_of_a_run(qgen, tmp_path):
    words = np.array(["10", "7", "blue"])  # names that are numbers too
    data = frame(90).assign(kind=lambda rows: words[rows["kind"]])
    data.to_csv(tmp_path / "kinds.csv", index=False)
    assert "take it as the classes by `label`" in refusal(
        qgen, "init", tmp_path / "kinds.csv", "-o", tmp_path / "a.toml"
    )
    result = qgen("init", tmp_path / "kinds.csv", "--label", "kind", "-o", tmp_path / "a.toml")
    assert result.exit_code == 0, result.stderr
    text = (tmp_path / "a.toml").read_text()
    settings = tomllib.loads(text)
    assert settings["data"]["label"] == "kind"
    assert settings["model"] == {"class_name": "StyleQGAN", "num_classes": 3, "generator_num_qubits": 2}
    assert "#generator_num_qubits" not in text
    sizes = ("--steps", 2, "--batch-size", 8, "--set", "model.critic_width=8", "--set", "model.num_layers=1")
    result = qgen("train", tmp_path / "a.toml", "--out", tmp_path / "run", *sizes)
    assert result.exit_code == 0, result.stderr
    model = StyleQGAN.from_pretrained(tmp_path / "run" / "model")
    assert model.class_names == ("10", "7", "blue")
    for name in ("7", "blue"):
        out = tmp_path / f"{name}.csv"
        assert qgen("sample", tmp_path / "run", "-n", 5, "--seed", 3, "--label", name, "-o", out).exit_code == 0
        pd.testing.assert_frame_equal(pd.read_csv(out), model.sample_frame(5, labels=name, seed=3), rtol=1e-6)
    result = qgen("evaluate", tmp_path / "run", "-o", tmp_path / "scores.json")
    assert result.exit_code == 0, result.stderr
    first = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert json.loads((tmp_path / "scores.json").read_text())["frechet_distance"] == pytest.approx(
        first["frechet_distance"]
    )


def test_chosen_columns_stand_in_the_settings(qgen, run, tmp_path):
    result = qgen("init", run[0] / "data.csv", "--columns", "kind, x", "-o", tmp_path / "a.toml")
    assert result.exit_code == 0, result.stderr
    settings = tomllib.loads((tmp_path / "a.toml").read_text())
    assert settings["data"]["columns"] == ["kind", "x"]
    assert settings["model"]["generator_num_qubits"] == 2


def test_the_data_of_a_run_are_scored_unless_others_are_named(qgen, run, model_dir, tmp_path):
    folder, _ = run
    found = []
    for options in ((), ("--data", folder / "data.csv")):
        result = qgen("evaluate", folder / "run", *options, "-o", tmp_path / "scores.json")
        assert result.exit_code == 0, result.stderr
        found.append((tmp_path / "scores.json").read_text())
    assert found[0] == found[1]
    options = ("--execution", "aer:shots=20,seed=0", "-n", 8, "--seed", 1, "-o", tmp_path / "comparison")
    assert qgen("compare", folder / "run", *options).exit_code == 0
    text = refusal(qgen, "evaluate", model_dir)
    assert (
        text
        == f"Error: Option --data must be given, since {model_dir} is not the folder of a run, which names its data."
    )
