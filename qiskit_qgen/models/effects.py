"""Which of a model's arguments have an effect, given the others: the rest must be left out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from qiskit_qgen.exceptions import ArgumentError


class Rule(NamedTuple):
    """When arguments have an effect."""

    names: tuple[str, ...]
    """Arguments"""
    effective: Callable[[Mapping[str, Any]], bool]
    """that have an effect if this holds,"""
    otherwise: str
    """and none in this case."""


def argument_defaults(model_class: type) -> dict[str, Any]:
    """Return the default values of a constructor's arguments, in the form in which they are saved."""
    parameters = inspect.signature(model_class).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in defaults.items()}


def refuse_idle(arguments: Mapping[str, Any], defaults: Mapping[str, Any], rules: Sequence[Rule]) -> None:
    """Raise unless all arguments that have no effect have their defaults.

    Raises:
        ArgumentError: If an argument without effect has another value.
    """
    for name, case in idle_arguments(arguments, rules):
        given, default = arguments[name], defaults[name]
        if type(given) is not type(default) or given != default:
            raise ArgumentError(f"Argument `{name}` has no effect {case}: leave it out.")


def idle_arguments(arguments: Mapping[str, Any], rules: Sequence[Rule]) -> Iterator[tuple[str, str]]:
    """Yield the arguments that have no effect, each with the case in which that is so."""
    for rule in rules:
        if not rule.effective(arguments):
            yield from ((name, rule.otherwise) for name in rule.names)


def effective_arguments(saved: Mapping[str, Any], defaults: Mapping[str, Any], rules: Sequence[Rule]) -> dict[str, Any]:
    """Return saved arguments completed, with the defaults for those without effect, which could once be given."""
    arguments = {**defaults, **saved}
    return arguments | {name: defaults[name] for name, _ in idle_arguments(arguments, rules)}
