"""The tables mean what their columns say: read one record at a time, they give Qiskit's states and values."""

import numpy as np
import pytest
from parity import random_circuit, random_observables
from qiskit.quantum_info import Statevector

from qiskit_qgen.simulator import lower
from qiskit_qgen.simulator.cpu.block_tables import DIAGONAL, ROTATION, build_blocks, build_readout

NAMES = ("h", "rx", "ry", "rz", "rzz", "rxx", "cx", "swap", "cp", "cry", "crz", "ccx")


def bit(bits, number):
    return int(bits) >> number & 1


def cosets_of(tables, block):
    """Give the rows of each coset of a block, and the parities of the signs on its base."""
    offsets = tables.offsets[block["first_offset"] :][: 1 << block["num_qubits"]]
    for coset in range(block["first_coset"], block["last_coset"]):
        yield tables.bases[coset] ^ offsets, tables.signs[coset]


def phase(angle, odd):
    return np.exp(1j * angle / 2) if odd else np.exp(-1j * angle / 2)


def apply(tables, operation, angles, values, signs):
    """Apply an operation to the amplitudes of one coset."""
    size, first, last = len(values), operation["first"], operation["last"]
    odd = [bit(operation["bits"], j) ^ bit(signs, operation["slot"]) for j in range(size)]
    if operation["kind"] == DIAGONAL:
        for entry in tables.entries[first:last]:
            for j in range(size):
                if bit(entry["active"], j):
                    values[j] *= phase(angles[entry["rotation"]], bit(entry["bits"], j))
        return
    holds = [
        all(bit(c["bits"], j) ^ bit(signs, c["slot"]) == c["value"] for c in tables.controls[first:last])
        for j in range(size)
    ]
    angle, before = angles[operation["rotation"]], values.copy()
    for j in range(size):
        if holds[j] and operation["kind"] == ROTATION:
            turned = before[j ^ operation["flip"]] * (1 if odd[j] else -1)
            values[j] = np.cos(angle / 2) * before[j] + np.sin(angle / 2) * turned
        elif holds[j]:
            values[j] *= phase(angle, odd[j])


def states_by_row(tables, angles, num_rows):
    state = np.zeros(num_rows, complex)
    state[0] = 1
    for block in tables.blocks:
        for rows, signs in cosets_of(tables, block):
            values = state[rows]
            for operation in tables.operations[block["first"] : block["last"]]:
                apply(tables, operation, angles, values, signs)
            state[rows] = values
    return state


def values_by_row(readout, state, num_outputs):
    values = np.zeros(num_outputs)
    for block in readout.blocks:
        for rows, signs in cosets_of(readout, block):
            psi = state[rows]
            for number in range(block["first"], block["last_diagonal"]):
                term = readout.terms[number]
                for j in range(len(rows)):
                    sign = (-1) ** (bit(term["bits"], j) ^ bit(signs, term["slot"]))
                    element = np.conj(psi[j ^ term["flip"]]) * sign * 1j ** term["odd"] * psi[j]
                    values[term["output"]] += (readout.coefficients[number] * element).real
    return values


@pytest.mark.parametrize("seed", range(6))
def test_tables_read_by_record_agree_with_statevector(seed):
    rng = np.random.default_rng(seed)
    num_qubits = 2 + seed
    circuit = random_circuit(rng, num_qubits, 40, names=NAMES)
    observables = random_observables(rng, num_qubits)
    angles = rng.uniform(-3, 3, circuit.num_parameters)
    program = lower(circuit.assign_parameters(angles))
    terms, constants = program.terms(observables)
    tables = build_blocks(program.operations, program.width)
    state = states_by_row(tables, [operation.angle.offset for operation in program.operations], 1 << program.width)
    found = values_by_row(build_readout(terms, program.width), state, len(observables)) + constants
    expected = Statevector(circuit.assign_parameters(angles))
    np.testing.assert_allclose(found, [expected.expectation_value(each).real for each in observables], atol=1e-12)


def test_rotations_are_numbered_from_the_first():
    program = lower(random_circuit(np.random.default_rng(1), 4, 12, names=NAMES))
    plain, moved = (build_blocks(program.operations, program.width, first) for first in (0, 7))
    for name in ("operations", "entries"):
        before, after = getattr(plain, name)["rotation"], getattr(moved, name)["rotation"]
        assert (after == np.where(before < 0, -1, before + 7)).all()
