"""Variational ansätze: rotations encode the inputs, and the angles of the layers are weights."""

from __future__ import annotations

from collections.abc import Sequence

from qiskit.circuit import ParameterVector, QuantumCircuit

from qiskit_qgen._checks import check_int
from qiskit_qgen.circuits.parametrized import ParametrizedCircuit
from qiskit_qgen.circuits.patterns import ROTATIONS, Pairs, add_layers, checked_gates, repeated_layers
from qiskit_qgen.exceptions import ArgumentError

_ENCODINGS = (*ROTATIONS, "h")
_DIAGONAL = ("rz", "p")


def hardware_efficient_ansatz(
    num_qubits: int,
    reps: int,
    *,
    encoding: str | Sequence[str] | None = "ry",
    rotations: Sequence[str] = ("ry",),
    entanglement: str | Pairs | Sequence[Pairs] = "ring",
    entangler: str | Sequence[str] = "cx",
    final_rotations: Sequence[str] = (),
) -> ParametrizedCircuit:
    """Build an encoding followed by layers of one-qubit rotations and entanglers (arXiv 1704.05018).

    With n qubits and the default of one rotation per layer there are n reps weights: 15 for 5 qubits and 3 layers. This
    is one reading of the block of arXiv 2507.09706, whose gates are not published.

    A rotation about Z that is followed only by permutations and measurements of Z has no effect on the output: the
    weights of ``rotations=("rz",)`` before only "cx" or "swap" would never learn.

    Args:
        num_qubits: The number n of qubits, at least 1.
        reps: The number of layers, at least 1.
        encoding: Gates that encode input x_q on qubit q, such as "ry" or ("h", "rz"): each of "rx", "ry", "rz", "p"
            rotates by x_q, in radians; "h" has no angle. None for a circuit without inputs.
        rotations: One-qubit gates of a layer, each with its own weight: "rx", "ry", "rz", "p".
        entanglement: As for :func:`style_ansatz`.
        entangler: As for :func:`style_ansatz`; each gate with an angle has its own weight.
        final_rotations: One-qubit gates after the last layer, each with a weight.

    Returns:
        The circuit, with n inputs (0 without encoding) and its weights in the order of the gates.

    Raises:
        ArgumentError: If a number is not positive, a gate or a pattern is unknown, a pair names a wrong qubit, the
            inputs would have no effect or there is no weight.
    """
    layers = repeated_layers(num_qubits, reps, entanglement)
    return _build(
        "hardware_efficient_ansatz", num_qubits, encoding, rotations, entangler, layers, final_rotations=final_rotations
    )


def strongly_entangling_ansatz(
    num_qubits: int,
    reps: int,
    *,
    encoding: str | Sequence[str] | None = "ry",
    rotations: Sequence[str] = ("rz", "ry", "rz"),
    entangler: str | Sequence[str] = "cx",
) -> ParametrizedCircuit:
    """Build an encoding followed by layers of full one-qubit rotations and entanglers of growing range.

    Layer l, counted from 0, entangles qubit q with qubit q + r mod n, where r = l mod (n - 1) + 1, as the
    circuit-centric classifiers of arXiv 1804.00633 do. The default has 3 n reps weights: 15 for 5 qubits and one layer,
    the other reading of the block of arXiv 2507.09706.

    The last "rz" of the last layer is followed only by permutations: if only Z is read out, these n weights have no
    effect. Read out X as well, or use ``rotations=("ry", "rz", "ry")``, which is an equally general rotation.

    Args:
        num_qubits: The number n of qubits, at least 1.
        reps: The number of layers, at least 1.
        encoding: As for :func:`hardware_efficient_ansatz`.
        rotations: One-qubit gates of a layer, each with its own weight.
        entangler: As for :func:`style_ansatz`.

    Returns:
        The circuit, with n inputs (0 without encoding) and its weights in the order of the gates.

    Raises:
        ArgumentError: If a number is not positive, a gate is unknown, the inputs would have no effect or there is no
            weight.
    """
    n, count = check_int("num_qubits", num_qubits, minimum=1), check_int("reps", reps, minimum=1)
    ranges = (layer % max(n - 1, 1) + 1 for layer in range(count))
    layers = [[(qubit, (qubit + reach) % n) for qubit in range(n)] if n > 1 else [] for reach in ranges]
    return _build("strongly_entangling_ansatz", n, encoding, rotations, entangler, layers)


def data_reuploading(
    num_qubits: int,
    reps: int,
    *,
    encoding: str | Sequence[str] = "ry",
    rotations: Sequence[str] = ("ry",),
    entanglement: str | Pairs | Sequence[Pairs] = "ring",
    entangler: str | Sequence[str] = "cx",
) -> ParametrizedCircuit:
    """Build layers that each begin with the encoding of the same inputs (arXiv 1907.02085).

    The output is a trigonometric polynomial in each input x_q. Its degree is at most the number of gates that rotate by
    x_q (arXiv 2008.08605): ``reps`` with one gate in the encoding.

    Args:
        num_qubits: The number n of qubits, at least 1.
        reps: The number of layers, at least 1.
        encoding: As for :func:`hardware_efficient_ansatz`, but not None.
        rotations: One-qubit gates of a layer, each with its own weight.
        entanglement: As for :func:`style_ansatz`.
        entangler: As for :func:`style_ansatz`; each gate with an angle has its own weight.

    Returns:
        The circuit, with n inputs and its weights in the order of the gates.

    Raises:
        ArgumentError: If a number is not positive, a gate or a pattern is unknown, a pair names a wrong qubit, the
            inputs would have no effect or there is no weight.
    """
    layers = repeated_layers(num_qubits, reps, entanglement)
    if encoding is None:
        raise ArgumentError("Argument `encoding` must name at least one gate, but is None.")
    return _build("data_reuploading", num_qubits, encoding, rotations, entangler, layers, upload_again=True)


def bottleneck_ansatz(num_qubits: int = 16, reps: int = 3, *, published: bool = False) -> ParametrizedCircuit:
    """Return RY(x) on each qubit, then ``reps`` layers of RZ(w), RY(w') on each qubit and a chain of CNOTs.

    Args:
        num_qubits: Number of qubits, and of inputs.
        reps: Number of layers.
        published: Whether to omit the RY of the layers, as in the code published with arXiv 2504.00034. None of its
            ``num_qubits * reps`` weights then affects the qubits' Z, since RZ is diagonal and CNOT permutes basis
            states, as :func:`~qiskit_qgen.studies.audit_gradients` reports. It is provided for the record.

    Returns:
        The circuit with ``num_qubits`` inputs and ``2 * num_qubits * reps`` weights, half as many if published; the
        weights in the order of their gates.

    Raises:
        ArgumentError: If a number is not positive.
    """
    rotations = ("rz",) if published else ("rz", "ry")
    return hardware_efficient_ansatz(num_qubits, reps, rotations=rotations, entanglement="linear")


def _build(
    name: str,
    num_qubits: int,
    encoding: str | Sequence[str] | None,
    rotations: Sequence[str],
    entangler: str | Sequence[str],
    layers: Sequence[Pairs],
    *,
    final_rotations: Sequence[str] = (),
    upload_again: bool = False,
) -> ParametrizedCircuit:
    encoders = _checked_encoding(encoding)
    circuit = QuantumCircuit(num_qubits, name=name)
    inputs = tuple(ParameterVector("x", num_qubits if encoders else 0))

    def encode(layer: int) -> None:
        for qubit, parameter in enumerate(inputs if layer == 0 or upload_again else ()):
            for gate in encoders:
                getattr(circuit, gate)(*([] if gate == "h" else [parameter]), qubit)

    weights = add_layers(circuit, "theta", rotations, entangler, layers, final_rotations, before=encode)
    return ParametrizedCircuit(circuit, inputs, weights)


def _checked_encoding(encoding: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the gates of the encoding if they let the inputs have an effect."""
    if encoding is None:
        return ()
    gates = checked_gates("encoding", [encoding] if isinstance(encoding, str) else encoding, _ENCODINGS)
    moved = False  # whether a qubit has left |0>, on which diagonal gates do nothing
    for gate in gates:
        if gate in _DIAGONAL and moved:
            return gates
        if gate in ("rx", "ry"):
            return gates
        moved = moved or gate == "h"
    raise ArgumentError(
        "Argument `encoding` must turn the qubits by the inputs, as 'ry' or ('h', 'rz') do, but "
        f"{encoding!r} leaves them as they are."
    )
