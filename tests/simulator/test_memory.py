"""Memory of states is used again, but never while anyone holds it."""

import numpy as np
import pytest

from qiskit_qgen.simulator.cpu import memory

FLOAT = np.dtype(np.float32)
SHAPE = (memory._SMALLEST // 4, 2)


def place(array):
    return array.__array_interface__["data"][0]


@pytest.fixture(autouse=True)
def _free(monkeypatch):
    monkeypatch.setattr(memory, "_FREE", [])


@pytest.mark.parametrize("shape", [(3,), (5, 2, 16), SHAPE])
@pytest.mark.parametrize("dtype", [FLOAT, np.dtype(np.float64)])
def test_arrays_start_at_a_cache_line(shape, dtype):
    array = memory.empty(shape, dtype)
    assert (array.shape, array.dtype) == (shape, dtype)
    assert place(array) % 64 == 0
    array[...] = 1
    assert array.sum() == array.size


def test_memory_is_used_again():
    first = memory.empty(SHAPE, FLOAT)
    where = place(first)
    del first
    assert place(memory.empty(SHAPE, FLOAT)) == where


@pytest.mark.parametrize("view", [lambda array: array[5:], lambda array: array.reshape(-1).view(np.int32).T])
def test_memory_is_not_used_again_while_there_is_a_view_of_it(view):
    kept = view(memory.empty(SHAPE, FLOAT))
    kept[...] = 7
    others = [memory.empty(SHAPE, FLOAT) for _ in range(3)]
    for other in others:
        other[...] = 8
    assert (kept == 7).all()
    assert len({place(other) for other in others}) == 3


def test_other_sizes_and_small_arrays_are_not_kept():
    memory.empty(SHAPE, FLOAT)
    memory.empty((3,), FLOAT)
    assert len(memory._FREE) == 1
    assert memory.empty((*SHAPE, 2), FLOAT).shape == (*SHAPE, 2)
    assert [piece.size for piece in memory._FREE] == [
        FLOAT.itemsize * 2 * SHAPE[0] + 64,
        2 * FLOAT.itemsize * 2 * SHAPE[0] + 64,
    ]


def test_what_is_kept_is_bounded_and_what_waited_longest_goes_first(monkeypatch):
    arrays = [memory.empty((SHAPE[0] + number, 2), FLOAT) for number in range(4)]
    sizes = [array.nbytes + 64 for array in arrays]
    monkeypatch.setattr(memory, "_KEPT_BYTES", sizes[2] + sizes[3])
    while arrays:
        del arrays[0]
    assert [piece.size for piece in memory._FREE] == sizes[2:]


def test_nobody_waits_for_the_list():
    """The garbage collector may return a piece while the same thread, or one that a fork has left behind, takes one."""
    array = memory.empty(SHAPE, FLOAT)
    with memory._LOCK:
        del array
        assert memory.empty(SHAPE, FLOAT).shape == SHAPE
    assert memory._FREE == []
