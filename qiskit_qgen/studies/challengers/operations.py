"""The parts of a model that challengers replace, and the cost of a sample's forward pass through them."""

from __future__ import annotations

from qiskit.circuit import QuantumCircuit
from torch import nn

from qiskit_qgen.layers import QuantumLayer, StyleMap
from qiskit_qgen.models import HybridGAN, StyleQGAN
from qiskit_qgen.models.base import AbstractGenerativeModel
from qiskit_qgen.networks import FourierSurrogate
from qiskit_qgen.networks.bottleneck_gates import ChannelGate

_FREE = frozenset({"x", "y", "z", "cx", "cy", "cz", "ccx", "swap", "id", "barrier", "delay"})
"""Gates that only move amplitudes or change their sign."""


def exchanged_parts(model: AbstractGenerativeModel) -> dict[str, nn.Module]:
    """Return the parts of a model that are a circuit or its classical replacement, by name."""
    if isinstance(model, HybridGAN):
        return {part: model.get_submodule(f"{part}.block") for part in ("generator", "discriminator")}
    if isinstance(model, StyleQGAN):
        return {"generator": model.get_submodule("generator")}
    return {"bottleneck": nn.ModuleList(part for part in model.modules() if isinstance(part, ChannelGate))}


def circuit_operations(circuit: QuantumCircuit) -> int:
    """Return the floating-point operations that simulate a circuit's state vector, gate by gate.

    A gate on k qubits takes ``8 * 2^k - 2`` for each of the ``2^n`` amplitudes: ``2^k`` complex products of six and
    ``2^k - 1`` complex sums of two. Permutations and signs are free, as is the half of the state that a controlled gate
    leaves unchanged. Savings of a good simulator are not deducted, and measurements are not counted.
    """
    total = 0
    for instruction in circuit.data:
        gate = instruction.operation
        if gate.name in _FREE:
            continue
        controls = int(getattr(gate, "num_ctrl_qubits", 0))
        width = gate.num_qubits - controls
        total += 2 ** (circuit.num_qubits - controls) * (8 * 2**width - 2)
    return total


def forward_operations(network: nn.Module) -> int:
    """Return the floating-point operations of one sample's forward pass through linear layers and circuits.

    A linear layer takes two operations per weight. Biases and activations are not counted, as in torch's counter.
    """
    total = 0
    for part in network.modules():
        if isinstance(part, nn.Linear):
            total += 2 * part.in_features * part.out_features
        elif isinstance(part, StyleMap):
            total += 2 * part.weight.numel()
        elif isinstance(part, FourierSurrogate):
            total += 2 * part.frequencies.numel()
        elif isinstance(part, QuantumLayer):
            total += circuit_operations(part.circuit)
    return total
