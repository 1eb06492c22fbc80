"""Amplitudes move from the addresses of one basis to those of another: each says which row of the program it is."""

import numpy as np
import pytest

from qiskit_qgen.simulator.addresses.bases import Basis
from qiskit_qgen.simulator.addresses.swizzle import swizzled
from qiskit_qgen.simulator.cpu import moves
from qiskit_qgen.simulator.cpu.plans import Move

WIDTH = 8


def state_of_row_numbers(basis, parts, samples, dtype):
    """Return a state, (rows, 2, lanes), that holds at each address the row's number, samples apart by 1000."""
    rows = (1 << WIDTH) // parts
    state = np.empty((rows, 2, parts, samples), dtype)
    for address in range(1 << WIDTH):
        number = 0
        for bit, column in enumerate(basis.columns):
            number ^= column * (address >> bit & 1)
        place = int(swizzled(np.array(address % rows), WIDTH - (parts.bit_length() - 1)))
        state[place, 0, address // rows] = number + 1000 * np.arange(samples)
        state[place, 1, address // rows] = -(number + 1000 * np.arange(samples))
    return state.reshape(rows, 2, parts * samples)


@pytest.mark.parametrize(("dtype", "lanes"), [(np.float32, 16), (np.float64, 8)])
@pytest.mark.parametrize("parts", [2, 4, 8, 16])
@pytest.mark.parametrize("num_workers", [1, 3])
def test_each_amplitude_arrives(dtype, lanes, parts, num_workers):
    if parts > lanes:
        pytest.skip("a row of float64 has eight lanes")
    generator = np.random.default_rng(parts)
    source, target = (Basis([int(each) for each in generator.integers(1, 1 << WIDTH, 5)], WIDTH) for _ in range(2))
    move = Move.to(target, source, WIDTH - (parts.bit_length() - 1))
    before = state_of_row_numbers(source, parts, lanes // parts, np.dtype(dtype))
    after = np.full_like(before, np.nan)
    for worker in range(num_workers):
        moves.run(move, worker, num_workers, before, after)
    np.testing.assert_array_equal(after, state_of_row_numbers(target, parts, lanes // parts, np.dtype(dtype)))


def test_rows_of_a_group_come_from_as_many_rows():
    """So that each line of the cache is read once."""
    source, target = Basis([0b11110000, 0b10101010], WIDTH), Basis([0b1, 0b11, 0b1110110], WIDTH)
    move = Move.to(target, source, WIDTH - 3)
    mask = (1 << WIDTH - 3) - 1
    assert len(move.bases) * len(move.offsets) == 1 << WIDTH - 3
    for base in move.base_images:
        images = base ^ move.offset_images[:, None] ^ move.part_images[None, :]
        assert len(set((images & mask).reshape(-1).tolist())) == len(move.offsets)
