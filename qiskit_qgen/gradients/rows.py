"""How a call of QML's ``run`` becomes rows of parameter values of few circuits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import Parameter, QuantumCircuit

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.gradients.requests import by_circuit, chosen_columns


@dataclass(frozen=True)
class RowsOfCircuit:
    """The items of a call that have the same circuit and ask for derivatives by the same parameters."""

    circuit: QuantumCircuit
    wanted: list[int]
    """The circuit's parameters to differentiate by, by number."""
    numbers: list[int]
    """Which items these are."""
    values: NDArray[np.float64]
    """Their parameter values, (len(numbers), num_parameters)."""


def rows_by_circuit(
    circuits: Sequence[QuantumCircuit],
    parameter_values: Sequence[Sequence[float]] | NDArray[np.float64],
    parameters: Sequence[Sequence[Parameter]],
) -> list[RowsOfCircuit]:
    """Group the items by circuit, by identity, and by the choice of parameters."""
    groups: list[RowsOfCircuit] = []
    for circuit, numbers in by_circuit(circuits):
        chosen: dict[tuple[int, ...], list[int]] = {}
        everything = tuple(range(circuit.num_parameters))
        columns = chosen_columns(circuit, [parameters[number] for number in numbers])
        for number, wanted in zip(numbers, columns, strict=True):
            chosen.setdefault(everything if wanted is None else tuple(wanted), []).append(number)
        for key, members in chosen.items():
            values = np.array([parameter_values[number] for number in members], np.float64)
            groups.append(RowsOfCircuit(circuit, list(key), members, values))
    return groups


def single_option(name: str, options: dict[str, Any]) -> Any:
    """Return the option ``name``, or None; refuse all others."""
    unknown = sorted(set(options) - {name})
    if unknown:
        raise ArgumentError(f"Arguments {unknown} are not options of this gradient, which has `{name}` alone.")
    return options.get(name)
