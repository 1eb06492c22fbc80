"""The surrogate holds every function that its circuit can give, and no fewer frequencies do."""

import numpy as np
import pytest
import torch

from qiskit_qgen.circuits import data_reuploading, hardware_efficient_ansatz, pauli_observables, style_ansatz
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution import LocalExecution
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.networks import FourierSurrogate


def layer(circuit, paulis="XZ"):
    made = QuantumLayer(
        circuit,
        observables=pauli_observables(circuit.num_qubits, paulis),
        execution=LocalExecution(dtype=torch.float64),
        initial_weights=np.random.default_rng(1).uniform(-3, 3, circuit.num_weights),
    )
    return made.double()


def inputs(number, circuit, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 6 * torch.rand(number, circuit.num_inputs, generator=generator, dtype=torch.float64) - 3


@pytest.mark.parametrize(
    ("circuit", "frequencies"),
    [
        (hardware_efficient_ansatz(3, 2, rotations=("ry", "rz")), 13),
        (data_reuploading(2, 2, rotations=("ry", "rz")), 12),
        (style_ansatz(2, 1, rotations=("ry",), entangler="cry", entanglement=[(0, 1)], final_rotations=()), 22),
    ],
)
def test_a_complete_surrogate_gives_whatever_the_circuit_gives(circuit, frequencies):
    surrogate = FourierSurrogate(circuit, 2 * circuit.num_qubits, num_frequencies=200).double()
    assert (len(surrogate.frequencies), surrogate.is_complete) == (frequencies, True)
    quantum, rows, others = layer(circuit), inputs(800, circuit), inputs(100, circuit, seed=1)
    assert surrogate.fit(rows, quantum(rows)) < 1e-8
    assert torch.allclose(surrogate(others), quantum(others), atol=1e-3)
    surrogate.frequencies = surrogate.frequencies[:-1] * 0.9  # others than the circuit's
    surrogate.coefficients = torch.nn.Linear(2 * frequencies - 2, 2 * circuit.num_qubits).double()
    assert surrogate.fit(rows[:400], quantum(rows[:400])) > 1e-6


def test_the_closed_form_of_a_single_gate_is_found():
    circuit = hardware_efficient_ansatz(1, 1, rotations=("ry",))  # <Z> = cos(x + theta), <X> = sin(x + theta)
    surrogate, x = FourierSurrogate(circuit, 2).double(), torch.linspace(-3, 3, 50, dtype=torch.float64)[:, None]
    theta = 0.7
    assert surrogate.fit(x, torch.cat([(x + theta).sin(), (x + theta).cos()], 1)) < 1e-8
    expected = torch.tensor([[np.sin(theta), np.cos(theta)], [np.cos(theta), -np.sin(theta)]], dtype=torch.float64)
    assert torch.allclose(surrogate.coefficients.weight, expected, atol=1e-3)


def test_many_frequencies_are_bounded_and_repeat_with_the_seed():
    made = []
    for _ in range(2):
        torch.manual_seed(3)
        made.append(FourierSurrogate(style_ansatz(4, 4), 8, num_frequencies=50))
    assert made[0].frequencies.shape == (50, 40)
    assert not made[0].is_complete
    assert torch.equal(made[0].frequencies, made[1].frequencies)
    assert sum(weight.numel() for weight in made[0].parameters()) == 8 * (2 * 50 + 1)
    assert "frequencies=50 (a part of the circuit's)" in repr(made[0])


def test_shapes_are_checked():
    surrogate = FourierSurrogate(hardware_efficient_ansatz(2, 1), 3)
    with pytest.raises(ArgumentError, match=r"`x` must have shape \(..., 2\)"):
        surrogate(torch.zeros(4, 3))
    with pytest.raises(ArgumentError, match=r"`inputs` must have shape \(N, 2\)"):
        surrogate.fit(torch.zeros(4, 3), torch.zeros(4, 3))
    with pytest.raises(ArgumentError, match=r"`values` must have shape \(4, 3\)"):
        surrogate.fit(torch.zeros(4, 2), torch.zeros(4, 2))
    with pytest.raises(ArgumentError, match="`num_frequencies` must be a positive integer"):
        FourierSurrogate(hardware_efficient_ansatz(2, 1), 3, num_frequencies=0)
