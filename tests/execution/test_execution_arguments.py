"""What all executions refuse, in the same words."""

import numpy as np
import pytest
import torch
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.circuit.library import real_amplitudes
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning.primitives import QMLSampler

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, UnsupportedCircuitError
from qiskit_qgen.execution import AbstractExecution, AerExecution, LocalExecution, RuntimeExecution

CIRCUIT = real_amplitudes(2, reps=1)
ZZ = SparsePauliOp("ZZ")


class TwoPrimitives(AbstractExecution):
    def estimator(self):
        return StatevectorEstimator()

    def sampler(self):
        return QMLSampler()


class OwnFunctions(TwoPrimitives):
    def _expectation(self, circuit, observables):  # noqa: ARG002
        return lambda parameters: torch.zeros(len(parameters), len(observables))

    def _probabilities(self, circuit, qubits):  # noqa: ARG002
        return lambda parameters: torch.zeros(len(parameters), 2 ** len(qubits))


EXECUTIONS = {
    "local": LocalExecution,
    "shots": lambda: LocalExecution(shots=10),
    "aer": AerExecution,
    "runtime": lambda: RuntimeExecution("fake_manila", shots=10, mode="job"),
    "primitives": TwoPrimitives,
    "own": OwnFunctions,
}


@pytest.fixture(params=EXECUTIONS)
def execution(request, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return EXECUTIONS[request.param]()


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        (torch.zeros(2, 8), ArgumentError, "must have shape (B, 4), but has shape (2, 8)."),
        (torch.zeros(2, 3), ArgumentError, "must have shape (B, 4), but has shape (2, 3)."),
        (torch.zeros(4), ArgumentError, "must have shape (B, 4), but has shape (4,)."),
        (torch.zeros(1, 2, 4), ArgumentError, "must have shape (B, 4), but has shape (1, 2, 4)."),
        (
            torch.zeros(2, 4, dtype=torch.int64),
            ArgumentError,
            "must hold floating-point numbers, but is of dtype torch.int64.",
        ),
        (
            np.zeros((2, 4)),
            ArgumentTypeError,
            "must be a floating-point tensor of shape (B, 4), but is of type ndarray.",
        ),
    ],
)
def test_parameters_of_another_shape_or_type(execution, parameters, error, message):
    for function in (execution.expectation(CIRCUIT, [ZZ]), execution.probabilities(CIRCUIT, [0])):
        with pytest.raises(error) as caught:
            function(parameters)
        assert str(caught.value) == f"Argument `parameters` {message}"


@pytest.mark.parametrize(
    ("qubits", "error", "message"),
    [
        ([2], ArgumentError, "must be an integer from 0 to 1, but is 2."),
        ([0, -1], ArgumentError, "must be an integer from 0 to 1, but is -1."),
        ([0.0], ArgumentError, "must be an integer from 0 to 1, but is 0.0."),
        ([1, 1], ArgumentError, "must name different qubits, at least one, but is [1, 1]."),
        ([], ArgumentError, "must name different qubits, at least one, but is []."),
        (1, ArgumentTypeError, "must be a sequence of whole numbers, but is of type int."),
    ],
)
def test_qubits_that_the_circuit_does_not_have(execution, qubits, error, message):
    with pytest.raises(error) as caught:
        execution.probabilities(CIRCUIT, qubits)
    assert str(caught.value) == f"Argument `qubits` {message}"


@pytest.mark.parametrize(
    ("observables", "error", "message"),
    [
        ([ZZ, SparsePauliOp("Z")], ArgumentError, "must act on the circuit's 2 qubits, but observable 1 acts on 1."),
        (
            [SparsePauliOp("ZZ", 1j)],
            ArgumentError,
            "must have real coefficients, but observable 0 has the coefficient 1j.",
        ),
        (
            [SparsePauliOp("ZZ", np.nan)],
            ArgumentError,
            "must have finite coefficients, but observable 0 has NaN or infinity.",
        ),
        (
            [SparsePauliOp("ZZ", np.array([Parameter("a")]))],
            ArgumentError,
            "must have numbers as coefficients, but observable 0 has free parameters: bind them.",
        ),
        ([], ArgumentError, "must hold at least one operator, but is empty."),
        (["ZZ"], ArgumentTypeError, "must be a sequence of SparsePauliOp, but is of type str."),
        (3, ArgumentTypeError, "must be a sequence of SparsePauliOp, but is of type int."),
        (ZZ, ArgumentTypeError, "must be a sequence of SparsePauliOp, but is one of them alone: put it in a list."),
    ],
)
def test_observables_that_cannot_be_read(execution, observables, error, message):
    with pytest.raises(error) as caught:
        execution.expectation(CIRCUIT, observables)
    assert str(caught.value) == f"Argument `observables` {message}"


def test_circuits_that_cannot_be_read(execution):
    with pytest.raises(ArgumentTypeError, match=r"^Argument `circuit` must be a QuantumCircuit, but is of type str.$"):
        execution.expectation("circuit", [ZZ])
    with pytest.raises(ArgumentTypeError, match=r"^Argument `circuit` must be a QuantumCircuit, but is of type str.$"):
        execution.probabilities("circuit", [0])
    measured = CIRCUIT.copy()
    measured.add_bits(QuantumCircuit(1, 1).clbits)
    measured.measure(1, 0)
    for ask in (lambda: execution.expectation(measured, [ZZ]), lambda: execution.probabilities(measured, [0])):
        with pytest.raises(UnsupportedCircuitError) as caught:
            ask()
        assert str(caught.value) == (
            "An execution reads out a circuit without `measure`, but this one measures qubit 1: remove final "
            "measurements with `circuit.remove_final_measurements(inplace=False)`."
        )


def test_what_can_be_read_comes_through(execution):
    qubits = tuple(np.arange(2))
    rows = torch.zeros(3, 4, requires_grad=True)
    assert execution.expectation(CIRCUIT, (each for each in (ZZ, ZZ)))(rows).shape == (3, 2)
    assert execution.probabilities(CIRCUIT, qubits)(rows).shape == (3, 4)
