"""Columns and their whole numbers, against the limits of NumPy's types and pandas' own conversion."""

import re

import numpy as np
import pandas as pd
import pytest
import torch

from qiskit_qgen.datasets import Column, TableDataset
from qiskit_qgen.datasets.table_dataset import to_frame, whole_numbers
from qiskit_qgen.exceptions import DatasetError

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


@pytest.mark.parametrize("kind", INTEGERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_integers_stay_within_their_type(kind, dtype):
    limits = np.iinfo(kind)
    column = Column("count", kind)
    assert column.limits == (limits.min, limits.max)
    rows = torch.tensor([[-1e30], [1e30], [0.6], [-0.6], [41.5]], dtype=dtype)
    frame = to_frame(rows, [column])
    assert frame["count"].dtype == kind
    low, high, *rest = frame["count"].tolist()
    assert low == limits.min
    assert high == pytest.approx(limits.max, rel=1e-6)
    assert high <= limits.max
    assert rest == [1, -1 if limits.min < 0 else 0, 42]


def test_nullable_boolean_and_ordered_columns_come_back_as_pandas_has_them():
    sizes = pd.CategoricalDtype(["S", "M", "L"], ordered=True)
    columns = [
        Column("a", "Int16"),
        Column("b", "boolean"),
        Column("c", "ordered", ("S", "M", "L")),
        Column(3, "Float32"),
    ]
    rows = torch.tensor([[0.4, 0.2, 2.7, 0.1], [1.6, 0.8, -1.0, 1.5]])
    expected = pd.DataFrame(
        {
            "a": pd.Series([0, 2], dtype="Int16"),
            "b": pd.Series([False, True], dtype="boolean"),
            "c": pd.Series(["L", "S"], dtype=sizes),
            3: pd.Series([0.1, 1.5], dtype="Float32"),
        }
    )
    pd.testing.assert_frame_equal(to_frame(rows, columns), expected)


def test_columns_without_names_are_numbered_and_floats_have_their_own_digits():
    frame = to_frame(torch.tensor([[0.1, 1e-7], [12345678.0, 3e38]]), None)
    assert list(frame.columns) == ["x0", "x1"]
    assert to_frame(torch.tensor([[0.1]]), [Column("a", "float64")])["a"].tolist() == [0.1]  # not 0.10000000149


def test_columns_of_floats_are_not_rounded():
    rows = torch.tensor([[0.25, 0.75]])
    found = whole_numbers(rows, [Column("a", "float32"), Column("b", "int8")])
    assert found.tolist() == [[0.25, 1.0]]
    assert rows.tolist() == [[0.25, 0.75]]
    assert whole_numbers(rows, None) is rows


@pytest.mark.parametrize("kind", ["object", "int7", "datetime64[ns]", "float128", "Uint8", "ordered", "complex64"])
def test_other_types_are_no_columns(kind):
    with pytest.raises(
        DatasetError, match=re.escape(f"Column 'a' of a table must hold numbers, but is of type '{kind}'")
    ):
        Column("a", kind)


@pytest.mark.parametrize(
    "content",
    [None, [], {"name": "a"}, {"name": [1], "dtype": "int8"}, {"name": "a", "dtype": "ordered", "categories": {}}],
)
def test_a_damaged_description_is_refused(content):
    with pytest.raises(DatasetError):
        Column.from_dict(content)


def test_columns_survive_json():
    for column in (
        Column("a", "int8"),
        Column(4, "float64"),
        Column(None, "float32"),
        Column("s", "ordered", ("x", 2)),
    ):
        assert Column.from_dict(column.to_dict()) == column


def test_faulty_rows_are_refused_by_the_columns_name():
    columns = (Column("a", "float32"), Column("b", "float32"))
    with pytest.raises(DatasetError, match=r"Table 't' must hold finite numbers, but column `b` has NaN"):
        TableDataset(torch.tensor([[1.0, float("nan")]]), columns, "t")
    with pytest.raises(DatasetError, match=r"must have shape \(N, 2\)"):
        TableDataset(torch.zeros(2, 3), columns, "t")
    with pytest.raises(DatasetError, match="must name each column once, but 'a' comes twice"):
        TableDataset(torch.zeros(2, 2), columns[:1] * 2, "t")


def test_rows_and_columns_are_taken_by_number_and_name():
    table = TableDataset(torch.arange(6.0).reshape(3, 2), (Column("a", "int8"), Column("b", "float32")), "t")
    part = table.take(torch.tensor([2, 0])).select(["b", "a"])
    assert part.rows.tolist() == [[5, 4], [1, 0]]
    assert [column.name for column in part.columns] == ["b", "a"]
    assert repr(part) == "TableDataset('t', 'train', 2 rows of 2 columns)"
    with pytest.raises(DatasetError, match="has no column `c`; its columns are `a`, `b`"):
        table.select(["c"])
