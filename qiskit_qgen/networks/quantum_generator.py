"""The style-based quantum generator (arXiv 2110.06933, arXiv 2406.02668)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, cast

import torch
from qiskit.circuit import Operation, Parameter, ParameterExpression
from qiskit.quantum_info import SparsePauliOp
from torch import Tensor, nn

from qiskit_qgen._checks import check_choice, check_float, check_int
from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.layers import QuantumLayer, StyleMap
from qiskit_qgen.networks.controls import CircuitControl, begin_as
from qiskit_qgen.networks.fourier_surrogate import FourierSurrogate

INITS = ("gaussian", "uniform")
STYLES = ("full", "cyclic", "cyclic-shared")
_STANDARDIZING = 512  # values that a frozen circuit's outputs are scaled by
WIDEST_START = 0.5
"""The widest spread of expectation values, which stay in [-1, 1], that a generator starts with."""

_CATEGORY_LENGTH = 0.2  # of the vector of angles by which a category starts to differ from the others, in radians


class QuantumStyleGenerator(nn.Module):
    """Maps noise to the angles of a circuit and the circuit to expectation values.

    ``x_k = <O_k> / readout_std`` in the state of the circuit with angles ``W z + b``: the noise enters every rotation.
    Only ``W`` and ``b`` are trained.

    A circuit with random angles is a flat place to start from. With ``init="gaussian"`` the last RY and RZ of each
    qubit start at ``pi/2 + s z_j``, each with a noise component of its own, and all other angles near 0. Of the state
    ``|0>`` they make ``Z = -sin(s_y z_1)`` and ``X = -cos(s_y z_1) sin(s_z z_2)``, which have mean 0, no correlation
    and, with r = min(readout_std, 0.5), the variance r^2 if

    ``s_y^2 = -ln(1 - 2 r^2) / 2`` and ``s_z^2 = -ln(1 - 2 r^2 / (1 - r^2)) / 2``.

    All other angles together, as one vector, have the root mean square length ``init_scale * s_y``. Even if each of
    them turned the same qubit, as they do with some patterns of entanglers, they would change a variance by a part of
    ``init_scale^2`` only, however many there are: ``x`` starts close to N(0, I), for outputs X and Z and a noise
    vector with a component for each of the last rotations. Expectation values stay in [-1, 1], so that with a
    ``readout_std`` above 0.5, such as 1, ``x`` starts with a spread of ``0.5 / readout_std``. Where no RZ follows the
    last RY, X starts near 1, as Y always does.

    Args:
        circuit: A circuit whose inputs are its angles, as :func:`~qiskit_qgen.circuits.style_ansatz` builds.
        noise_dim: Length of a noise vector.
        observables: The observables; one feature each.
        readout_std: The spread of expectation values that is mapped to 1; 1 leaves them in [-1, 1].
        init: "gaussian" as above, for circuits that end with RY, or RY and RZ, on each qubit; or "uniform": all angles
            start near 0.
        init_scale: With ``init="uniform"``, all of W and b are uniform in [-init_scale, init_scale]. With "gaussian",
            the length of all angles together that start near 0, over the spread of the last RY.
        style: How the noise enters: "full" as above; or "cyclic" or "cyclic-shared", where each angle depends on one
            component of the noise; see :func:`noise_components`.
        control: A control that replaces the circuit, if any; "dense" is not available. A frozen circuit has random
            angles ``W z + b``, W z of spread 1 and b uniform in [-pi, pi]; what is trained is an affine map of its
            values, which starts with mean 0 and the circuit's usual spread. A surrogate starts as near to the circuit's
            values as its frequencies allow, and the same angles are trained.
        num_categories: Number of components at the end of a noise vector that hold a category as a one-hot vector; see
            :class:`~qiskit_qgen.noise.CategoricalNoise`. With ``init="gaussian"`` it starts to turn all but the last
            rotations, by angles of its own that are small.
        execution: Where the circuit runs; None takes the built-in simulator with its defaults.

    Raises:
        ArgumentError: If a number is out of range, or the circuit ends otherwise than ``init="gaussian"`` needs.
    """

    def __init__(
        self,
        circuit: ParametrizedCircuit,
        *,
        noise_dim: int,
        observables: Sequence[SparsePauliOp],
        readout_std: float = 1.0,
        init: Literal["gaussian", "uniform"] = "gaussian",
        init_scale: float = 0.1,
        style: Literal["full", "cyclic", "cyclic-shared"] = "full",
        control: CircuitControl = CircuitControl(),
        num_categories: int = 0,
        execution: AbstractExecution | None = None,
    ) -> None:
        super().__init__()
        check_int("num_categories", num_categories, minimum=0)
        check_int("noise_dim", noise_dim, minimum=num_categories + 1)
        if num_categories and style != "full":
            raise ArgumentError(
                f"Argument `style` must be 'full' for noise with categories, which turn every angle, but is {style!r}."
            )
        self.num_continuous = noise_dim - num_categories
        self.readout_std = check_float("readout_std", readout_std, minimum=0, open_minimum=True)
        check_choice("init", init, INITS)
        small = 0.0 if init == "gaussian" else init_scale
        components = noise_components(circuit, noise_dim, style)
        self.style = StyleMap(noise_dim, circuit.num_inputs, init_scale=small, components=components)
        layer = QuantumLayer(control.controlled(circuit), observables=list(observables), execution=execution)
        self.layer: QuantumLayer | FourierSurrogate = layer
        self.readout: nn.Module = nn.Identity()
        if init == "gaussian":
            self._start_gaussian(circuit, check_float("init_scale", init_scale, minimum=0, maximum=1e6))
        if control.control == "frozen":
            self._freeze()
        elif control.control == "fourier":
            self.layer = FourierSurrogate(circuit, len(observables), num_frequencies=control.num_frequencies)
            begin_as(self.layer, layer, lambda rows: self.style(torch.randn(rows, noise_dim)))

    @property
    def execution(self) -> AbstractExecution:
        """Where the circuit runs; a surrogate has none."""
        return cast(QuantumLayer, self.layer).execution

    @execution.setter
    def execution(self, execution: AbstractExecution) -> None:
        cast(QuantumLayer, self.layer).execution = execution

    def forward(self, z: Tensor) -> Tensor:
        """Return samples (N, number of observables) of noise ``z`` (N, noise_dim)."""
        return self.of_angles(self.style(z))

    def of_angles(self, angles: Tensor) -> Tensor:
        """Return samples (N, number of observables) of angles (N, number of angles), in radians."""
        values: Tensor = self.readout(self.layer(angles) / self.readout_std)
        return values

    def example_inputs(self, num_rows: int, generator: torch.Generator) -> tuple[Tensor]:
        """Return noise (num_rows, noise_dim) to call the generator with."""
        return (torch.randn(num_rows, self.style.noise_dim, generator=generator),)

    @torch.no_grad()
    def _freeze(self) -> None:
        """Draw angles at random, for good, and let an affine map of the circuit's values be trained."""
        weight, bias = self.style.weight, self.style.bias
        nn.init.normal_(weight, std=1 / math.sqrt(self.style.noise_dim if self.style.components is None else 1))
        nn.init.uniform_(bias, -math.pi, math.pi)
        self.style.requires_grad_(False)
        values = self(torch.randn(_STANDARDIZING, self.style.noise_dim))
        self.readout = nn.Linear(values.shape[1], values.shape[1])
        start = min(self.readout_std, WIDEST_START) / self.readout_std
        scale = start / values.std(0).clamp(min=torch.finfo(values.dtype).tiny)
        self.readout.weight.copy_(scale.diag())
        self.readout.bias.copy_(-scale * values.mean(0))

    @torch.no_grad()
    def _start_gaussian(self, circuit: ParametrizedCircuit, init_scale: float) -> None:
        weight, bias = self.style.weight, self.style.bias
        spreads = last_spreads(circuit, min(self.readout_std, WIDEST_START))
        others = len(bias) - len(spreads)
        if others:
            # Angle k is sum_j W_kj z_j, of variance (number of its components) bound^2 / 3.
            length = init_scale * min(spreads.values())
            terms = self.num_continuous if self.style.components is None else 1
            bound = length * math.sqrt(3 / (others * terms))
            weight.uniform_(-bound, bound)
            if self.num_continuous < self.style.noise_dim:
                of_categories = _CATEGORY_LENGTH * math.sqrt(3 / others)
                weight[:, self.num_continuous :].uniform_(-of_categories, of_categories)
        for component, (angle, spread) in enumerate(spreads.items()):
            bias[angle] = math.pi / 2
            if self.style.components is not None:
                weight[angle] = spread
            else:
                weight[angle] = 0.0
                weight[angle, component % self.num_continuous] = spread


def last_spreads(circuit: ParametrizedCircuit, readout_std: float) -> dict[int, float]:
    """Return the standard deviations of the angles of :func:`last_rotations` that give X and Z that of ``readout_std``.

    Raises:
        ArgumentError: If a qubit ends with another gate.
    """
    variance = readout_std**2
    # Of a normal angle a: E sin^2 a = (1 - exp(-2 s^2)) / 2, and X is also shortened by the cosine of the RY.
    spreads = {
        "ry": math.sqrt(-math.log(1 - 2 * variance) / 2),
        "rz": math.sqrt(-math.log(1 - 2 * variance / (1 - variance)) / 2),
    }
    names = {
        instruction.operation.params[0]: instruction.operation.name
        for instruction in circuit.circuit.data
        if instruction.operation.params
    }
    return {number: spreads[names[circuit.input_params[number]]] for number in last_rotations(circuit)}


def noise_components(
    circuit: ParametrizedCircuit, noise_dim: int, style: Literal["full", "cyclic", "cyclic-shared"]
) -> list[int] | None:
    """Return the noise component of each input of a circuit whose inputs are its angles, in the order of the gates.

    "cyclic" takes the components in turn, k = 0, 1, ..., noise_dim - 1, 0, ..., one for each angle (arXiv 2110.06933).
    "cyclic-shared" does so too, but the second and the third of consecutive rotations of one qubit share a component,
    as in the tutorial of the code of arXiv 2110.06933. Under "full" each angle depends on all components: None.

    Raises:
        ArgumentError: If ``style`` is unknown.
    """
    if check_choice("style", style, STYLES) == "full":
        return None
    numbers = {parameter: number for number, parameter in enumerate(circuit.input_params)}
    components = [0] * circuit.num_inputs
    former: tuple[int, ...] = ()
    seen: set[Parameter] = set()
    k = length = 0
    for instruction in circuit.circuit.data:
        qubits = tuple(circuit.circuit.find_bit(qubit).index for qubit in instruction.qubits)
        length = length + 1 if len(qubits) == 1 and qubits == former else 1
        former = qubits
        for parameter in _parameters(instruction.operation, seen):
            if length == 3 and style == "cyclic-shared":
                k -= 1
            components[numbers[parameter]] = k % noise_dim
            k += 1
    return components


def _parameters(operation: Operation, seen: set[Parameter]) -> list[Parameter]:
    """Return the parameters of a gate that are not ``seen`` yet, in order, and add them."""
    expressions = [each for each in operation.params if isinstance(each, ParameterExpression)]
    found = [each for one in expressions for each in sorted(one.parameters, key=lambda each: each.name)]
    fresh = [each for each in dict.fromkeys(found) if each not in seen]
    seen.update(fresh)
    return fresh


def last_rotations(circuit: ParametrizedCircuit) -> list[int]:
    """Return the inputs that are the angles of the last RY and, if it follows, the last RZ of each qubit, in turn.

    Raises:
        ArgumentError: If a qubit ends with another gate.
    """
    endings: dict[int, list[tuple[str, int]]] = {qubit: [] for qubit in range(circuit.num_qubits)}
    numbers = {parameter: number for number, parameter in enumerate(circuit.input_params)}
    for instruction in circuit.circuit.data:
        qubits = [circuit.circuit.find_bit(qubit).index for qubit in instruction.qubits]
        number = numbers.get(instruction.operation.params[0], -1) if instruction.operation.params else -1
        for qubit in qubits:
            endings[qubit].append((instruction.operation.name, number))
    chosen: list[int] = []
    for qubit, gates in endings.items():
        length = 2 if [name for name, _ in gates[-2:]] == ["ry", "rz"] else 1
        tail = gates[-length:]
        if not tail or tail[0][0] != "ry" or any(number < 0 for _, number in tail):
            raise ArgumentError(
                f"The circuit must end with RY, or RY and RZ, on each qubit for `init='gaussian'`, but qubit {qubit} "
                "does not: choose `init='uniform'`."
            )
        chosen += [number for _, number in tail]
    return chosen
