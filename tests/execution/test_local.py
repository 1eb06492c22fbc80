import dataclasses
import pickle

import numpy as np
import pytest
import torch
from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import efficient_su2
from qiskit.primitives import BaseEstimatorV2
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_machine_learning.gradients import BaseEstimatorGradient

from qiskit_qgen.exceptions import ArgumentError, UnsupportedCircuitError
from qiskit_qgen.execution import AbstractExecution, LocalExecution

CIRCUIT = efficient_su2(2, reps=1)
OBSERVABLES = [SparsePauliOp(["ZZ", "XI"], [1, 0.5]), SparsePauliOp("YI")]
ROWS = torch.linspace(-3, 3, 24, dtype=torch.float64).reshape(3, 8)


def expected():
    states = [Statevector(CIRCUIT.assign_parameters(row)) for row in ROWS.tolist()]
    return [[state.expectation_value(observable).real for observable in OBSERVABLES] for state in states]


@pytest.mark.parametrize(("dtype", "atol"), [(torch.float64, 1e-12), (torch.float32, 2e-6)])
@pytest.mark.parametrize("threads", [None, 1, 2])
def test_all_its_ways_give_the_same_values(dtype, atol, threads):
    execution = LocalExecution(dtype=dtype, threads=threads)
    np.testing.assert_allclose(execution.expectation(CIRCUIT, OBSERVABLES)(ROWS), expected(), rtol=0, atol=atol)
    pub = (CIRCUIT, [OBSERVABLES], ROWS[:, None].numpy())
    np.testing.assert_allclose(execution.estimator().run([pub]).result()[0].data.evs, expected(), rtol=0, atol=atol)
    rows = ROWS.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(execution.expectation(CIRCUIT, OBSERVABLES)(rows)[:, 0].sum(), rows)
    call = ([CIRCUIT] * 3, [OBSERVABLES[0]] * 3, ROWS.numpy())
    found = execution.estimator_gradient().run(*call).result().gradients
    np.testing.assert_allclose(found, gradient, rtol=0, atol=atol)


def test_the_function_keeps_the_dtype_of_its_parameters():
    for dtype in (torch.float32, torch.float64):
        function = LocalExecution(dtype=dtype).expectation(CIRCUIT, OBSERVABLES)
        assert function(ROWS).dtype == torch.float64
        assert function(ROWS.float()).dtype == torch.float32


def test_its_parts_are_what_qiskit_asks_for():
    execution = LocalExecution()
    assert isinstance(execution, AbstractExecution)
    assert isinstance(execution.estimator(), BaseEstimatorV2)
    assert isinstance(execution.estimator_gradient(), BaseEstimatorGradient)


def test_it_is_a_value():
    execution = LocalExecution(dtype=torch.float64, threads=2)
    assert execution == LocalExecution(dtype=torch.float64, threads=2)
    assert hash(execution) == hash(LocalExecution(dtype=torch.float64, threads=2))
    assert execution != LocalExecution()
    assert pickle.loads(pickle.dumps(execution)) == execution  # noqa: S301
    with pytest.raises(dataclasses.FrozenInstanceError):
        execution.threads = 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"device": "cuda"},
            "Argument `device` must be 'cpu', the only device of the built-in simulator, but is 'cuda'.",
        ),
        ({"dtype": torch.bfloat16}, "Argument `dtype` must be torch.float32 or torch.float64, but is torch.bfloat16."),
        ({"threads": 0}, "Argument `threads` must be a positive integer, but is 0."),
        ({"threads": True}, "Argument `threads` must be a positive integer, but is True."),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ArgumentError) as error:
        LocalExecution(**options)
    assert str(error.value) == message


def test_a_circuit_that_it_cannot_run_is_refused_at_once():
    circuit = QuantumCircuit(1)
    circuit.reset(0)
    with pytest.raises(UnsupportedCircuitError, match="`reset`"):
        LocalExecution().expectation(circuit, [SparsePauliOp("Z")])
