"""The style-based ansatz: a circuit in which every angle is an input, because every angle depends on the noise."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike
from qiskit.circuit import ParameterVector, QuantumCircuit

from qiskit_qgen._checks import check_array, check_shape, check_type
from qiskit_qgen.circuits.parametrized import ParametrizedCircuit
from qiskit_qgen.circuits.patterns import Pairs, add_layers, repeated_layers
from qiskit_qgen.exceptions import ArgumentError


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
    pair of the ``entanglement``. The ``final_rotations`` follow the last layer. A style map
    (:class:`~qiskit_qgen.layers.StyleMap`) computes the angles from noise z as angle = W z + b, so the noise enters
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
            the ring in the next two, then the same four layers with the pairs reversed; with only two layers, each kind
            gets one), "linear" (q, q + 1), "full" (all q < r), "none", or pairs (control, target), or a list of such
            lists, through which the layers cycle.
        entangler: One two-qubit gate for each pair, or several: "cx", "cz", "swap", "crx", "cry", "crz", "cp", "rxx",
            "ryy", "rzz".
        final_rotations: One-qubit gates after the last layer; None for the same as ``rotations``.

    Returns:
        The circuit; its ``input_params`` are all the angles in the order of the gates. It has no weights.

    Raises:
        ArgumentError: If a number is not positive, a gate or a pattern is unknown, or a pair names a wrong qubit.
    """
    layers = repeated_layers(num_qubits, reps, entanglement)
    circuit = QuantumCircuit(num_qubits, name="style_ansatz")
    final = rotations if final_rotations is None else final_rotations
    return ParametrizedCircuit(circuit, add_layers(circuit, "angle", rotations, entangler, layers, final))


def bind_style_map(
    ansatz: ParametrizedCircuit, weight: ArrayLike, bias: ArrayLike, z: ArrayLike | None = None
) -> ParametrizedCircuit:
    """Insert the affine map angle = W z + b into a style ansatz.

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
        ArgumentError: If a shape is wrong, a number is not finite, the ansatz has weights, or the noise is kept but one
            of its components is used by no angle.
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
