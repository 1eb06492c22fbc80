import time

import pytest

from qiskit_qgen.cli.toml_text import parse_value, read_toml
from qiskit_qgen.exceptions import ArgumentError


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbf[data]\nname = 'digits'\n")
    assert read_toml(tmp_path / "a.toml") == {"data": {"name": "digits"}}


def test_dots_in_values_are_no_tables(tmp_path):
    numbers, name = [index + 0.5 for index in range(500)], ".".join("a" * 40)
    (tmp_path / "a.toml").write_text(f"x = {numbers}\n{name} = 1\n")
    found = read_toml(tmp_path / "a.toml")
    assert found["x"] == numbers
    for _ in range(40):
        found = found["a"]
    assert found == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (".".join("a" * 40_000) + " = 1", "nested too deeply"),
        ("[" + " . ".join(['"a"'] * 40_000) + "]", "nested too deeply"),
        ("x = " + "[" * 40_000, "nested too deeply"),
        ("x = " + "{a=" * 40_000, "nested too deeply"),
        ("x = " + "9" * 5_000, "digits"),
        ("x = 1\n" * 400_000, "too large for settings"),
    ],
    ids=range(6),
)
def test_small_files_that_take_long_are_refused_soon(tmp_path, text, reason):
    (tmp_path / "a.toml").write_text(text)
    start = time.perf_counter()
    with pytest.raises(ArgumentError, match=reason):
        read_toml(tmp_path / "a.toml")
    assert time.perf_counter() - start < 5
    assert parse_value(text.removeprefix("x = ")[:100_000])
