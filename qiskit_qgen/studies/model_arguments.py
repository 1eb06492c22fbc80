"""Further arguments of a model that a study hands on."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from qiskit_qgen._checks import check_choice, check_type


def further_arguments(model_class: type, given: Any, set_here: Sequence[str], *, name: str = "model") -> dict[str, Any]:
    """Return a study's further arguments of a model, whose names are known and not among those ``set_here``.

    Args:
        model_class: The model's class.
        given: A mapping of arguments, or None for none.
        set_here: Names of the model's arguments that the study sets itself.
        name: What the study calls ``given``.

    Raises:
        ArgumentError: If a name is unknown.
        ArgumentTypeError: If ``given`` is no mapping.
    """
    arguments = dict(check_type(name, {} if given is None else given, Mapping, "a mapping of arguments"))
    known = [each for each in inspect.signature(model_class).parameters if each not in set_here]
    for each in arguments:
        check_choice(name, each, known)
    return arguments
