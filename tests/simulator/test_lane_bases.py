"""Which bits tell the lane: few flips touch them, and hardly any touches these alone."""

import itertools

import numpy as np
import pytest

from qiskit_qgen.circuits import style_ansatz
from qiskit_qgen.simulator import lower
from qiskit_qgen.simulator.addresses import lane_bases
from qiskit_qgen.simulator.addresses.lane_bases import lane_basis

NUM_QUBITS = 8
RING = [1 << bit | 1 << (bit + 1) % NUM_QUBITS for bit in range(NUM_QUBITS)]


def split(basis, flip, lane_bits):
    """Return which rows and which lanes a flip touches."""
    row_bits = len(basis.columns) - lane_bits
    address = basis.address(flip)
    return address & (1 << row_bits) - 1, address >> row_bits


@pytest.mark.parametrize("lane_bits", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(4))
def test_no_choice_of_bits_is_touched_by_less_flips(lane_bits, seed):
    flips = [int(flip) for flip in np.random.default_rng(seed).integers(1, 1 << NUM_QUBITS, 5)] + RING[:3]
    basis = lane_basis(flips, NUM_QUBITS, lane_bits)
    touching = sum(split(basis, flip, lane_bits)[1] != 0 for flip in flips)
    masks = [sum(1 << bit for bit in bits) for bits in itertools.combinations(range(NUM_QUBITS), lane_bits)]
    assert touching == min(sum(flip & mask != 0 for flip in flips) for mask in masks)


@pytest.mark.parametrize("lane_bits", [1, 3, 4])
def test_flips_of_single_bits_touch_rows_too(lane_bits):
    """As in circuits without CX: no flip would leave the lanes' bits, were these columns units."""
    flips = [1 << bit for bit in range(NUM_QUBITS)] + RING
    basis = lane_basis(flips, NUM_QUBITS, lane_bits)
    assert all(split(basis, flip, lane_bits)[0] for flip in flips)
    assert sum(split(basis, flip, lane_bits)[1] != 0 for flip in flips) >= lane_bits


def test_where_each_choice_leaves_flips_of_lanes_alone_these_are_few():
    flips = list(range(1, 1 << 5))
    basis = lane_basis(flips, 5, 2)
    assert sum(not split(basis, flip, 2)[0] for flip in flips) == 3


def test_without_lanes_addresses_are_rows():
    assert lane_basis(RING, NUM_QUBITS, 0).columns == tuple(1 << bit for bit in range(NUM_QUBITS))


def test_units_are_kept_if_no_flip_touches_lanes_alone(monkeypatch):
    monkeypatch.setattr(lane_bases, "_TRIALS", 1)
    circuit = style_ansatz(16, 4).circuit
    flips = [operation.flip for operation in lower(circuit).operations if operation.flip][16:]
    before = lane_basis(flips, 16, 4)
    monkeypatch.undo()
    after = lane_basis(flips, 16, 4)
    alone = [sum(not split(basis, flip, 4)[0] for flip in flips) for basis in (before, after)]
    assert alone[1] == 0
    assert (before.columns == after.columns) == (alone[0] == 0)
