"""MATLAB files as scipy writes them, both byte orders, and files that lie."""

import struct
import tracemalloc
import zlib

import numpy as np
import pytest
import scipy.io

from qiskit_qgen.datasets.matlab import read_variables
from qiskit_qgen.exceptions import DatasetError

CONTENT = {
    "x": np.random.default_rng(0).integers(0, 256, (3, 5, 2, 7), np.uint8),
    "y": np.random.default_rng(1).normal(size=(4, 7)),
    "a_name_of_more_than_eight_letters": np.arange(12, dtype=np.int16).reshape(3, 4),
    "text": "words",
    "cells": np.array([["1000", "barren land"]], dtype=object),
    "imaginary": np.array([[1j, 2.0]]),
    "z": np.float32([[1, 2, 3]]),
}


@pytest.fixture(params=[False, True], ids=["plain", "compressed"])
def path(tmp_path, request):
    path = tmp_path / "content.mat"
    scipy.io.savemat(path, CONTENT, do_compression=request.param)
    return path


def whole(variable):
    return np.concatenate(list(variable.blocks())).T


def test_arrays_are_those_that_scipy_wrote(path):
    variables = read_variables(path)
    assert set(variables) == set(CONTENT)
    for name in ("x", "y", "a_name_of_more_than_eight_letters", "z"):
        found = whole(variables[name])
        assert variables[name].shape == CONTENT[name].shape
        assert found.dtype == CONTENT[name].dtype
        np.testing.assert_array_equal(found, CONTENT[name])
    np.testing.assert_array_equal(scipy.io.loadmat(path)["x"], whole(variables["x"]))


@pytest.mark.parametrize("name", ["text", "cells", "imaginary"])
def test_what_holds_no_real_numbers_is_refused_when_it_is_read(path, name):
    variable = read_variables(path)[name]
    assert variable.dtype is None
    with pytest.raises(DatasetError, match=f"the variable `{name}` must be an array of real numbers"):
        list(variable.blocks())


def element(kind, content, order):
    return struct.pack(f"{order}2I", kind, len(content)) + content + bytes(-len(content) % 8)


def hand_written(
    order="<", *, compressed=False, version=0x0100, shape=(2, 3), values=bytes(range(6)), stored=2, tag=14
):
    """A file with one variable `x`, class double, whose values are stored as bytes as MATLAB itself does."""
    array = element(6, struct.pack(f"{order}2I", 6, 0), order)
    array += element(5, struct.pack(f"{order}{len(shape)}i", *shape), order)
    array += struct.pack(f"{order}I", 1 | 1 << 16) + b"x\0\0\0"  # a part within its own tag
    array += element(stored, values, order)
    content = element(tag, array, order)
    if compressed:
        packed = zlib.compress(content)
        content = struct.pack(f"{order}2I", 15, len(packed)) + packed
    header = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(f"{order}H", version)
    return header + (b"IM" if order == "<" else b"MI") + content


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_and_small_parts_are_read(tmp_path, order, compressed):
    path = tmp_path / "x.mat"
    path.write_bytes(hand_written(order, compressed=compressed))
    assert scipy.io.loadmat(path)["x"].tolist() == [[0, 2, 4], [1, 3, 5]]
    assert whole(read_variables(path)["x"]).tolist() == [[0, 2, 4], [1, 3, 5]]


HOSTILE = {
    "empty": (b"", "its header is another"),
    "text": (b"PK" * 200, "its header is another"),
    "version": (hand_written(version=0x0200), "its header is another"),
    "hdf5": (b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF", "of MATLAB's version 7.3, which is HDF5"),
    "header only": (hand_written()[:131], "damaged or is not a MATLAB file of version 5: it ends within"),
    "truncated": (hand_written()[:-9], "is truncated: it ends within a variable"),
    "truncated stream": (hand_written(compressed=True)[:-9], "is truncated: it ends within a variable"),
    "negative size": (hand_written(shape=(-2, -3)), r"has the shape \(-2, -3\)"),
    "wrong size": (hand_written(shape=(2, 4)), r"has the shape \(2, 4\) but 6 bytes"),
    "one index": (hand_written(shape=(6,)), r"has the shape \(6,\)"),
    "values of no type": (hand_written(stored=99), "values of type 99"),
    "no array": (hand_written(tag=5), "an element is of type 5"),
    "too many sizes": (hand_written(shape=(1,) * 40), "a part of its head has 160 bytes"),
}


@pytest.mark.parametrize(("content", "message"), HOSTILE.values(), ids=HOSTILE)
def test_files_that_lie_are_refused_with_one_sentence(tmp_path, content, message):
    path = tmp_path / "x.mat"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=message) as caught:
        list(read_variables(path)["x"].blocks())
    assert "\n" not in str(caught.value)


def test_a_damaged_stream_is_noticed(tmp_path):
    content = bytearray(hand_written(compressed=True))
    content[-2] ^= 1  # within zlib's checksum
    path = tmp_path / "x.mat"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"damaged or is not a MATLAB file of version 5: .*incorrect data check"):
        list(read_variables(path)["x"].blocks())


def test_a_stream_that_declares_more_than_it_can_hold_is_refused(tmp_path):
    head = hand_written(shape=(2**15, 2**15), values=b"")[128:]
    head = head.replace(struct.pack("<2I", 2, 0), struct.pack("<2I", 2, 2**30))
    packed = zlib.compress(head)
    path = tmp_path / "x.mat"
    path.write_bytes(hand_written()[:128] + struct.pack("<2I", 15, len(packed)) + packed)
    with pytest.raises(DatasetError, match=r"declares `x` of shape \(32768, 32768\), but is too small to hold it"):
        read_variables(path)


def test_memory_stays_bounded_whatever_the_size(path, tmp_path):
    large = tmp_path / "large.mat"
    compressed = scipy.io.whosmat(path) and path.read_bytes()[128] == 15
    values = np.zeros((28, 28, 4, 12_000), np.uint8)
    values[0, 0, 0] = np.arange(12_000) % 251
    scipy.io.savemat(large, {"x": values}, do_compression=compressed)
    tracemalloc.start()
    try:
        total = sum(int(block[:, 0, 0, 0].sum()) for block in read_variables(large)["x"].blocks())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == int(values[0, 0, 0].sum())
    assert values.nbytes > 35e6
    assert peak < 6e6
