"""Quantum layers over stock networks of both kinds."""

import numpy as np
import pytest
import torch
from probabilities import EXACT, ROWS, START, W, X, expected, hybrid_circuit, measured, parity, two_ways
from qiskit import transpile
from qiskit.quantum_info import Pauli, SparseObservable, SparsePauliOp
from qiskit.transpiler import CouplingMap
from qiskit_machine_learning.neural_networks import EstimatorQNN, SamplerQNN

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.primitives import BatchedStatevectorSampler


def sampler_qnn(circuit, **options):
    return SamplerQNN(
        circuit=circuit,
        sampler=BatchedStatevectorSampler(default_shots=None, dtype=torch.float64),
        input_params=list(X),
        weight_params=list(W),
        **options,
    )


@pytest.mark.parametrize(
    "options",
    [{}, {"interpret": parity, "output_shape": 2}, {"interpret": two_ways, "output_shape": (2, 3)}],
)
@pytest.mark.parametrize("circuit", [hybrid_circuit(), measured(), measured((2, 0))])
def test_from_a_sampler_network(circuit, options):
    qnn = sampler_qnn(circuit, **options)
    layer = QuantumLayer.from_qnn(qnn, execution=EXACT, initial_weights=START).double()
    assert layer.output_shape == qnn.output_shape
    found = layer(torch.tensor(ROWS, dtype=torch.float64)).detach()
    np.testing.assert_allclose(found, qnn.forward(np.array(ROWS), np.array(START)), rtol=0, atol=1e-11)


@pytest.mark.parametrize("when", ["never", "before", "after"])
def test_from_a_sampler_network_over_a_transpiled_circuit(when):
    """Five physical qubits, of which the network reads the three logical ones."""
    circuit = measured() if when == "before" else hybrid_circuit()
    line = CouplingMap.from_line(5)
    isa = transpile(
        circuit, coupling_map=line, basis_gates=["rz", "sx", "x", "cx"], initial_layout=[3, 1, 4], seed_transpiler=2
    )
    if when == "after":
        isa.measure_all()
    qnn = sampler_qnn(isa)
    layer = QuantumLayer.from_qnn(qnn, execution=EXACT, initial_weights=START).double()
    found = layer(torch.tensor(ROWS, dtype=torch.float64)).detach()
    np.testing.assert_allclose(found, [expected(row) for row in ROWS], rtol=0, atol=1e-10)
    if when != "before":  # QML's network takes the bits of a circuit that was measured first for physical qubits
        np.testing.assert_allclose(found, qnn.forward(np.array(ROWS), np.array(START)), rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    "observables",
    [None, SparsePauliOp(["ZZI", "XYI"], [1, 0.5]), [SparsePauliOp("ZII"), Pauli("XYX"), SparseObservable("IZ0")]],
)
def test_from_an_estimator_network(observables):
    qnn = EstimatorQNN(
        circuit=hybrid_circuit(),
        estimator=EXACT.estimator(),
        observables=observables,
        input_params=list(X),
        weight_params=list(W),
        default_precision=0.0,
    )
    layer = QuantumLayer.from_qnn(qnn, execution=EXACT, initial_weights=START).double()
    assert layer.output_shape == qnn.output_shape
    found = layer(torch.tensor(ROWS, dtype=torch.float64)).detach()
    np.testing.assert_allclose(found, qnn.forward(np.array(ROWS), np.array(START)), rtol=0, atol=1e-11)
    assert isinstance(layer.neural_network, EstimatorQNN)


def test_networks_that_are_refused():
    with pytest.raises(ArgumentTypeError) as error:
        QuantumLayer.from_qnn(hybrid_circuit())
    assert str(error.value) == "Argument `qnn` must be an EstimatorQNN or a SamplerQNN, but is of type QuantumCircuit."
    qnn = sampler_qnn(hybrid_circuit())
    qnn._sparse = True  # as with ``sparse=True``, which needs a package of that name
    with pytest.raises(ArgumentError) as error:
        QuantumLayer.from_qnn(qnn)
    assert str(error.value) == "Argument `qnn` must be dense, but has `sparse=True`: construct it without."
