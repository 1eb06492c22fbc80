"""Controls that replace a circuit by classical or less entangled parts, to show what the circuit contributes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from qiskit.quantum_info import SparsePauliOp
from torch import Tensor, nn

from qiskit_qgen._checks import check_int
from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.circuits import ParametrizedCircuit, without_entanglement
from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.networks.fourier_surrogate import FourierSurrogate

_ROWS = 2  # for each coefficient of a surrogate that begins as its circuit does
_RIDGE = 1e-5  # so that coefficients begin small, and no step of a training moves the values far


class DenseLayer(nn.Module):
    """One fully connected layer of full width, ``tanh(W x + b)``.

    It has the inputs, the outputs and the bounded values of a circuit, but no bottleneck: unlike a
    :class:`ClassicalBlock` of few parameters, it passes all directions of its input on. For 5 inputs and 5 outputs it
    has 30 parameters.

    Args:
        num_inputs: Length of an input vector.
        num_outputs: Length of an output vector.

    Raises:
        ArgumentError: If a number is not positive.
    """

    def __init__(self, num_inputs: int, num_outputs: int) -> None:
        super().__init__()
        self.num_inputs = check_int("num_inputs", num_inputs, minimum=1)
        self.num_outputs = check_int("num_outputs", num_outputs, minimum=1)
        self.layer = nn.Linear(num_inputs, num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, num_outputs), in (-1, 1), of ``x`` (N, num_inputs)."""
        return torch.tanh(self.layer(x))


class CircuitControl(Settings):
    """A control that replaces a circuit."""

    control: Literal["unentangled", "frozen", "fourier", "dense"] | None = setting(
        "A control that replaces the circuit, to show what it contributes: 'unentangled', the same "
        "circuit with as many weights but without entanglement, "
        ":func:`~qiskit_qgen.circuits.without_entanglement`; 'frozen', the same circuit with random "
        "weights that are not trained; 'fourier', a trigonometric polynomial of the circuit's "
        "frequencies, :class:`~qiskit_qgen.networks.FourierSurrogate`; 'dense', a classical layer of "
        "the same width without a bottleneck, :class:`~qiskit_qgen.networks.DenseLayer`; None for the "
        "circuit itself",
        default=None,
    )
    num_frequencies: int = setting(
        "Maximum number of frequencies for control='fourier'", default=128, minimum=1, maximum=100_000
    )

    def check(self) -> None:
        """Raise :class:`ArgumentError` if a number of frequencies has no effect."""
        if self.control != "fourier":
            self.refuse(("num_frequencies",), "unless control='fourier'")

    def controlled(self, circuit: ParametrizedCircuit) -> ParametrizedCircuit:
        """Return the circuit as this control leaves it."""
        return without_entanglement(circuit) if self.control == "unentangled" else circuit

    def runs(self, circuit: ParametrizedCircuit | None) -> ParametrizedCircuit | None:
        """Return the circuit as it runs; None if a classical control takes its place."""
        is_classical = self.control in ("fourier", "dense")
        return None if circuit is None or is_classical else self.controlled(circuit)


def circuit_core(
    circuit: ParametrizedCircuit,
    observables: Sequence[SparsePauliOp],
    control: CircuitControl = CircuitControl(),
    execution: AbstractExecution | None = None,
    *,
    widest: float = 1.0,
) -> QuantumLayer | FourierSurrogate | DenseLayer:
    """Return a circuit as a layer, or its control.

    A surrogate begins as the circuit does, as nearly as its frequencies allow for normal inputs of spread 1 radian: see
    :func:`begin_as`.

    Args:
        circuit: The circuit.
        observables: What is read out.
        control: Which control.
        execution: Where circuits run; None takes the built-in simulator with its defaults.
        widest: The circuit's weights begin uniform in [-widest, widest], in radians.
    """
    if control.control == "dense":
        return DenseLayer(circuit.num_inputs, len(observables))
    layer = QuantumLayer(control.controlled(circuit), observables=list(observables), execution=execution)
    nn.init.uniform_(layer.weight, -widest, widest)
    if control.control == "frozen":
        layer.weight.requires_grad_(False)
    if control.control != "fourier":
        return layer
    surrogate = FourierSurrogate(circuit, len(observables), num_frequencies=control.num_frequencies)
    begin_as(surrogate, layer, lambda rows: torch.randn(rows, circuit.num_inputs))
    return surrogate


@torch.no_grad()
def begin_as(surrogate: FourierSurrogate, layer: QuantumLayer, draw: Callable[[int], Tensor]) -> None:
    """Let a surrogate begin with the values of a circuit, as nearly as its frequencies allow.

    Args:
        surrogate: The surrogate.
        layer: The circuit.
        draw: Returns so many rows of inputs.
    """
    if surrogate.frequencies.is_meta:  # only its shapes are asked for
        return
    inputs = draw(_ROWS * surrogate.coefficients.in_features + 1)
    surrogate.fit(inputs, layer(inputs), ridge=_RIDGE)
