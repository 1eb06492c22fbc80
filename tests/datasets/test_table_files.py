"""Tables as people have them: what is read equals what pandas reads, and what cannot be read is named."""

import logging

import numpy as np
import pandas as pd
import pytest
import torch

from qiskit_qgen.datasets import Column, hold_out, load_dataset, load_table
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, DatasetError

SIZES = pd.CategoricalDtype(["S", "M", "L"], ordered=True)


def frame(number=40):
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "length": random.normal(size=number),
            "count": random.integers(0, 9, number),
            "is_red": random.random(number) < 0.5,
            "weight": random.random(number).astype(np.float32),
        }
    )


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def refusal(*arguments, error=DatasetError, **options):
    with pytest.raises(error) as caught:
        load_table(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_a_file_gives_the_frame_that_was_written(suffix, tmp_path):
    data, path = frame(), tmp_path / f"table.{suffix}"
    if suffix == "parquet":
        data.to_parquet(path)
    else:
        data.to_csv(path, sep="," if suffix == "csv" else "\t", index=False)
    table = load_table(path, test_fraction=0)
    expected = data if suffix == "parquet" else data.astype({"weight": "float64"})
    pd.testing.assert_frame_equal(table.to_frame(), expected, rtol=1e-7)
    assert [column.dtype for column in table.columns] == [str(kind) for kind in expected.dtypes]
    assert table.name == path.name


def test_a_frame_in_memory_keeps_ordered_categories_and_nullable_types():
    data = frame().assign(
        size=pd.Series(["S", "L", "M", "S"] * 10, dtype=SIZES), age=pd.Series(range(40), dtype="Int32")
    )
    table = load_table(data)
    pd.testing.assert_frame_equal(table.to_frame(), data, rtol=1e-7)
    assert table.rows[:4, 4].tolist() == [0, 2, 1, 0]
    assert table.columns[4] == Column("size", "ordered", ("S", "M", "L"))


def test_parquet_keeps_ordered_categories_and_leaves_its_index_out(tmp_path):
    data = frame().assign(size=pd.Series(["S", "L"] * 20, dtype=SIZES)).sample(frac=1, random_state=0)
    data.to_parquet(tmp_path / "a.parquet")
    found = load_table(tmp_path / "a.parquet", test_fraction=0).to_frame()
    pd.testing.assert_frame_equal(found, data.reset_index(drop=True), rtol=1e-7)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_marks_and_line_ends_of_other_programs(separator, tmp_path):
    text = "\r\n".join(separator.join(row) for row in (['"a b"', "ü"], ["1", "2.5"], ["3", "-1e3"])) + "\r\n"
    table = load_table(write(tmp_path / "a.csv", text, "utf-8-sig"))
    assert [column.name for column in table.columns] == ["a b", "ü"]
    assert table.rows.tolist() == [[1, 2.5], [3, -1000]]
    assert [column.dtype for column in table.columns] == ["int64", "float64"]


def test_columns_are_chosen_by_name_in_their_order(tmp_path):
    text = "id,word,x,y\n1,a,0.5,2\n2,b,0.25,3\n"
    for path in (write(tmp_path / "a.csv", text), tmp_path / "a.parquet"):
        if path.suffix == ".parquet":
            pd.read_csv(tmp_path / "a.csv").to_parquet(path)
        assert load_table(path, columns=["y", "x"]).rows.tolist() == [[2, 0.5], [3, 0.25]]
        assert "has no column `z`; its columns are" in refusal(path, columns=["z"])
        assert "word" in refusal(path)


def test_an_index_that_was_written_as_a_first_column_is_left_out(tmp_path, caplog):
    frame().to_csv(tmp_path / "a.csv")
    with caplog.at_level(logging.WARNING):
        table = load_table(tmp_path / "a.csv", test_fraction=0)
    assert len(table.columns) == 4
    assert "its first column has no name and counts the rows: it is left out." in caplog.text


def test_a_tenth_is_held_out_always_the_same_one(tmp_path, caplog):
    frame().to_csv(tmp_path / "a.csv", index=False)
    with caplog.at_level(logging.WARNING):
        train, test = (load_table(tmp_path / "a.csv", split=split) for split in ("train", "test"))
    assert (len(train), len(test)) == (36, 4)
    assert "a.csv has no test rows: 4 of its 40 are held out as such." in caplog.text
    both = np.sort(torch.cat([train.rows, test.rows])[:, 0].numpy())
    np.testing.assert_array_equal(both, np.sort(pd.read_csv(tmp_path / "a.csv")["length"]))
    assert torch.equal(load_table(tmp_path / "a.csv", split="test").rows, test.rows)
    assert "has no validation rows" in refusal(tmp_path / "a.csv", split="val")


def test_a_folder_has_a_file_for_each_split(tmp_path):
    for split, number in (("train", 12), ("test", 5)):
        frame(number).to_csv(tmp_path / f"{split}.csv", index=False)
    assert [len(load_table(tmp_path, split=split)) for split in ("train", "test")] == [12, 5]
    assert "must hold one file of val rows, such as val.csv, but has none" in refusal(tmp_path, split="val")


def test_a_smaller_draw_is_the_beginning_of_a_larger_one():
    larger, smaller = (load_table(frame(), num_rows=number, subset_seed=3).rows for number in (9, 4))
    assert torch.equal(larger[:4], smaller)


def test_named_arrays_of_an_npz_file_and_names_of_their_columns(tmp_path):
    rows = np.random.default_rng(0).normal(size=(30, 3))
    np.savez(tmp_path / "a.npz", events=rows, other=rows[:3], columns=np.array(["s", "t", "y"]))
    table = load_table(tmp_path / "a.npz", key="events")
    assert [column.name for column in table.columns] == ["s", "t", "y"]
    assert len(table) == 27
    assert (
        load_table(tmp_path / "a.npz", key="events", columns=["y"], test_fraction=0).rows[:, 0].tolist()
        == rows[:, 2].tolist()
    )
    assert (
        "must hold `rows` or `train_rows`, but holds `events`, `other`, `columns`: name the array by `key`."
        in refusal(tmp_path / "a.npz")
    )
    assert "Argument `key` must name an array of" in refusal(tmp_path / "a.npz", key="x", error=ArgumentError)
    np.savez(tmp_path / "b.npz", train_rows=rows, test_rows=rows[:4].astype(int))
    assert len(load_table(tmp_path / "b.npz", split="test")) == 4
    np.savez(tmp_path / "c.npz", rows=rows, columns=np.array(["s"]))
    assert "must hold 3 names in `columns`, one for each column, but holds 1" in refusal(tmp_path / "c.npz")


def test_arrays_and_tensors_have_columns_without_names(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(12, dtype=np.int16).reshape(4, 3))
    torch.save(torch.arange(12).reshape(4, 3), tmp_path / "a.pt")
    for source in (
        tmp_path / "a.npy",
        tmp_path / "a.pt",
        np.arange(12).reshape(4, 3),
        torch.arange(12.0).reshape(4, 3),
    ):
        table = load_table(source)
        assert table.rows.tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
        assert {column.name for column in table.columns} == {None}
    assert load_table(tmp_path / "a.npy").columns[0].dtype == "int16"


def test_images_by_key_and_a_table_where_images_are_asked_for(tmp_path):
    np.savez(tmp_path / "a.npz", patches=np.random.default_rng(0).random((5, 8, 8)))
    assert load_dataset(tmp_path / "a.npz", key="patches").images.shape == (5, 1, 8, 8)
    write(tmp_path / "a.csv", "a\n1\n2\n")
    with pytest.raises(DatasetError, match="is a table: load it with `load_table`"):
        load_dataset(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,\n,2\n,3\n", "column `a` lacks 2 of 3 values (rows 1, 2, counted from 0): fill them in"),
        ("a,b\n1,x\n2,\n", "column `b` lacks 1 of 2 values (row 1, counted from 0)"),
        (
            "a,kind\n1,red\n2,blue\n",
            "column `kind` holds words ('red', 'blue', ...), which have no order: leave it out by",
        ),
        ("a;b\n1,5;2\n2,5;3\n", "column `a` holds numbers with a decimal comma (1,5, 2,5): write them with a point."),
        ("1.5,2.5\n3,4\n", "must begin with a line of column names, but its first line holds numbers (1.5, ...)"),
        ("14,1,2\n13,1,3\n", "must begin with a line of column names, but its first line holds numbers (14, ...)"),
        ("a,a\n1,2\n", "must name each column once, but 'a' comes twice"),
        ("a,b\n", "must hold a row and a column at least, but has shape (0, 2)"),
        ("a,b\n1,2,3\n", "must have as many values in a line as names in the first, but has more."),
        ("a,b\n1,2\n1,2,3\n", "is damaged or is not a table of values separated by commas"),
        ("", "must begin with a line of column names, but its first line is empty"),
        ("a,b\n1,inf\n", "column `b` must hold finite numbers, but holds infinite ones"),
        (",".join(f"c{place}" for place in range(5000)) + "\n1", "must have 4096 columns at most, but has 5000"),
    ],
)
def test_a_csv_that_is_no_table_is_refused_in_a_sentence(text, sentence, tmp_path):
    assert sentence in refusal(write(tmp_path / "a.csv", text))


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (pd.Series(["x", "y"]), "holds words ('x', 'y', ...)"),
        (pd.Series(["x", "y"], dtype="category"), "holds words ('x', 'y', ...)"),
        (pd.to_datetime(pd.Series(["2026-01-01", "2026-01-02"])), "must hold numbers, but is of type datetime64"),
        (pd.Series([1.0, None]), "lacks 1 of 2 values"),
        (pd.Series([1, None], dtype="Int8"), "lacks 1 of 2 values"),
        (pd.Series(["S", None], dtype=SIZES), "lacks 1 of 2 values"),
        (pd.Series([1j, 2j]), "must hold numbers, but is of type complex128"),
    ],
)
def test_columns_that_hold_no_numbers_are_refused_by_name(column, sentence, tmp_path):
    data = pd.DataFrame({"good": [1.0, 2.0], "bad": column})
    assert f"Argument `name`: column `bad` {sentence}" in refusal(data)
    if column.dtype.kind != "c":
        data.to_parquet(tmp_path / "a.parquet")
        assert "column `bad`" in refusal(tmp_path / "a.parquet")


def test_options_without_effect_and_other_types_are_refused(tmp_path):
    data = frame()
    data.to_csv(tmp_path / "a.csv", index=False)
    assert "`key` has an effect on a file alone" in refusal(data, key="a", error=ArgumentError)
    assert "`key` has an effect on an .npz" in refusal(tmp_path / "a.csv", key="a", error=ArgumentError)
    assert "`columns` has no effect on an array" in refusal(torch.rand(3, 2), columns=["a"], error=ArgumentError)
    assert "`test_fraction` has an effect on a file alone" in refusal(data, test_fraction=0.2, error=ArgumentError)
    assert "there is no file or folder" in refusal(tmp_path / "b.csv", error=ArgumentError)
    assert "`name` must be a path, a DataFrame, a tensor or a numpy array" in refusal(3, error=ArgumentTypeError)
    assert "must be of one of the types .csv, .tsv, .parquet, .npz" in refusal(write(tmp_path / "a.xlsx", "x"))
    assert "have no rows of the split 'test'" in refusal(data, split="test")
    assert "must have shape (N, number of columns)" in refusal(torch.rand(3))
    twice = refusal(tmp_path / "a.csv", columns=["count", "count"], error=ArgumentError)
    assert "Argument `columns` must hold distinct values" in twice


def test_a_part_can_be_held_out_of_a_table():
    train, validation = hold_out(load_table(frame()), 8)
    assert (len(train), len(validation), validation.split) == (32, 8, "val")
    assert validation.columns == train.columns


def test_a_file_larger_than_the_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    from qiskit_qgen.datasets import reading

    frame().to_csv(tmp_path / "a.csv", index=False)
    frame().to_parquet(tmp_path / "a.parquet")
    monkeypatch.setattr(reading, "free_memory", lambda: 1000.0)
    for name in ("a.csv", "a.parquet"):
        assert "but this machine has 1e-06 GB of free memory" in refusal(tmp_path / name)


KINDS = ["red", "blue", "red", "green"]


def with_kinds(values=KINDS):
    return pd.DataFrame({"a": [1.5, 2.5, 3.5, 4.5], "kind": values, "b": [1, 2, 3, 4]})


@pytest.mark.parametrize("ending", ["csv", "parquet", "frame"])
def test_a_column_of_words_holds_the_classes(tmp_path, ending):
    source = with_kinds()
    if ending != "frame":
        source = tmp_path / f"kinds.{ending}"
        (with_kinds().to_csv if ending == "csv" else with_kinds().to_parquet)(source, index=False)
    options = {} if ending == "frame" else {"test_fraction": 0}
    for columns, names in ((None, ["a", "b"]), (["b"], ["b"])):
        table = load_table(source, label="kind", columns=columns, **options)
        assert [column.name for column in table.columns] == names
        assert table.labels.tolist() == [2, 0, 2, 1]
        assert table.class_names == ("blue", "green", "red")
    assert table.take(torch.tensor([3, 0])).labels.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("values", "labels", "names"),
    [
        ([3, 10, 3, 1], [1, 2, 1, 0], ("1", "3", "10")),
        ([True, False, True, True], [1, 0, 1, 1], ("False", "True")),
        (pd.Categorical(["S", "L", "S", "M"], ["S", "M", "L"], ordered=True), [0, 2, 0, 1], ("S", "M", "L")),
        (pd.Categorical(["S", "L", "S", "M"]), [2, 0, 2, 1], ("L", "M", "S")),
    ],
)
def test_classes_are_integers_booleans_or_categories(values, labels, names):
    table = load_table(with_kinds(values), label="kind")
    assert table.labels.tolist() == labels
    assert table.class_names == names


def test_the_parts_of_a_folder_have_the_same_classes(tmp_path):
    with_kinds().to_csv(tmp_path / "train.csv", index=False)
    with_kinds(["red"] * 4).to_csv(tmp_path / "test.csv", index=False)
    test = load_table(tmp_path, split="test", label="kind")
    assert test.labels.tolist() == [2] * 4
    assert test.class_names == ("blue", "green", "red")
    with_kinds(["pink"] * 4).to_csv(tmp_path / "test.csv", index=False)
    with pytest.raises(DatasetError, match="has the class 'pink', which no row for training has"):
        load_table(tmp_path, split="test", label="kind")


@pytest.mark.parametrize(
    ("source", "options", "sentence"),
    [
        (with_kinds(), {"label": "sort"}, "has no column `sort`; its columns are a, kind, b"),
        (with_kinds(), {"label": "a"}, "column `a` must hold classes, words or integers, but is of type float64"),
        (with_kinds(["red", None, "red", "blue"]), {"label": "kind"}, r"column `kind` lacks 1 of 4 values \(row 1,"),
        (
            with_kinds(),
            {"label": "kind", "columns": ["a", "kind"]},
            "`columns` must not hold `kind`, which `label` takes",
        ),
        (torch.rand(4, 2), {"label": "kind"}, "`label` has no effect on an array, whose columns have no names"),
    ],
)
def test_what_holds_no_classes_is_refused(source, options, sentence):
    with pytest.raises((ArgumentError, DatasetError), match=sentence):
        load_table(source, **options)
