"""What QML's estimator gradients answer, asked of ours and of QML's own."""

import numpy as np
import pytest
import torch
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.circuit.library import efficient_su2
from qiskit.quantum_info import Pauli, SparsePauliOp, Statevector
from qiskit_machine_learning.algorithm_job import AlgorithmJob
from qiskit_machine_learning.gradients import (
    BaseEstimatorGradient,
    EstimatorGradientResult,
    LinCombEstimatorGradient,
    ParamShiftEstimatorGradient,
)
from qiskit_machine_learning.primitives import QMLEstimator

from qiskit_qgen.gradients import ReverseEstimatorGradient

A, B, C = (Parameter(name) for name in "abc")


def nested():
    """Parameters that repeat, in sums, products and functions, in controlled rotations too."""
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.ry(A + 2 * B, 0)
    circuit.cry(A * B, 0, 1)
    circuit.rz(A, 1)
    circuit.rxx(C.sin(), 0, 1)
    circuit.rx(C, 1)
    return circuit


NESTED, PLAIN = nested(), efficient_su2(2, reps=1)
OPS = [SparsePauliOp(["ZZ", "XI"], [0.5, -1.5]), SparsePauliOp("IY"), SparsePauliOp(["XX", "ZI"], [1, 2])]
ROWS = {
    id(circuit): np.random.default_rng(5).uniform(-3, 3, (4, circuit.num_parameters)) for circuit in (NESTED, PLAIN)
}


def slopes(circuit, observable, row, parameters):
    def value(numbers):
        return Statevector(circuit.assign_parameters(numbers)).expectation_value(observable).real

    found = [(value(row + step) - value(row - step)) / 2e-5 for step in 1e-5 * np.eye(len(row))]
    columns = list(circuit.parameters)
    return [found[columns.index(parameter)] for parameter in parameters]


class EstimatorGradientTester:
    """Raises AssertionError where a gradient breaks the contract.

    Args:
        make: Called without arguments for a gradient.
    """

    def __init__(self, make):
        self.make = make

    def check(self, circuits, observables, rows, parameters=None):
        result = self.make().run(circuits, observables, rows, parameters).result()
        assert isinstance(result, EstimatorGradientResult)
        assert len(result.gradients) == len(circuits) == len(result.metadata)
        for number, (circuit, observable, row) in enumerate(zip(circuits, observables, rows, strict=True)):
            chosen = None if parameters is None else parameters[number]
            chosen = list(circuit.parameters) if chosen is None else list(chosen)
            found = result.gradients[number]
            assert isinstance(found, np.ndarray)
            assert found.shape == (len(chosen),)
            np.testing.assert_allclose(found, slopes(circuit, observable, np.array(row), chosen), rtol=0, atol=1e-7)
            assert list(result.metadata[number]["parameters"]) == chosen

    def check_a_networks_call(self):
        """Every observable at every row, as EstimatorQNN asks."""
        for circuit in (NESTED, PLAIN):
            rows = ROWS[id(circuit)]
            self.check([circuit] * 12, [op for op in OPS for _ in rows], np.tile(rows, (3, 1)))

    def check_rows_and_observables_at_random(self):
        rng = np.random.default_rng(6)
        which = rng.integers(0, 3, 9)
        rows = ROWS[id(NESTED)][rng.integers(0, 3, 9)]
        self.check([NESTED] * 9, [OPS[number] for number in which], rows)

    def check_several_circuits(self):
        circuits = [NESTED, PLAIN, PLAIN, NESTED, PLAIN]
        rows = [ROWS[id(circuit)][number % 4] for number, circuit in enumerate(circuits)]
        self.check(circuits, [OPS[0], OPS[1], OPS[1], OPS[2], OPS[0]], rows)

    def check_chosen_parameters(self):
        rows = ROWS[id(NESTED)]
        self.check([NESTED] * 4, [OPS[0]] * 4, rows, [[B], [C, A], None, [A, B, C]])
        self.check([NESTED] * 2, [OPS[0]] * 2, rows[:2], [list(NESTED.parameters)[1:]] * 2)

    def check_lists_and_paulis(self):
        self.check([NESTED], [Pauli("ZX")], [[0.1, 0.2, 0.3]])

    def check_one_circuit_alone(self):
        found = self.make().run(NESTED, OPS[0], [[0.1, 0.2, 0.3]]).result().gradients
        np.testing.assert_allclose(found, [slopes(NESTED, OPS[0], np.array([0.1, 0.2, 0.3]), [A, B, C])], atol=1e-7)

    def check_jobs(self):
        gradient = self.make()
        assert isinstance(gradient, BaseEstimatorGradient)
        job = gradient.run([NESTED], [OPS[0]], [[0.1, 0.2, 0.3]])
        assert isinstance(job, AlgorithmJob)
        job.result()
        assert job.done()
        assert isinstance(job.job_id(), str)

    def check_errors(self):
        row = [0.1, 0.2, 0.3]
        for arguments in (
            ([NESTED], OPS[:1], [row[:2]]),
            ([NESTED] * 2, OPS[:2], [row, row[:2]]),
            ([NESTED], OPS[:1], [row, row]),
            ([NESTED], OPS[:2], [row]),
            ([NESTED], [SparsePauliOp("Z")], [row]),
            ([NESTED], OPS[:1], [row], [[Parameter("d")]]),
            ([NESTED] * 2, OPS[:2], [row, row], [[A], [Parameter("d")]]),
            ([NESTED] * 2, OPS[:2], [row, row], [[A]]),
            ([QuantumCircuit(2)], OPS[:1], [[]]),
        ):
            try:
                self.make().run(*arguments)
            except ValueError:
                continue
            raise AssertionError(f"accepted {arguments}")


CHECKS = [name for name in dir(EstimatorGradientTester) if name.startswith("check_")]


def ours():
    return ReverseEstimatorGradient(dtype=torch.float64)


def shift():
    return ParamShiftEstimatorGradient(QMLEstimator())


def combination():
    return LinCombEstimatorGradient(QMLEstimator())


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("make", [ours, shift, combination])
def test_it_keeps_the_contract(make, check):
    getattr(EstimatorGradientTester(make), check)()


class Altered(ReverseEstimatorGradient):
    def __init__(self):
        super().__init__(dtype=torch.float64)

    def _run(self, circuits, observables, parameter_values, parameters, **options):
        return super()._run(*self.alter(circuits, observables, parameter_values, parameters), **options)


class FirstObservable(Altered):
    def alter(self, circuits, observables, parameter_values, parameters):
        return circuits, [observables[0]] * len(circuits), parameter_values, parameters


class OwnOrder(Altered):
    """Gives chosen parameters in the circuit's order."""

    def alter(self, circuits, observables, parameter_values, parameters):
        ordered = [
            [parameter for parameter in circuit.parameters if parameter in chosen]
            for circuit, chosen in zip(circuits, parameters, strict=True)
        ]
        return circuits, observables, parameter_values, ordered


class FirstRow(Altered):
    def alter(self, circuits, observables, parameter_values, parameters):
        rows = [parameter_values[0]] * len(circuits) if len({*map(id, circuits)}) == 1 else parameter_values
        return circuits, observables, rows, parameters


class Unchecked(Altered):
    def alter(self, *arguments):
        return arguments

    @staticmethod
    def _validate_arguments(*arguments):
        pass


@pytest.mark.parametrize(
    ("wrong", "check"),
    [
        (FirstObservable, "check_a_networks_call"),
        (FirstObservable, "check_rows_and_observables_at_random"),
        (FirstObservable, "check_several_circuits"),
        (FirstRow, "check_a_networks_call"),
        (OwnOrder, "check_chosen_parameters"),
        (Unchecked, "check_errors"),
    ],
)
def test_the_tester_rejects_wrong_gradients(wrong, check):
    with pytest.raises(AssertionError):
        getattr(EstimatorGradientTester(wrong), check)()
