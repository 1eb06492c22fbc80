import fractions
import numbers
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from qiskit_qgen._checks import (
    check_array,
    check_choice,
    check_distinct,
    check_float,
    check_folder,
    check_int,
    check_path,
    check_shape,
    check_type,
    free_memory,
    renamed_arguments,
)
from qiskit_qgen._random import SEED_MAXIMUM, resolve_seed, torch_generator
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, DatasetError, QGenError
from qiskit_qgen.models import HybridGAN, QuantumDiffusion, StyleQGAN


def message(kind, function, *arguments, **options):
    with pytest.raises(kind) as error:
        function(*arguments, **options)
    assert isinstance(error.value, QGenError)
    return str(error.value)


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_integers(value):
    checked = check_int("n", value, minimum=1, maximum=3)
    assert checked == 3
    assert type(checked) is int


@pytest.mark.parametrize(
    ("value", "limits", "rule"),
    [
        (0, {"minimum": 1}, "a positive integer, but is 0."),
        (-1, {"minimum": 0}, "a non-negative integer, but is -1."),
        (1, {"minimum": 2}, "an integer of at least 2, but is 1."),
        (4, {"minimum": 1, "maximum": 3}, "an integer from 1 to 3, but is 4."),
        (2.0, {"minimum": 1}, "a positive integer, but is 2.0."),
        (True, {"minimum": 1}, "a positive integer, but is True."),
        ("2", {"minimum": 1}, "a positive integer, but is '2'."),
        (None, {"minimum": 1}, "a positive integer, but is None."),
    ],
)
def test_bad_integers(value, limits, rule):
    kind = ArgumentError if isinstance(value, numbers.Number) else ArgumentTypeError
    assert message(kind, check_int, "n", value, **limits) == "Argument `n` must be " + rule


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), fractions.Fraction(1, 2)])
def test_numbers(value):
    checked = check_float("x", value, minimum=0.5, maximum=1)
    assert checked == 0.5
    assert type(checked) is float
    assert check_float("x", 1, minimum=0) == 1.0


@pytest.mark.parametrize(
    ("value", "limits", "rule"),
    [
        (-1, {"minimum": 0}, "a number in [0, inf), but is -1."),
        (0, {"minimum": 0, "open_minimum": True}, "a number in (0, inf), but is 0."),
        (1, {"minimum": 0, "maximum": 1, "open_maximum": True}, "a number in [0, 1), but is 1."),
        (1.5, {"maximum": 1}, "a number in (-inf, 1], but is 1.5."),
        (np.nan, {}, "a number in (-inf, inf), but is nan."),
        (np.inf, {}, "a number in (-inf, inf), but is inf."),
        (True, {}, "a number in (-inf, inf), but is True."),
        ("1", {}, "a number in (-inf, inf), but is '1'."),
        (1j, {}, "a number in (-inf, inf), but is 1j."),
    ],
)
def test_bad_numbers(value, limits, rule):
    kind = ArgumentError if isinstance(value, numbers.Number) else ArgumentTypeError
    assert message(kind, check_float, "x", value, **limits) == "Argument `x` must be " + rule


def test_choices():
    assert check_choice("mode", "b", ("a", "b")) == "b"
    rule = "Argument `mode` must be one of 'a', 'b', but is "
    assert message(ArgumentError, check_choice, "mode", "c", ("a", "b")) == rule + "'c'."
    assert message(ArgumentError, check_choice, "mode", ["a"], ("a", "b")) == rule + "['a']."


def test_types_and_shapes():
    assert check_type("x", 3, (int, str), "a number") == 3
    text = message(ArgumentTypeError, check_type, "x", 3.0, (int, str), "a number or a word")
    assert text == "Argument `x` must be a number or a word, but is of type float."
    check_shape("x", (2, 3), "(2, 3)", True)
    text = message(ArgumentError, check_shape, "x", torch.Size([2]), "(..., 3)", False)
    assert text == "Argument `x` must have shape (..., 3), but has shape (2,)."


def test_paths():
    assert check_path("folder", "runs") == check_path("folder", Path("runs")) == Path("runs")
    for bad, kind in ((3, "int"), (None, "NoneType"), (b"runs", "bytes")):
        assert message(ArgumentTypeError, check_path, "folder", bad) == (
            f"Argument `folder` must be a path, but is of type {kind}."
        )


@pytest.mark.parametrize("kind", [ArgumentError, ArgumentTypeError, DatasetError])
def test_errors_name_the_caller_s_arguments(kind):
    with pytest.raises(kind) as caught, renamed_arguments({"rate": "outer_rate", "x": "y"}):
        raise kind("Argument `rate[1]` must be above `x` and `rates`, but is 'rate'.")
    assert str(caught.value) == "Argument `outer_rate[1]` must be above `y` and `rates`, but is 'rate'."
    error = kind("Argument `other` must be 3.")
    with pytest.raises(kind) as caught, renamed_arguments({"rate": "outer_rate"}):
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    "value", [[[1, 2]], np.array([[1, 2]], np.int8), torch.tensor([[1.0, 2.0]], requires_grad=True), ((1, 2.0),)]
)
def test_arrays(value):
    array = check_array("x", value)
    assert array.dtype == np.float64
    assert array.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("value", "kind", "rule"),
    [
        ("a", ArgumentTypeError, "real numbers, but is 'a'."),
        ([1j], ArgumentTypeError, "real numbers, but is [1j]."),
        ([[1], [2, 3]], ArgumentTypeError, "real numbers, but is [[1], [2, 3]]."),
        (None, ArgumentError, "finite numbers, but holds NaN or infinity."),
        ([1, np.nan], ArgumentError, "finite numbers, but holds NaN or infinity."),
        (torch.tensor([np.inf]), ArgumentError, "finite numbers, but holds NaN or infinity."),
    ],
)
def test_bad_arrays(value, kind, rule):
    assert message(kind, check_array, "x", value) == "Argument `x` must hold " + rule


def test_the_errors_are_the_built_in_ones_too():
    assert issubclass(ArgumentError, ValueError)
    assert issubclass(ArgumentTypeError, TypeError)


def test_seeds():
    assert resolve_seed(5) == 5
    assert resolve_seed(SEED_MAXIMUM) == SEED_MAXIMUM
    assert resolve_seed(None) != resolve_seed(None)
    rule = f"Argument `seed` must be an integer from 0 to {SEED_MAXIMUM}, but is "
    for bad in (-1, SEED_MAXIMUM + 1, 1.0, "1"):
        assert message(ArgumentTypeError if bad == "1" else ArgumentError, resolve_seed, bad) == f"{rule}{bad!r}."


def test_streams_are_reproducible_and_apart():
    def draw(*arguments):
        return torch.rand(4, generator=torch_generator(*arguments)).tolist()

    draws = [draw(1), draw(1, 0), draw(1, 1), draw(1, 0, 0), draw(1, 0, 1), draw(2), draw(2, 0)]
    assert len({tuple(numbers) for numbers in draws}) == len(draws)
    assert draw(1, 0, 1) == draws[4]
    assert draw(None) != draw(None)


def test_streams_leave_the_global_generators_alone():
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    torch_generator(None, 1)
    assert torch.equal(torch.get_rng_state(), state)
    assert (np.random.get_state()[1] == numpy_state).all()  # noqa: NPY002


@pytest.mark.parametrize(("values", "found"), [((3, 1), [3, 1]), (range(2), [0, 1]), (["a"], ["a"])])
def test_distinct_values_come_back_as_a_list(values, found):
    assert check_distinct("seeds", values) == found


@pytest.mark.parametrize("values", [[], [1, 1], "ab"])
def test_repeated_or_missing_values_are_refused(values):
    with pytest.raises(ArgumentError, match="Argument `seeds` must hold distinct values, at least one, but is"):
        check_distinct("seeds", values)


@pytest.mark.parametrize("model", [StyleQGAN, HybridGAN, QuantumDiffusion])
@pytest.mark.parametrize(("shape", "right"), [((28, 28, 1), "(1, 28, 28)"), ((32, 24, 3), "(3, 32, 24)")])
def test_channels_come_first(model, shape, right):
    with pytest.raises(ArgumentError, match=re.escape(f"channels come first, but is {shape}: write {right}.")):
        model(image_shape=shape)


def test_masked_numbers_are_refused_and_a_tilde_is_the_home(monkeypatch, tmp_path):
    with pytest.raises(ArgumentError, match="`x` must hold a number everywhere, but some are masked"):
        check_array("x", np.ma.masked_less([1.0, 2.0], 1.5))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert check_path("folder", "~/runs") == check_folder("folder", Path("~/runs")) == tmp_path / "runs"
    assert check_path("folder", "~no-such-user/runs") == Path("~no-such-user/runs")


def test_free_memory_is_what_the_system_tells():
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < free_memory() <= whole
    code = (
        "import resource as r; r.setrlimit(r.RLIMIT_AS, (2**33, 2**33)); from qiskit_qgen._checks import free_memory; "
    )
    found = subprocess.run([sys.executable, "-c", f"{code}print(free_memory())"], capture_output=True, check=True)
    assert 2**31 < float(found.stdout) < 2**33
