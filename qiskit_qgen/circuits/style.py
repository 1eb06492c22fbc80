"""The style-based ansatz: a circuit in which every angle is an input, because every angle depends on the noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from numbers import Integral
from typing import Any

from numpy.typing import ArrayLike
from qiskit.circuit import ParameterVector, QuantumCircuit

from qiskit_qgen._checks import check_array, check_choice, check_int, check_shape, check_type
from qiskit_qgen.circuits.parametrized import ParametrizedCircuit
from qiskit_qgen.exceptions import ArgumentError

Pairs = Sequence[tuple[int, int]]

_ROTATIONS = ("rx", "ry", "rz", "p")
_ENTANGLERS = ("cx", "cz", "crx", "cry", "crz", "cp", "rxx", "ryy", "rzz", "swap")
_PARAMETRIC_ENTANGLERS = ("crx", "cry", "crz", "cp", "rxx", "ryy", "rzz")
_PATTERNS = ("ring", "brick", "linear", "full", "none")


def style_ansatz(
    num_qubits: int,
    reps: int,
    *,
    rotations: Sequence[str] = ("ry", "rz"),
    entanglement: str | Pairs | Sequence[Pairs] = "ring",
    entangler: str | Sequence[str] = "cx",
    final_rotations: Sequence[str] | None = None,
) -> ParametrizedCircuit:
    """Build a layered circuit whose every angle is an input.

    Each of the ``reps`` layers has the ``rotations``, one after another on each qubit, then the ``entangler`` on each
    pair of the ``entanglement``; ``final_rotations`` follow the last layer. A style map
    (:class:`~qiskit_qgen.layers.StyleMap`) makes the angles from noise z: angle = W z + b, so the noise enters in
    every gate.

    =================================  ==============================================================================
    circuit                            arguments
    =================================  ==============================================================================
    default of this package            none; 2 n (reps + 1) angles
    style-qGAN, arXiv 2110.06933       ``rotations=("ry", "rz", "ry", "rz"), entangler="cry",
                                       final_rotations=("ry",)``; 5 n reps + n angles, so 10 n reps + 2 n weights
                                       with one noise component per angle
    its 3-qubit form, as published     the same with ``entanglement=[[(0, 1), (0, 2)], [(1, 2), (2, 0)]]``
    LaSt-QGAN, arXiv 2406.02668        ``rotations=("ry", "rz", "ry", "rz"), entangler=("cry", "crz"),
                                       final_rotations=()``; 6 n reps angles, so 6 n^2 + 6 n weights a layer with a
                                       full map of n noise components
    =================================  ==============================================================================

    Args:
        num_qubits: The number n of qubits, at least 1.
        reps: The number of layers, at least 1.
        rotations: One-qubit gates of a layer: "rx", "ry", "rz", "p".
        entanglement: "ring" (q, q + 1 mod n), "brick" (even bonds (0, 1), (2, 3), ... in two layers, odd bonds closing
            the ring in the next two, then the same four with the pairs turned round), "linear" (q, q + 1), "full" (all
            q < r), "none", or pairs (control, target), or a list of such lists, which the layers take in turn.
        entangler: Two-qubit gate, or several for each pair: "cx", "cz", "swap", "crx", "cry", "crz", "cp", "rxx",
            "ryy", "rzz".
        final_rotations: One-qubit gates after the last layer; None for the same as ``rotations``.

    Returns:
        The circuit; its ``input_params`` are all the angles in the order of the gates, it has no weights.

    Raises:
        ArgumentError: If a number is not positive, a gate or a pattern is unknown, or a pair names a wrong qubit.
    """
    num_qubits = check_int("num_qubits", num_qubits, minimum=1)
    reps = check_int("reps", reps, minimum=1)
    rotations = _checked_gates("rotations", rotations, _ROTATIONS)
    final = rotations if final_rotations is None else _checked_gates("final_rotations", final_rotations, _ROTATIONS)
    entanglers = _checked_gates("entangler", [entangler] if isinstance(entangler, str) else entangler, _ENTANGLERS)
    layers = _pairs_of_layers(entanglement, num_qubits)
    num_angles = num_qubits * (reps * len(rotations) + len(final))
    parametric = sum(gate in _PARAMETRIC_ENTANGLERS for gate in entanglers)
    num_angles += parametric * sum(len(layers[layer % len(layers)]) for layer in range(reps))
    if not num_angles:
        raise ArgumentError(
            "Arguments `rotations` and `entangler` must give at least one angle, but no gate of them has one."
        )

    circuit = QuantumCircuit(num_qubits, name="style_ansatz")
    angles = ParameterVector("angle", num_angles)
    unused = iter(angles)
    for layer in range(reps):
        _add_rotations(circuit, rotations, unused)
        for pair in layers[layer % len(layers)]:
            for gate in entanglers:
                arguments = [next(unused)] if gate in _PARAMETRIC_ENTANGLERS else []
                getattr(circuit, gate)(*arguments, *pair)
    _add_rotations(circuit, final, unused)
    return ParametrizedCircuit(circuit, tuple(angles))


def bind_style_map(
    ansatz: ParametrizedCircuit, weight: ArrayLike, bias: ArrayLike, z: ArrayLike | None = None
) -> ParametrizedCircuit:
    """Put the affine map angle = W z + b into a style ansatz.

    Args:
        ansatz: A circuit from :func:`style_ansatz`, with A angles.
        weight: W, (A, noise_dim).
        bias: b, (A,), in radians.
        z: One noise vector, (noise_dim,), to bind; None to keep the noise as the circuit's inputs.

    Returns:
        The circuit without parameters if ``z`` is given; else with ``noise_dim`` inputs z[0], z[1], ... in the
        angles' expressions.

    Raises:
        ArgumentTypeError: If an argument has the wrong type.
        ArgumentError: If a shape is wrong, a number is not finite, the ansatz has weights of its own, or the noise is
            kept and one of its components is used by no angle.
    """
    check_type("ansatz", ansatz, ParametrizedCircuit, "a ParametrizedCircuit")
    if ansatz.num_weights:
        raise ArgumentError(f"Argument `ansatz` must have inputs only, but has {ansatz.num_weights} weights.")
    weight, bias = check_array("weight", weight), check_array("bias", bias)
    matches = weight.ndim == 2 and weight.shape[0] == ansatz.num_inputs
    check_shape("weight", weight.shape, f"({ansatz.num_inputs}, noise_dim)", matches)
    check_shape("bias", bias.shape, f"({ansatz.num_inputs},)", bias.shape == (ansatz.num_inputs,))
    if z is not None:
        z = check_array("z", z)
        check_shape("z", z.shape, f"({weight.shape[1]},)", z.shape == weight.shape[1:])
        return ParametrizedCircuit(ansatz.bind(weight @ z + bias))
    idle = [column for column in range(weight.shape[1]) if not weight[:, column].any()]
    if idle:
        raise ArgumentError(f"Argument `weight` must use every noise component, but its columns {idle} are zero.")
    noise = ParameterVector("z", weight.shape[1])
    values = {}
    for parameter, row, offset in zip(ansatz.input_params, weight, bias, strict=True):
        terms = (float(w) * component for w, component in zip(row, noise, strict=True) if w)
        values[parameter] = sum(terms, start=float(offset))
    return ParametrizedCircuit(ansatz.circuit.assign_parameters(values), tuple(noise))


def _add_rotations(circuit: QuantumCircuit, rotations: Sequence[str], unused: Iterator[object]) -> None:
    for qubit in range(circuit.num_qubits):
        for gate in rotations:
            method: Callable[..., object] = getattr(circuit, gate)
            method(next(unused), qubit)


def _checked_gates(name: str, gates: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    if isinstance(gates, str) or not isinstance(gates, Sequence):
        raise ArgumentError(
            f"Argument `{name}` must be a sequence of gate names such as ('ry', 'rz'), but is {gates!r}."
        )
    return tuple(check_choice(name, gate, known) for gate in gates)


def _pairs_of_layers(entanglement: str | Pairs | Sequence[Pairs], num_qubits: int) -> list[list[tuple[int, int]]]:
    """Return the pairs of each layer; the layers take the lists in turn."""
    if isinstance(entanglement, str):
        check_choice("entanglement", entanglement, _PATTERNS)
        if entanglement == "brick":
            return _brick_layers(num_qubits)
        n = num_qubits
        patterns: dict[str, list[tuple[int, int]]] = {
            "ring": [(q, (q + 1) % n) for q in range(n)] if n > 1 else [],
            "linear": [(q, q + 1) for q in range(n - 1)],
            "full": [(q, r) for q in range(n) for r in range(q + 1, n)],
            "none": [],
        }
        return [patterns[entanglement]]
    check_type("entanglement", entanglement, Sequence, f"{', '.join(map(repr, _PATTERNS))} or pairs of qubits")
    layers: Sequence[Any] = [entanglement]
    if entanglement and all(_is_layer(element) for element in entanglement):
        layers = entanglement
    return [[_checked_pair(pair, num_qubits) for pair in layer] for layer in layers]


def _brick_layers(num_qubits: int) -> list[list[tuple[int, int]]]:
    """Return the pairs of eight layers: even bonds twice, odd bonds twice, then the same with the pairs turned."""
    even = [(qubit, qubit + 1) for qubit in range(0, num_qubits - 1, 2)]
    odd = [(qubit, qubit + 1) for qubit in range(1, num_qubits - 1, 2)]
    if num_qubits % 2 == 0 and num_qubits > 2:
        odd.append((num_qubits - 1, 0))
    turned = [[(target, control) for control, target in pairs] for pairs in (even, odd)]
    return [even, even, odd, odd, turned[0], turned[0], turned[1], turned[1]]


def _is_layer(element: Any) -> bool:
    """Whether an element of ``entanglement`` is a list of pairs, and no pair itself."""
    return isinstance(element, Sequence) and not any(isinstance(member, Integral) for member in element)


def _checked_pair(pair: Any, num_qubits: int) -> tuple[int, int]:
    valid = isinstance(pair, Sequence) and len(pair) == 2 and pair[0] != pair[1]
    if not valid or not all(isinstance(qubit, Integral) and 0 <= int(qubit) < num_qubits for qubit in pair):
        raise ArgumentError(
            f"Argument `entanglement` must hold pairs of two different qubits from 0 to {num_qubits - 1}, "
            f"but holds {pair!r}."
        )
    return int(pair[0]), int(pair[1])
