"""Passes hold rotations that can be done together, and each cosine that they lack is in one diagonal."""

import numpy as np
import pytest
from parity import random_circuit
from qiskit import QuantumCircuit
from qiskit.circuit.library import real_amplitudes

from qiskit_qgen.circuits import style_ansatz
from qiskit_qgen.simulator import lower
from qiskit_qgen.simulator.cpu.blocks import MAX_BLOCK_QUBITS
from qiskit_qgen.simulator.cpu.steps import MOST_SCALED, build_steps

NAMES = ("h", "rx", "ry", "rz", "rzz", "rxx", "cx", "swap", "cp", "cry", "crz", "ccx")


def blocks_of(circuit, *, tangents=True):
    program = lower(circuit)
    return program.operations, build_steps(program.operations, program.width, tangents=tangents)


@pytest.fixture(params=[*range(12), "controlled"])
def circuit(request):
    if request.param == "controlled":  # rotations with and without controls that cannot change places
        circuit = QuantumCircuit(2)
        circuit.ry(0.1, 0)
        circuit.rz(0.2, 0)
        circuit.cry(0.3, 1, 0)
        circuit.ry(0.4, 1)
        return circuit
    rng = np.random.default_rng(request.param)
    return random_circuit(rng, 2 + request.param % 8, 60, names=NAMES)


def test_all_operations_act_once_and_overtake_only_what_they_commute_with(circuit):
    operations, blocks = blocks_of(circuit)
    order = []
    for _, steps in blocks:
        for step in steps:
            order += step.rotations if step.single is None else [step.single]
            order += step.diagonal.phases if step.diagonal else []
    assert sorted(order) == list(range(len(operations)))
    for place, number in enumerate(order):
        for later in order[place + 1 :]:
            assert later > number or operations[later].commutes_with(operations[number])


def test_the_sign_of_a_rotation_reads_no_flip_of_its_pass(circuit):
    operations, blocks = blocks_of(circuit)
    for cosets, steps in blocks:
        assert len(cosets.basis) <= MAX_BLOCK_QUBITS
        for step in steps:
            for i in step.rotations:
                reads = [(operations[i].sign & operations[j].flip).bit_count() % 2 for j in step.rotations]
                assert reads == [i == j for j in step.rotations]
                assert operations[i].flip
                assert not operations[i].controls


def test_each_cosine_is_multiplied_in_once_and_soon(circuit):
    """Between a rotation and the diagonal with its cosine there are other rotations of passes alone."""
    for _, steps in blocks_of(circuit)[1]:
        waiting = []  # of rotations whose cosines lack
        surplus = []  # of rotations whose cosines came too early
        for step in steps:
            if step.single is not None:
                assert not waiting
                assert not surplus
            for rotation in step.rotations:
                if surplus:
                    assert surplus.pop(0) == rotation
                else:
                    waiting.append(rotation)
            if step.diagonal:
                assert not surplus
                assert step.diagonal.before == waiting
                assert len(step.diagonal.before) + len(step.diagonal.after) <= MOST_SCALED
                waiting, surplus = [], list(step.diagonal.after)
        assert not waiting
        assert not surplus


def test_a_layer_is_two_passes_of_three_with_one_diagonal():
    _, blocks = blocks_of(style_ansatz(12, 8).circuit)
    shapes = [[(len(step.rotations), step.diagonal is not None) for step in steps] for _, steps in blocks]
    assert shapes == 18 * [[(3, False), (3, True)]]


def test_without_tangents_each_rotation_is_alone():
    _, blocks = blocks_of(real_amplitudes(5, reps=3), tangents=False)
    assert all(step.single is not None for _, steps in blocks for step in steps)
