"""Circuits and observables of the user's own in the settings of a model's parts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import Any, cast

from qiskit_qgen._settings import Settings
from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.circuits.observables import plain_observables
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.simulator.programs.lowering import MAX_QUBITS


def take_own_circuit(
    settings: Any, without_effect: Collection[str], *, has_weights: bool
) -> ParametrizedCircuit | None:
    """Return the own circuit that the option `ansatz` of a part holds, checked; None if it holds none.

    The option `num_qubits` takes the circuit's number.

    Args:
        settings: Settings with the options `ansatz` and `num_qubits`.
        without_effect: Options that build a circuit.
        has_weights: Whether the circuit's weights are trained; or else all its parameters must be inputs.

    Raises:
        ArgumentError: If the circuit has other parameters than the part needs or too many qubits, or an option has no
            effect beside it.
    """
    circuit = settings.ansatz
    if not isinstance(circuit, ParametrizedCircuit):
        return None
    settings.refuse(without_effect, "with an ansatz of your own")
    if settings.num_qubits not in (circuit.num_qubits, type(settings).num_qubits):
        raise ArgumentError(
            f"Argument `num_qubits` must be that of your own ansatz, {circuit.num_qubits}, or left out, but is "
            f"{settings.num_qubits}."
        )
    if circuit.num_qubits > MAX_QUBITS:
        raise ArgumentError(f"Argument `ansatz` must have at most {MAX_QUBITS} qubits, but has {circuit.num_qubits}.")
    if not circuit.num_inputs:
        raise ArgumentError("Argument `ansatz` must have inputs, `input_params`, but has none.")
    if has_weights and not circuit.num_weights:
        raise ArgumentError("Argument `ansatz` must have weights to train, `weight_params`, but has none.")
    if not has_weights and circuit.num_weights:
        raise ArgumentError(
            f"Argument `ansatz` must have inputs only, as an affine map of the noise gives every angle, but has "
            f"{circuit.num_weights} weights: list all its parameters as `input_params`."
        )
    object.__setattr__(settings, "num_qubits", circuit.num_qubits)
    return circuit


def take_observables(settings: Any) -> None:
    """Bring the option `observables` of a part into the form that is saved.

    Raises:
        ArgumentError: If it holds something else than observables of `num_qubits` qubits.
    """
    found = plain_observables("observables", settings.observables, settings.num_qubits)
    object.__setattr__(settings, "observables", found)


def own_ansatz(config: Settings) -> ParametrizedCircuit | None:
    """Return the circuit of the user's own that a part of the settings holds; None without."""
    for each in fields(cast(Any, config)):
        found = getattr(getattr(config, each.name), "ansatz", None)
        if isinstance(found, ParametrizedCircuit):
            return found
    return None
