"""What QML's sampler gradients answer, asked of ours and of QML's own."""

import numpy as np
import pytest
import torch
from qiskit.circuit import ClassicalRegister, Parameter, QuantumCircuit, QuantumRegister
from qiskit.circuit.library import efficient_su2
from qiskit.quantum_info import Statevector
from qiskit_machine_learning.algorithm_job import AlgorithmJob
from qiskit_machine_learning.gradients import (
    BaseSamplerGradient,
    LinCombSamplerGradient,
    ParamShiftSamplerGradient,
    SamplerGradientResult,
)
from qiskit_machine_learning.primitives import QMLSampler

from qiskit_qgen.gradients import ReverseSamplerGradient, jacobian

A, B, C = (Parameter(name) for name in "abc")


def nested():
    """Three qubits; parameters that repeat, in sums, products and functions, in controlled rotations too."""
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.ry(A + 2 * B, 0)
    circuit.cry(A * B, 0, 1)
    circuit.rz(A, 1)
    circuit.rxx(C.sin(), 0, 2)
    circuit.crx(C, 1, 2)
    return circuit


def measured(circuit, bits, register="meas"):
    """With qubit bits[i] in bit i of the register."""
    found = QuantumCircuit(QuantumRegister(circuit.num_qubits), ClassicalRegister(len(bits), register))
    found.compose(circuit, inplace=True)
    found.measure(bits, range(len(bits)))
    return found


NESTED, PLAIN = measured(nested(), [0, 1, 2]), measured(efficient_su2(2, reps=1), [0, 1])
UNITARY = {id(NESTED): nested(), id(PLAIN): efficient_su2(2, reps=1)}
ROWS = {
    id(circuit): np.random.default_rng(5).uniform(-3, 3, (3, circuit.num_parameters)) for circuit in (NESTED, PLAIN)
}


def slopes(unitary, bits, row, column):
    """Central differences of the probabilities, (2**len(bits),)."""
    step = 1e-5 * np.eye(len(row))[column]
    sides = [Statevector(unitary.assign_parameters(row + sign * step)).probabilities(bits) for sign in (1, -1)]
    return (sides[0] - sides[1]) / 2e-5


class SamplerGradientTester:
    """Raises AssertionError where a gradient breaks the contract.

    Args:
        make: Called without arguments for a gradient.
    """

    def __init__(self, make):
        self.make = make

    def check(self, circuits, rows, parameters=None, *, bits=None, unitaries=None):
        result = self.make().run(circuits, rows, parameters).result()
        assert isinstance(result, SamplerGradientResult)
        assert len(result.gradients) == len(circuits) == len(result.metadata)
        for number, (circuit, row) in enumerate(zip(circuits, rows, strict=True)):
            unitary = UNITARY[id(circuit)] if unitaries is None else unitaries[number]
            qubits = bits or list(range(circuit.num_qubits))
            columns = list(circuit.parameters)
            chosen = None if parameters is None else parameters[number]
            chosen = columns if chosen is None else list(chosen)
            assert len(result.gradients[number]) == len(chosen)
            assert list(result.metadata[number][0]["parameters"]) == chosen
            for found, parameter in zip(result.gradients[number], chosen, strict=True):
                expected = slopes(unitary, qubits, np.array(row), columns.index(parameter))
                assert all(isinstance(key, int) and 0 <= key < len(expected) for key in found)
                dense = [found.get(outcome, 0.0) for outcome in range(len(expected))]
                np.testing.assert_allclose(dense, expected, rtol=0, atol=1e-7)

    def check_a_networks_call(self):
        for circuit in (NESTED, PLAIN):
            self.check([circuit] * 3, ROWS[id(circuit)])

    def check_several_circuits(self):
        circuits = [NESTED, PLAIN, NESTED]
        self.check(circuits, [ROWS[id(circuit)][number] for number, circuit in enumerate(circuits)])

    def check_chosen_parameters(self):
        rows = ROWS[id(NESTED)]
        self.check([NESTED] * 3, rows, [[B], [C, A], None])
        self.check([NESTED] * 2, rows[:2], [list(NESTED.parameters)[1:]] * 2)

    def check_one_circuit_alone(self):
        found = self.make().run(NESTED, [[0.1, 0.2, 0.3]]).result().gradients[0]
        expected = slopes(nested(), [0, 1, 2], np.array([0.1, 0.2, 0.3]), 0)
        np.testing.assert_allclose([found[0].get(outcome, 0) for outcome in range(8)], expected, atol=1e-7)

    def check_jobs(self):
        gradient = self.make()
        assert isinstance(gradient, BaseSamplerGradient)
        job = gradient.run([NESTED], [[0.1, 0.2, 0.3]])
        assert isinstance(job, AlgorithmJob)
        job.result()
        assert job.done()

    def check_errors(self):
        row = [0.1, 0.2, 0.3]
        for arguments in (
            ([NESTED], [row[:2]]),
            ([NESTED] * 2, [row, row[:2]]),
            ([NESTED], [row, row]),
            ([NESTED], [row], [[Parameter("d")]]),
            ([NESTED] * 2, [row, row], [[A]]),
            ([measured(QuantumCircuit(2), [0])], [[]]),
        ):
            try:
                self.make().run(*arguments)
            except ValueError:
                continue
            raise AssertionError(f"accepted {arguments}")

    def check_partial_measurements(self):
        """Some qubits, in another order, in a register of the other name that QML reads."""
        for bits, name in (([2, 0], "meas"), ([1], "c"), ([2, 1, 0], "c")):
            circuit = measured(nested(), bits, name)
            self.check([circuit] * 2, ROWS[id(NESTED)][:2], bits=bits, unitaries=[nested()] * 2)

    def check_several_registers(self):
        """Joined, the first in the lowest bits."""
        circuit = QuantumCircuit(QuantumRegister(3), ClassicalRegister(1, "low"), ClassicalRegister(2, "high"))
        circuit.compose(nested(), inplace=True)
        circuit.measure([2, 0, 1], [0, 1, 2])
        self.check([circuit] * 2, ROWS[id(NESTED)][:2], bits=[2, 0, 1], unitaries=[nested()] * 2)


CHECKS = [name for name in dir(SamplerGradientTester) if name.startswith("check_")]


def ours():
    return ReverseSamplerGradient(dtype=torch.float64)


def shift():
    return ParamShiftSamplerGradient(QMLSampler())


def combination():
    return LinCombSamplerGradient(QMLSampler())


# QML's gradients do not know these: parameter shift reads a register ``meas`` or ``c`` alone, the linear combination
# takes as many measured bits as qubits for granted.
UNKNOWN = {(shift, "check_several_registers"), (combination, "check_partial_measurements")}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("make", [ours, shift, combination])
def test_it_keeps_the_contract(make, check):
    if (make, check) in UNKNOWN:
        with pytest.raises(Exception):  # noqa: B017
            getattr(SamplerGradientTester(make), check)()
    else:
        getattr(SamplerGradientTester(make), check)()


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("cost", [0, 10**6])
def test_both_ways_keep_the_contract(monkeypatch, check, cost):
    """With a free backward pass adjoint differentiation is chosen always, with a dear one shifts."""
    monkeypatch.setattr(jacobian, "_BACKWARD_COST", cost)
    getattr(SamplerGradientTester(ours), check)()


class Altered(ReverseSamplerGradient):
    def __init__(self):
        super().__init__(dtype=torch.float64)

    def _run(self, circuits, parameter_values, parameters, **options):
        result = super()._run(circuits, parameter_values, parameters, **options)
        gradients = [[self.alter(each) for each in row] for row in result.gradients]
        return SamplerGradientResult(gradients=gradients, metadata=result.metadata, options=result.options)


class Reversed(Altered):
    """Big-endian outcomes of three bits."""

    def alter(self, distribution):
        return {int(f"{outcome:03b}"[::-1], 2): value for outcome, value in distribution.items()}


class Positive(Altered):
    """Keeps probabilities that grow alone."""

    def alter(self, distribution):
        return {outcome: value for outcome, value in distribution.items() if value > 0}


class OneRow(ReverseSamplerGradient):
    def __init__(self):
        super().__init__(dtype=torch.float64)

    def _run(self, circuits, parameter_values, parameters, **options):
        rows = [parameter_values[0]] * len(circuits) if len({*map(id, circuits)}) == 1 else parameter_values
        return super()._run(circuits, rows, parameters, **options)


@pytest.mark.parametrize(
    ("wrong", "check"),
    [
        (Reversed, "check_a_networks_call"),
        (Reversed, "check_several_registers"),
        (Positive, "check_one_circuit_alone"),
        (OneRow, "check_a_networks_call"),
        (OneRow, "check_partial_measurements"),
    ],
)
def test_the_tester_rejects_wrong_gradients(wrong, check):
    with pytest.raises(AssertionError):
        getattr(SamplerGradientTester(wrong), check)()
