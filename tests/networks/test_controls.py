"""Controls that take the quantum out, in the places where models have circuits."""

import pytest
import torch
from torch import nn

from qiskit_qgen.circuits import bottleneck_ansatz, hardware_efficient_ansatz, pauli_observables, without_entanglement
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution import LocalExecution
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.networks import ChannelGate, ClassicalBlock, DenseLayer, FourierSurrogate, QuantumBlock
from qiskit_qgen.networks.bottleneck_gates import QuantumBottleneck
from qiskit_qgen.networks.controls import CircuitControl, circuit_core

CIRCUIT = hardware_efficient_ansatz(3, 2, rotations=("ry", "rz"), final_rotations=("ry",))
OBSERVABLES = pauli_observables(3, "Z")


def core(control, seed=0):
    torch.manual_seed(seed)
    return circuit_core(CIRCUIT, OBSERVABLES, CircuitControl(control=control), LocalExecution(), widest=2.0)


def test_without_entanglement_each_value_depends_on_its_own_input_alone():
    x = torch.randn(4, 3, requires_grad=True)
    for control, others in ((None, True), ("unentangled", False)):
        layer = core(control)
        (gradient,) = torch.autograd.grad(layer(x)[:, 0].sum(), x)
        assert bool((gradient[:, 1:].abs() > 1e-6).any()) == others
        assert layer.weight.numel() == CIRCUIT.num_weights
    assert core("unentangled").circuit == without_entanglement(CIRCUIT).circuit


def test_a_frozen_circuit_keeps_its_random_weights_and_passes_gradients_on():
    layer, x = core("frozen"), torch.randn(4, 3, requires_grad=True)
    assert torch.equal(layer.weight, core(None).weight)
    assert not torch.equal(layer.weight, core("frozen", seed=1).weight)
    assert not layer.weight.requires_grad
    layer(x).sum().backward()
    assert x.grad.abs().max() > 0


def test_a_surrogate_begins_with_the_circuits_values_and_has_no_circuit():
    surrogate, layer, x = core("fourier"), core(None), torch.randn(50, 3)
    assert isinstance(surrogate, FourierSurrogate)
    assert surrogate.is_complete
    assert torch.allclose(surrogate(x), layer(x), atol=0.03)
    assert all(weight.requires_grad for weight in surrogate.parameters())


@pytest.mark.parametrize("control", ["unentangled", "frozen", "fourier", "dense"])
def test_blocks_and_gates_take_each_control_around_equal_layers(control):
    settings = CircuitControl(control=control)
    block = QuantumBlock(CIRCUIT, observables=OBSERVABLES, squash=True, control=settings)
    assert block(torch.randn(5, 3)).shape == (5, 3)
    made = []
    for chosen in (None, control):
        torch.manual_seed(0)
        made.append(ChannelGate(QuantumBottleneck(num_qubits=3, num_layers=2, control=chosen), 8))
    assert torch.equal(made[0].down.weight, made[1].down.weight)
    assert made[1](torch.randn(2, 8, 4, 4)).shape == (2, 8, 1, 1)
    assert isinstance(made[1].core, {"fourier": FourierSurrogate, "dense": DenseLayer}.get(control, QuantumLayer))
    trained = [sum(p.numel() for p in gate.core.parameters() if p.requires_grad) for gate in made]
    assert trained == [12, {"unentangled": 12, "frozen": 0, "fourier": 3 * 27, "dense": 12}[control]]


def test_what_runs_is_told_and_options_without_effect_are_refused():
    circuit = bottleneck_ansatz(3, 1)
    assert CircuitControl().runs(circuit) is CircuitControl(control="frozen").runs(circuit) is circuit
    assert CircuitControl(control="fourier").runs(circuit) is None
    assert CircuitControl(control="unentangled").runs(circuit).circuit.num_nonlocal_gates() == 0
    with pytest.raises(ArgumentError, match="`num_frequencies` has no effect unless control='fourier'"):
        CircuitControl(num_frequencies=3)
    assert (
        len(circuit_core(CIRCUIT, OBSERVABLES, CircuitControl(control="fourier", num_frequencies=5)).frequencies) == 5
    )


def test_shapes_are_known_without_values():
    with torch.device("meta"):
        found = core("fourier")
    assert isinstance(found, nn.Module)
    assert {name: tuple(tensor.shape) for name, tensor in found.state_dict().items()} == {
        name: tuple(tensor.shape) for name, tensor in core("fourier").state_dict().items()
    }


def test_a_dense_layer_passes_all_directions_on_where_the_block_of_as_many_parameters_passes_one():
    x = torch.randn(200, 5, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    dense, narrow = DenseLayer(5, 5), ClassicalBlock(5, 5, 15, activation="tanh")
    assert sum(weight.numel() for weight in dense.parameters()) == 30
    assert torch.equal(dense(x), torch.tanh(x @ dense.layer.weight.T + dense.layer.bias))
    ranks = [torch.linalg.matrix_rank(block(x) - block(x).mean(0), rtol=1e-4) for block in (dense, narrow)]
    assert ranks == [5, 1]
