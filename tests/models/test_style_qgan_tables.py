"""Tables: names and types of columns, and columns that are hard for float32."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from small import images, style, table, train, trained

from qiskit_qgen import StyleQGAN
from qiskit_qgen.datasets import load_table
from qiskit_qgen.exceptions import ArgumentError, CheckpointError, DatasetError
from qiskit_qgen.persistence import load_tensors, save_tensors


@pytest.mark.parametrize("scaling", ["range", "quantile", "power"])
@pytest.mark.parametrize("generator", ["quantum", "classical"])
def test_constant_narrow_and_huge_columns_are_generated_within_their_ranges(scaling, generator):
    random = np.random.default_rng(0)
    rows = np.float32(
        np.stack([1e6 + random.choice([0, 0.0625, 0.125], 50), np.full(50, 1e6), random.uniform(-3e38, 3e38, 50)], 1)
    )
    model = trained(table(3, generator, scaling=scaling), rows, batch_size=16)
    samples = model.sample(200, seed=0).numpy()
    assert np.isfinite(samples).all()
    assert set(samples[:, 1]) == {np.float32(1e6)}
    if generator == "quantum" or scaling == "quantile":
        assert (samples >= rows.min(0)).all()
        assert (samples <= rows.max(0)).all()
    if generator == "quantum":
        assert set(samples[:, 0]) == set(rows[:, 0])
    assert samples[:, 2].std(dtype=np.float64) > 1e36
    scores = model.evaluate(rows)
    assert np.isfinite(scores["jensen_shannon_divergence"])


def test_what_float32_cannot_hold_is_refused_with_a_remedy():
    model = table(2)
    random = np.random.default_rng(0)
    narrow = np.stack([random.uniform(size=20), 1e6 + random.uniform(-1e-3, 1e-3, 20)], 1)
    with pytest.raises(
        DatasetError,
        match=r"`data` must hold columns that float32 can resolve, but column 1 varies by 0.00\d+ around 1e\+06: "
        r"subtract that first\.$",
    ):
        model.fit(narrow, steps=1)
    with pytest.raises(DatasetError, match=r"`data` must hold numbers below 3.4e38, the largest of float32: rescale"):
        model.fit(narrow * 1e300, steps=1)
    train(model, narrow - [0, 1e6], steps=1)
    samples = model.sample(50, seed=0)
    assert 0 < samples[:, 1].abs().max() <= 1.01e-3


def test_a_checkpoint_in_another_precision_is_refused(tmp_path):
    rows = np.random.default_rng(0).normal(size=(20, 2))
    train(table(), rows, checkpoint_dir=tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    tensors, metadata = load_tensors(path)
    name = "module/normalizer/center"
    save_tensors(path, tensors | {name: tensors[name].float()}, metadata=metadata)
    with pytest.raises(CheckpointError, match="`module/normalizer/center` must be float64 of shape"):
        train(table(), rows, checkpoint_dir=tmp_path, resume=True)


SIZES = pd.CategoricalDtype(["S", "M", "L"], ordered=True)


def frame(number=60):
    random = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "count": random.integers(3, 9, number),
            "length": random.normal(size=number),
            "size": pd.Categorical.from_codes(random.integers(0, 3, number), dtype=SIZES),
            "is_red": random.random(number) < 0.5,
        }
    )


@pytest.fixture(scope="module")
def model():
    return trained(table(4), frame())


def test_a_frame_goes_in_and_comes_out(model):
    found = model.sample_frame(50, seed=0)
    pd.testing.assert_series_equal(found.dtypes, frame().dtypes)
    assert found["count"].between(3, 8).all()
    assert set(found["size"]) <= {"S", "M", "L"}
    rows = model.sample(50, seed=0)
    assert torch.equal(rows[:, [0, 2, 3]], rows[:, [0, 2, 3]].round())  # scores see what the frame holds
    assert not torch.equal(rows[:, 1], rows[:, 1].round())
    pd.testing.assert_frame_equal(model.to_frame(rows), found)
    assert rows[:, 0].tolist() == found["count"].tolist()


def test_names_and_types_are_saved_and_loaded(model, tmp_path):
    model.save_pretrained(tmp_path / "model")
    loaded = StyleQGAN.from_pretrained(tmp_path / "model")
    assert loaded.columns == model.columns
    pd.testing.assert_frame_equal(loaded.sample_frame(9, seed=3), model.sample_frame(9, seed=3))


@pytest.mark.parametrize(
    "columns", ["x", [], [{"name": "a", "dtype": "object"}] * 4, [{"name": "a", "dtype": "int8"}], {}]
)
def test_damaged_columns_of_a_saved_model_are_refused(model, columns, tmp_path):
    model.save_pretrained(tmp_path)
    content = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**content, "columns": columns}))
    with pytest.raises(CheckpointError, match=r"config\.json in .* is damaged: save the model again"):
        StyleQGAN.from_pretrained(tmp_path)


def test_columns_are_found_by_name_whatever_their_order(model):
    other = frame(40).assign(more=0.5)[["more", "is_red", "size", "length", "count"]]
    scores = model.evaluate(frame(40), num_samples=20)
    assert model.evaluate(other, num_samples=20) == scores
    assert model.evaluate(load_table(other), num_samples=20) == scores
    with pytest.raises(DatasetError, match="Argument `data` has no column `count`; its columns are length, size"):
        model.evaluate(frame().drop(columns="count"))
    assert model.evaluate(load_table(frame(40)).rows.numpy(), num_samples=20) == scores  # arrays by their order


def test_another_training_learns_other_columns_unless_it_goes_on():
    renamed = frame().rename(columns={"count": "number"})
    other = trained(table(4), frame())
    train(other, renamed)
    assert other.columns[0].name == "number"
    with pytest.raises(DatasetError, match="has no column `number`"):
        train(other, frame(), warm_start=True)


def test_faults_of_a_frame_are_named():
    for data, text in (
        (frame().assign(length=None), "Argument `data`: column `length` lacks 60 of 60 values"),
        (frame().assign(length="a"), "Argument `data`: column `length` holds words"),
        (frame().drop(columns="length"), "Argument `data` must have 4 columns, as the model has, but has 3"),
        (frame().assign(length=1e6 + np.linspace(0, 1e-4, 60)), "column `length` varies by 0.0001 around 1e\\+06"),
    ):
        with pytest.raises(DatasetError, match=text):
            table(4).fit(data, steps=1)


def test_arrays_have_columns_without_names_and_images_have_none():
    other = trained(table(2), np.random.default_rng(0).integers(0, 5, (40, 2)))
    assert list(other.sample_frame(3, seed=0).columns) == ["x0", "x1"]
    assert other.sample(20, seed=0).frac().abs().max() == 0
    with pytest.raises(ArgumentError, match="A model of images has no columns"):
        style().to_frame(images())


def test_baselines_of_whole_numbers_are_whole_numbers(model):
    from qiskit_qgen.models.base.baselines import baselines_of

    rows = load_table(frame()).rows.float()
    for name, samples in baselines_of(model, 30, rows, None, 0).samples.items():
        assert torch.equal(samples[:, 0], samples[:, 0].round()), name


def test_each_class_of_a_table_gets_its_rows(tmp_path):
    """Two classes far from each other: rows of a class lie where its training rows do."""
    random = np.random.default_rng(0)
    kinds = np.array(["far", "near"])[np.arange(200) % 2]
    data = pd.DataFrame(
        {"x": random.normal(np.where(kinds == "far", 40.0, 10.0), 1.0), "y": random.normal(size=200), "kind": kinds}
    )
    model = table(2, num_classes=2, num_qubits=2, num_layers=2, critic_width=32)
    rates = {"generator_learning_rate": 0.01, "critic_learning_rate": 0.005, "ema_decay": 0.9}
    train(model, load_table(data, label="kind"), steps=400, batch_size=32, **rates)
    assert model.class_names == ("far", "near")
    model.save_pretrained(tmp_path / "model")
    loaded = StyleQGAN.from_pretrained(tmp_path / "model")
    means = {kind: loaded.sample_frame(200, labels=kind, seed=1)["x"].mean() for kind in ("far", "near")}
    assert means["far"] == pytest.approx(40, abs=6)
    assert means["near"] == pytest.approx(10, abs=6)
    counted = loaded.sample(class_counts={"near": 3, "far": 2}, seed=2)
    assert counted.shape == (5, 2)
