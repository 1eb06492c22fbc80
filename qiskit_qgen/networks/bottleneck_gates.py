"""The bottleneck of a U-Net: nothing, a classical gate, or a quantum gate of the same width."""

from __future__ import annotations

import math
from typing import Any, ClassVar, TypeAlias

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_int
from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.circuits import ParametrizedCircuit, bottleneck_ansatz
from qiskit_qgen.circuits.observables import build_observables
from qiskit_qgen.circuits.patterns import check_circuit_size
from qiskit_qgen.networks.controls import CircuitControl, circuit_core
from qiskit_qgen.networks.own_circuits import take_observables, take_own_circuit
from qiskit_qgen.simulator.programs.lowering import MAX_QUBITS


class PlainBottleneck(Settings):
    """A bottleneck with nothing in it."""

    kind: ClassVar[str] = "plain"


class SqueezeExcitation(Settings):
    """The classical gate that matches the quantum one."""

    kind: ClassVar[str] = "se"
    width: int = setting("Width of the gate", default=16, minimum=1)


class FrozenSqueezeExcitation(SqueezeExcitation):
    """The same gate with a frozen first layer."""

    kind: ClassVar[str] = "se_frozen"


class QuantumBottleneck(CircuitControl):
    """A gate whose core is a circuit."""

    kind: ClassVar[str] = "quantum"
    ansatz: ParametrizedCircuit | None = setting(
        "Your own circuit with inputs and weights; None builds one from `num_qubits` and `num_layers`", default=None
    )
    num_qubits: int = setting(
        "Qubits of the circuit: the gate's width", default=16, source="arXiv 2504.00034", minimum=1, maximum=MAX_QUBITS
    )
    num_layers: int = setting("Layers of the circuit", default=3, source="arXiv 2504.00034", minimum=1, maximum=10_000)
    observables: Any = setting(
        "Pauli letters to measure on each qubit, as expectation values; or a list of observables, each "
        "a SparsePauliOp or a Pauli string such as 'XIZ'",
        default="Z",
        source="arXiv 2504.00034",
    )

    def check(self) -> None:
        """Raise :class:`ArgumentError` unless the circuit is of a size that runs and its control fits."""
        super().check()
        own = take_own_circuit(self, ("num_layers",), has_weights=True)
        take_observables(self)
        if own is None:
            check_circuit_size(self.num_layers, 3 * self.num_qubits)

    def circuit(self) -> ParametrizedCircuit:
        """Return the circuit."""
        if self.ansatz is not None:
            return self.ansatz
        published = isinstance(self, PublishedBottleneck)
        return bottleneck_ansatz(self.num_qubits, self.num_layers, published=published)


class PublishedBottleneck(QuantumBottleneck):
    """The circuit published with arXiv 2504.00034, whose weights have no effect: for the record."""

    kind: ClassVar[str] = "quantum_published"

    def check(self) -> None:
        """Raise :class:`ArgumentError` unless the circuit is the published one."""
        self.refuse(("ansatz", "observables"), "with bottleneck='quantum_published', which has its own")
        super().check()


Bottleneck: TypeAlias = PlainBottleneck | SqueezeExcitation | QuantumBottleneck
"""What may stand in a bottleneck."""


class ChannelGate(nn.Module):
    """One factor for each channel, from the means of all channels.

    ``down``: Linear(channels, width); ``core``; ``up``: Linear(width, channels). The core of a squeeze and excitation
    is ReLU: the classical counterpart with as many parameters except the circuit's. That of a quantum bottleneck is
    RY(x) and layers of RZ, RY and a CNOT chain, read out by Z of each qubit: ``2 * num_qubits * num_layers`` weights;
    or a circuit of the user's own, between as many outputs of ``down`` and inputs of ``up`` as it has.
    The published circuit leaves the RY out, and its ``num_qubits * num_layers`` weights have no effect at all.

    Args:
        config: Which core, and its width.
        channels: Number of channels.
    """

    def __init__(self, config: SqueezeExcitation | QuantumBottleneck, channels: int) -> None:
        super().__init__()
        self.kind = config.kind
        self.core: nn.Module
        if isinstance(config, QuantumBottleneck):
            circuit, observables = config.circuit(), build_observables(config.observables, config.num_qubits)
            num_inputs, num_outputs = circuit.num_inputs, len(observables)
            self.down = nn.Linear(channels, num_inputs)
            self.core = circuit_core(circuit, observables, config)
        else:
            num_outputs = config.width
            self.down, self.core = nn.Linear(channels, num_outputs), nn.ReLU()
        self.up = nn.Linear(num_outputs, channels)
        if isinstance(config, FrozenSqueezeExcitation):
            self.down.requires_grad_(False)

    def forward(self, h: Tensor) -> Tensor:
        """Return the factors (N, channels, 1, 1) of feature maps (N, channels, H, W)."""
        factors: Tensor = self.up(self.core(self.down(h.mean((2, 3)))))
        return factors[:, :, None, None]

    def extra_repr(self) -> str:
        """Return a mark of what cannot learn, for ``repr``."""
        return f"kind={self.kind!r}" + ", whose circuit's weights are inert" * (self.kind == "quantum_published")


def channel_gate(config: Bottleneck, channels: int) -> ChannelGate | None:
    """Return the gate of a bottleneck; None for a plain one."""
    return None if isinstance(config, PlainBottleneck) else ChannelGate(config, channels)


class TimeEmbedding(nn.Module):
    """Sines and cosines of a step at frequencies from 1 to 1/10,000, as in arXiv 2006.11239.

    Args:
        dim: Length of the embedding, even.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = check_int("dim", dim, minimum=2)

    def forward(self, steps: Tensor) -> Tensor:
        """Return (N, dim) of steps (N,)."""
        half = self.dim // 2
        frequencies = torch.exp(torch.arange(half, device=steps.device) * (-math.log(10_000) / max(half - 1, 1)))
        angles = steps[:, None] * frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=1)
