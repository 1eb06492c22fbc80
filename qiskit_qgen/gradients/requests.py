"""What the exact gradients share: how a call of QML's ``run`` is read without doing anything twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import torch
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.quantum_info import Pauli, SparseObservable, SparsePauliOp
from qiskit.quantum_info.operators.base_operator import BaseOperator
from qiskit_machine_learning.algorithm_job import AlgorithmJob

from qiskit_qgen._checks import check_type
from qiskit_qgen._jobs import FinishedJob
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.simulator.programs.expressions import SlotEvaluator
from qiskit_qgen.simulator.programs.observables import pauli_words


class FinishedGradientJob(FinishedJob[Any], AlgorithmJob):
    """A job of a gradient that is finished when it is made."""


def parameters_of(
    circuits: Sequence[QuantumCircuit], parameters: Sequence[Sequence[Parameter] | None] | None
) -> list[Sequence[Parameter]]:
    """Return by which parameters each circuit is to be differentiated; None stands for all of them."""
    known: dict[int, Sequence[Parameter]] = {}
    chosen: list[Sequence[Parameter]] = []
    wanted = [None] * len(circuits) if parameters is None else parameters
    if len(wanted) != len(circuits):
        raise ArgumentError(
            f"Argument `parameters` must have one entry for each of the {len(circuits)} circuits, "
            f"but has {len(wanted)}."
        )
    for circuit, of_one in zip(circuits, wanted, strict=True):
        if of_one is None and id(circuit) not in known:
            known[id(circuit)] = circuit.parameters
        chosen.append(known[id(circuit)] if of_one is None else of_one)
    return chosen


def validate_once(validate: Callable[..., None], arguments: Sequence[Any], *, values: int) -> None:
    """Call ``validate`` on the different items alone, and on all of them if it finds fault, for the right message.

    A network asks for the same circuit, observables and parameters again and again, and QML's validation sorts the
    circuit's parameters for each.

    Args:
        validate: Takes the arguments and raises ``ValueError``.
        arguments: One sequence per argument.
        values: Which of the arguments are parameter values, where only their number counts.
    """
    if len({len(argument) for argument in arguments}) == 1:
        marks = (map(len if place == values else id, argument) for place, argument in enumerate(arguments))
        distinct: dict[tuple[int, ...], int] = {}
        for number, key in enumerate(zip(*marks, strict=True)):
            distinct.setdefault(key, number)
        with suppress(ValueError):
            validate(*([argument[number] for number in distinct.values()] for argument in arguments))
            return
    validate(*arguments)


def by_circuit(circuits: Sequence[QuantumCircuit]) -> list[tuple[QuantumCircuit, list[int]]]:
    """Return the different circuits, by identity, and where each of them is."""
    groups: dict[int, list[int]] = {}
    for number, circuit in enumerate(circuits):
        groups.setdefault(id(circuit), []).append(number)
    return [(circuits[numbers[0]], numbers) for numbers in groups.values()]


def chosen_columns(circuit: QuantumCircuit, parameters: Sequence[Sequence[Parameter]]) -> list[list[int] | None]:
    """Return which of the circuit's parameters each entry names, None for all of them in order."""
    columns = {parameter: column for column, parameter in enumerate(circuit.parameters)}
    everything = list(range(len(columns)))
    known: dict[int, list[int] | None] = {}
    for chosen in parameters:
        if id(chosen) not in known:
            wanted = [columns[parameter] for parameter in chosen]
            known[id(chosen)] = None if wanted == everything else wanted
    return [known[id(chosen)] for chosen in parameters]


def check_no_options(options: dict[str, Any]) -> None:
    """Raise :class:`ArgumentError` if there are options: an exact gradient has none."""
    if options:
        raise ArgumentError(f"Arguments {sorted(options)} are not options of an exact gradient: remove them.")


def pull_back_slots(evaluate: SlotEvaluator, values: torch.Tensor, by_slot: torch.Tensor) -> torch.Tensor:
    """Return derivatives by the circuit's parameters from those by its slots: the chain rule, once for all rows.

    Args:
        evaluate: The circuit's expressions.
        values: Parameter values, (rows, num_parameters).
        by_slot: Derivatives, (rows, num_slots).

    Returns:
        (rows, num_parameters).
    """
    leaf = values.detach().clone().requires_grad_()
    slots = evaluate(leaf)
    if not slots.requires_grad:  # the parameters are in the global phase alone
        return torch.zeros_like(values)
    (gradient,) = torch.autograd.grad(slots, leaf, by_slot)
    return gradient


def as_pauli_op(observable: BaseOperator) -> SparsePauliOp:
    """Return an observable as the simulator takes it."""
    if isinstance(observable, SparsePauliOp):
        return observable
    if isinstance(observable, SparseObservable):
        return pauli_words(observable)
    kinds = "SparsePauliOp, SparseObservable or Pauli operators"
    check_type("observables", observable, (SparsePauliOp, Pauli), kinds)
    return SparsePauliOp(observable)
