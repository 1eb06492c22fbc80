"""The tables mean what their columns say: read one record at a time, they give Qiskit's states and values."""

import numpy as np
import pytest
from parity import random_circuit, random_observables
from qiskit.quantum_info import Statevector

from qiskit_qgen.simulator import lower
from qiskit_qgen.simulator.addresses.swizzle import swizzled
from qiskit_qgen.simulator.cpu.block_tables import PASS, ROTATION, build_blocks
from qiskit_qgen.simulator.cpu.readout_tables import build_finish, build_readout
from qiskit_qgen.simulator.programs.folding import Word

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


def diagonal_of(tables, diagonal, angles, size):
    """The product of a diagonal's phases; its cosines make tangents rotations, so that they are left out here."""
    values = np.ones(size, complex)
    num_bits = size.bit_length() - 1
    for number, rotation in enumerate(tables.units[diagonal["units"] :][:num_bits]):
        for j in range(size):
            values[j] *= phase(angles[rotation], bit(j, number)) if rotation >= 0 else 1
    for entry in tables.entries[diagonal["first"] : diagonal["last"]]:
        for j in range(size):
            if bit(entry["active"], j):
                values[j] *= phase(angles[entry["rotation"]], bit(entry["bits"], j))
    return values


def run_pass(tables, block, step, angles, values, signs):
    """Apply up to three rotations in the order's groups, and then a diagonal."""
    size, count = len(values), step["count"]
    shift = 0
    for number, (flip, slot) in enumerate([("flip", "slot"), ("flip1", "slot1"), ("flip2", "slot2")]):
        if number < count:
            shift ^= int(step[flip]) * bit(signs, step[slot])
    order = tables.order[step["order"] :][:size].reshape(-1, 1 << count) ^ shift
    for rotation in range(count):
        half = angles[step["rotation"] + rotation] / 2
        for group in order:
            for i, row in enumerate(group):
                if not bit(i, rotation):
                    other = group[i | 1 << rotation]
                    low, high = values[row], values[other]
                    values[row] = np.cos(half) * low - np.sin(half) * high
                    values[other] = np.sin(half) * low + np.cos(half) * high
    if step["diagonal"] >= 0:
        values *= diagonal_of(tables, tables.diagonals[block["first_diagonal"] + step["diagonal"]], angles, size)


def apply(tables, block, step, angles, values, signs):
    """Apply a step to the amplitudes of one coset."""
    size, first, last = len(values), step["first"], step["last"]
    if step["kind"] == PASS:
        run_pass(tables, block, step, angles, values, signs)
        return
    odd = [bit(step["bits"], j) ^ bit(signs, step["slot"]) for j in range(size)]
    holds = [
        all(bit(c["bits"], j) ^ bit(signs, c["slot"]) == c["value"] for c in tables.controls[first:last])
        for j in range(size)
    ]
    angle, before = angles[step["rotation"]], values.copy()
    for j in range(size):
        if holds[j] and step["kind"] == ROTATION:
            turned = before[j ^ step["flip"]] * (1 if odd[j] else -1)
            values[j] = np.cos(angle / 2) * before[j] + np.sin(angle / 2) * turned
        elif holds[j]:
            values[j] *= phase(angle, odd[j])


def states_by_row(tables, angles, num_rows):
    state = np.zeros(num_rows, complex)
    state[0] = 1
    for block in tables.blocks:
        for rows, signs in cosets_of(tables, block):
            values = state[rows]
            for step in tables.steps[block["first"] : block["last"]]:
                apply(tables, block, step, angles, values, signs)
            state[rows] = values
    return state


def words_by_row(readout, state, num_words):
    values = np.zeros(num_words)
    for block in readout.blocks:
        for rows, signs in cosets_of(readout, block):
            psi = state[rows]
            for each in readout.sums[block["first"] : block["last"]]:
                listed = readout.pairs[each["first"] : each["last"]]
                overlap = (psi[listed ^ each["flip"]].conj() * psi[listed]).sum()
                for part, name in ((overlap.real, "real"), (overlap.imag, "imag")):
                    if each[name] >= 0:
                        values[each[name]] += each[f"{name}_sign"] * (-1) ** bit(signs, each[f"{name}_slot"]) * part
            for each in readout.diagonals[block["first_diagonal"] : block["last_diagonal"]]:
                odd = np.array([bit(each["bits"], j) for j in range(len(rows))])
                values[each["word"]] += ((-1.0) ** odd * abs(psi) ** 2).sum()
    return values


@pytest.mark.parametrize("tangents", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_tables_read_by_record_agree_with_statevector(seed, tangents):
    rng = np.random.default_rng(seed)
    num_qubits = 2 + seed
    circuit = random_circuit(rng, num_qubits, 40, names=NAMES)
    observables = random_observables(rng, num_qubits)
    angles = rng.uniform(-3, 3, circuit.num_parameters)
    program = lower(circuit.assign_parameters(angles))
    terms, constants = program.terms(observables)
    tables, order, num_tangents = build_blocks(program.operations, program.width, tangents=tangents)
    assert bool(num_tangents) == tangents
    state = states_by_row(tables, [program.operations[number].angle.offset for number in order], 1 << program.width)
    words = list(dict.fromkeys(Word(term.flip, term.sign) for term in terms))
    values = words_by_row(build_readout([(w, n) for n, w in enumerate(words)], program.width), state, len(words))
    finish = build_finish([], {}, words, terms, np.ones((len(words), 1), np.int64))
    found = np.array(constants)
    for each, coefficient in zip(finish.outputs, finish.coefficients, strict=True):
        found[each["output"]] += coefficient * values[each["word"]]
    expected = Statevector(circuit.assign_parameters(angles))
    np.testing.assert_allclose(found, [expected.expectation_value(each).real for each in observables], atol=1e-12)


def test_rotations_are_numbered_from_the_first():
    program = lower(random_circuit(np.random.default_rng(1), 4, 12, names=NAMES))
    plain, moved = (build_blocks(program.operations, program.width, first)[0] for first in (0, 7))
    for before, after in (
        (plain.entries["rotation"], moved.entries["rotation"]),
        (plain.units, moved.units),
        (*(tables.steps["rotation"][tables.steps["count"] > 0] for tables in (plain, moved)),),
    ):
        assert (after == np.where(before < 0, -1, before + 7)).all()


@pytest.mark.parametrize("num_qubits", [1, 5, 9, 17, 24])
def test_addresses_are_a_linear_change_that_undoes_itself(num_qubits):
    rows = np.random.default_rng(num_qubits).integers(0, 1 << num_qubits, 200)
    addresses = swizzled(rows, num_qubits)
    np.testing.assert_array_equal(swizzled(addresses, num_qubits), rows)
    np.testing.assert_array_equal(swizzled(rows[1:] ^ rows[:-1], num_qubits), addresses[1:] ^ addresses[:-1])
    assert addresses.max(initial=0) < 1 << num_qubits


@pytest.mark.parametrize("first", [0, 6, 11])
def test_rows_that_are_powers_of_two_apart_lie_in_different_lines(first):
    """Eight rows that differ in three bits; of 32 rows in a row, which the first-level cache holds, each is another."""
    rows = np.array([sum(1 << first + bit for bit in range(3) if number >> bit & 1) for number in range(8)])
    assert len(set((swizzled(rows, 16) % 32).tolist())) == 8
