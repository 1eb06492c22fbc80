"""What stands in the bottleneck of a U-Net: nothing, a classical gate, or a quantum one of the same width."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from qiskit_qgen._checks import check_choice, check_int
from qiskit_qgen.circuits import bottleneck_ansatz
from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.simulator.programs.lowering import MAX_QUBITS

Bottleneck = Literal["plain", "se", "se_frozen", "quantum", "quantum_published"]
BOTTLENECKS: tuple[Bottleneck, ...] = ("plain", "se", "se_frozen", "quantum", "quantum_published")
QUANTUM = ("quantum", "quantum_published")


class ChannelGate(nn.Module):
    """One factor for each channel, from the means of all channels.

    ``down``: Linear(channels, width); ``core``; ``up``: Linear(width, channels). The core is

    * "se": ReLU, the classical counterpart with as many parameters but for the circuit's (squeeze and excitation);
    * "se_frozen": the same, with ``down`` not trained;
    * "quantum": RY(x), then ``reps`` layers of RZ, RY and a CNOT chain, read out by Z of each qubit:
      ``2 * width * reps`` weights;
    * "quantum_published": the circuit published with arXiv 2504.00034, whose ``width * reps`` weights have no effect at
      all: for the record.

    Args:
        kind: Which core.
        channels: Number of channels.
        width: Width of the core: the circuit's qubits.
        reps: The circuit's layers.
        execution: Where the circuit runs; None takes the built-in simulator with its defaults.

    Raises:
        ArgumentError: If an argument is out of range.
    """

    def __init__(
        self,
        kind: Bottleneck,
        channels: int,
        *,
        width: int = 16,
        reps: int = 3,
        execution: AbstractExecution | None = None,
    ) -> None:
        super().__init__()
        self.kind = check_choice("kind", kind, BOTTLENECKS[1:])
        check_int("width", width, minimum=1, maximum=MAX_QUBITS if kind in QUANTUM else None)
        self.down = nn.Linear(channels, width)
        self.core: nn.Module = nn.ReLU()
        if kind in QUANTUM:
            circuit = bottleneck_ansatz(width, reps, published=kind == "quantum_published")
            self.core = QuantumLayer(circuit, execution=execution)
        self.up = nn.Linear(width, channels)
        if kind == "se_frozen":
            self.down.requires_grad_(False)

    def forward(self, h: Tensor) -> Tensor:
        """Return the factors (N, channels, 1, 1) of feature maps (N, channels, H, W)."""
        factors: Tensor = self.up(self.core(self.down(h.mean((2, 3)))))
        return factors[:, :, None, None]

    def extra_repr(self) -> str:
        """Return a mark of what cannot learn, for ``repr``."""
        return f"kind={self.kind!r}" + ", whose circuit's weights are inert" * (self.kind == "quantum_published")


def channel_gate(
    kind: Bottleneck, channels: int, *, width: int = 16, reps: int = 3, execution: AbstractExecution | None = None
) -> ChannelGate | None:
    """Return the gate of a bottleneck; None for "plain".

    Raises:
        ArgumentError: If an argument is out of range.
    """
    check_choice("bottleneck", kind, BOTTLENECKS)
    return None if kind == "plain" else ChannelGate(kind, channels, width=width, reps=reps, execution=execution)


class TimeEmbedding(nn.Module):
    """Sines and cosines of a step at frequencies from 1 to 1/10,000, as in arXiv 2006.11239.

    Args:
        dim: Length of the embedding, even.
    """

    frequencies: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = check_int("dim", dim, minimum=2)
        half = dim // 2
        frequencies = torch.exp(-torch.arange(half) * (torch.log(torch.tensor(10_000.0)) / max(half - 1, 1)))
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, steps: Tensor) -> Tensor:
        """Return (N, dim) of steps (N,)."""
        angles = steps[:, None].to(self.frequencies) * self.frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=1)
