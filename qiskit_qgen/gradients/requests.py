"""What all gradients share: how a call of QML's ``run`` is read, without doing anything twice, and answered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.providers import Options
from qiskit.quantum_info.operators.base_operator import BaseOperator
from qiskit_machine_learning.algorithm_job import AlgorithmJob
from qiskit_machine_learning.gradients import (
    BaseEstimatorGradient,
    BaseSamplerGradient,
    EstimatorGradientResult,
    SamplerGradientResult,
)

from qiskit_qgen.exceptions import ArgumentError

Values: TypeAlias = Sequence[Sequence[float]] | np.ndarray
"""Values of each circuit's parameters."""


@dataclass(frozen=True)
class Group:
    """The items of a call that have the same circuit and ask for derivatives by the same parameters."""

    circuit: QuantumCircuit
    wanted: list[int]
    """The circuit's parameters to differentiate by, by number."""
    numbers: list[int]
    """Which items these are."""
    values: NDArray[np.float64]
    """Their parameter values, (len(numbers), num_parameters)."""
    observables: list[BaseOperator]
    """Their observables; none for probabilities."""


class AbstractGradient(ABC):
    """How a call is read and answered, be it of expectation values or of probabilities."""

    _option: ClassVar[str | None] = None
    """The option that :meth:`run` takes."""
    _default_options: Options
    _validate_arguments: Callable[..., None]

    @property
    def options(self) -> Options:
        """Return the default options."""
        return copy(self._default_options)

    @abstractmethod
    def _job(self, *arguments: Any, **options: Any) -> AlgorithmJob:
        """Return a job from the arguments of :meth:`_run`."""

    @abstractmethod
    def _result(self, gradients: list[Any], parameters: Sequence[Sequence[Parameter]], options: Options) -> Any:
        """Return the result of QML."""

    def _read(
        self, arguments: Sequence[Any], parameters: Sequence[Sequence[Parameter] | None] | None, options: dict[str, Any]
    ) -> AlgorithmJob:
        """Check a call of :meth:`run` and return its job; circuits come first, parameter values last."""
        circuits, *_ = arguments
        chosen = _parameters_of(circuits, parameters)
        _validate_once(self._validate_arguments, (*arguments, chosen), values=len(arguments) - 1)
        return self._job(*arguments, chosen, **{**vars(self._default_options), **options})

    def _value_of_option(self, options: dict[str, Any]) -> Any:
        """Return the one option, or None; refuse all others."""
        unknown = sorted(set(options) - {self._option})
        if unknown:
            kind = (
                f"this gradient, which has `{self._option}` alone" if self._option else "an exact gradient: remove them"
            )
            raise ArgumentError(f"Arguments {unknown} are not options of {kind}.")
        return options.get(self._option) if self._option else None

    def _answer(
        self,
        found: Iterable[tuple[Group, Iterable[Any]]],
        parameters: Sequence[Sequence[Parameter]],
        option: Any = None,
    ) -> Any:
        """Return the result from the gradients of each group's items."""
        gradients: list[Any] = [None] * len(parameters)
        for group, of_group in found:
            for number, gradient in zip(group.numbers, of_group, strict=True):
                gradients[number] = gradient
        options = {self._option: option} if self._option and option is not None else {}
        return self._result(gradients, parameters, Options(**options))


class AbstractEstimatorGradient(AbstractGradient, BaseEstimatorGradient):
    """Gradients of expectation values."""

    def run(
        self,
        circuits: Sequence[QuantumCircuit],
        observables: Sequence[BaseOperator],
        parameter_values: Values,
        parameters: Sequence[Sequence[Parameter] | None] | None = None,
        **options: Any,
    ) -> AlgorithmJob:
        """Compute the gradient of the expectation value of ``observables[i]`` on ``circuits[i]``, for each i.

        Args:
            circuits: The circuits; or one alone.
            observables: The observables; or one alone.
            parameter_values: Values of each circuit's parameters, in the order of ``QuantumCircuit.parameters``.
            parameters: By which parameters to differentiate; None, for all or for one circuit, for all of them.
            **options: ``precision``, instead of the default, for gradients that ask a primitive; others have none.

        Returns:
            A job whose result has ``gradients[i]``, (num_parameters,).

        Raises:
            ValueError: If the numbers of arguments, of values or of qubits do not fit each other.
            ArgumentError: If there are other options; on the simulator, from the job, as is what follows. Also if an
                observable has complex coefficients.
            GradientError: If the rule does not fit a circuit.
            UnsupportedCircuitError: If a circuit holds something that the simulator cannot run.
        """
        circuits = (circuits,) if isinstance(circuits, QuantumCircuit) else circuits
        observables = (observables,) if isinstance(observables, BaseOperator) else observables
        return self._read((circuits, observables, parameter_values), parameters, options)

    def _result(
        self, gradients: list[Any], parameters: Sequence[Sequence[Parameter]], options: Options
    ) -> EstimatorGradientResult:
        metadata = [{"parameters": list(chosen)} for chosen in parameters]
        return EstimatorGradientResult(gradients=gradients, metadata=metadata, options=options)


class AbstractSamplerGradient(AbstractGradient, BaseSamplerGradient):
    """Gradients of the probabilities of outcomes."""

    def run(
        self,
        circuits: Sequence[QuantumCircuit],
        parameter_values: Values,
        parameters: Sequence[Sequence[Parameter] | None] | None = None,
        **options: Any,
    ) -> AlgorithmJob:
        """Compute the gradients of the probabilities of the outcomes of ``circuits[i]``, for each i.

        Args:
            circuits: The circuits, measured; or one alone.
            parameter_values: Values of each circuit's parameters, in the order of ``QuantumCircuit.parameters``.
            parameters: By which parameters to differentiate; None, for all or for one circuit, for all of them.
            **options: ``shots``, instead of the default, for gradients that ask a primitive; others have none.

        Returns:
            A job whose result has ``gradients[i][j]``, the derivatives of the probabilities by parameter j: a
            dictionary from outcomes, as integers, to numbers that are not zero.

        Raises:
            ValueError: If the numbers of arguments or of values do not fit each other.
            ArgumentError: If a circuit has no measurements, or there are other options; on the simulator, from the job,
                as is what follows.
            GradientError: If a gate with parameters has no exact rule.
            UnsupportedCircuitError: If a circuit holds something that the simulator cannot run.
        """
        circuits = (circuits,) if isinstance(circuits, QuantumCircuit) else circuits
        return self._read((circuits, parameter_values), parameters, options)

    def _result(
        self, gradients: list[Any], parameters: Sequence[Sequence[Parameter]], options: Options
    ) -> SamplerGradientResult:
        metadata = [[{"parameters": list(chosen)}] for chosen in parameters]
        return SamplerGradientResult(gradients=gradients, metadata=metadata, options=options)


def group_items(circuits: Sequence[QuantumCircuit], *arguments: Any) -> list[Group]:
    """Group the items of a call by circuit, by identity, and by the choice of parameters.

    Args:
        circuits: The circuits.
        *arguments: The observables, if it is about these, the parameter values and the parameters.
    """
    *observables, parameter_values, parameters = arguments
    columns: dict[int, dict[Parameter, int]] = {}
    chosen: dict[tuple[int, int], tuple[int, ...]] = {}
    members: dict[tuple[int, tuple[int, ...]], list[int]] = {}
    for number, (circuit, wanted) in enumerate(zip(circuits, parameters, strict=True)):
        if id(circuit) not in columns:
            columns[id(circuit)] = {parameter: column for column, parameter in enumerate(circuit.parameters)}
        key = (id(circuit), id(wanted))
        if key not in chosen:
            chosen[key] = tuple(columns[id(circuit)][parameter] for parameter in wanted)
        members.setdefault((id(circuit), chosen[key]), []).append(number)
    groups = []
    for (_, columns_wanted), numbers in members.items():
        values = np.array([parameter_values[number] for number in numbers], np.float64)
        theirs = [each[number] for each in observables for number in numbers]
        groups.append(Group(circuits[numbers[0]], list(columns_wanted), numbers, values, theirs))
    return groups


def _parameters_of(
    circuits: Sequence[QuantumCircuit], parameters: Sequence[Sequence[Parameter] | None] | None
) -> list[Sequence[Parameter]]:
    """Return by which parameters each circuit is to be differentiated; None stands for all of them."""
    wanted = [None] * len(circuits) if parameters is None else parameters
    if len(wanted) != len(circuits):
        raise ArgumentError(
            f"Argument `parameters` must have one entry for each of the {len(circuits)} circuits, "
            f"but has {len(wanted)}."
        )
    known = {id(circuit): circuit.parameters for circuit in {id(each): each for each in circuits}.values()}
    return [known[id(circuit)] if of_one is None else of_one for circuit, of_one in zip(circuits, wanted, strict=True)]


def _validate_once(validate: Callable[..., None], arguments: Sequence[Any], *, values: int) -> None:
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
