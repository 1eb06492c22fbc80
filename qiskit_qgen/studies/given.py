"""The settings and options that a study receives."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from qiskit_qgen._checks import check_type
from qiskit_qgen._settings import CUSTOM, Settings
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.studies.trials.folder import flat

AnySettings = TypeVar("AnySettings", bound=Settings)

_RUNNER = ("executor", "workers", "threads", "retry_failed", "on_trial")


def settings_of(name: str, given: Any, kind: type[AnySettings], *, set_here: Collection[str] = ()) -> AnySettings:
    """Return a study's settings, given as settings, as a mapping of names to values, or as None for the defaults.

    The options ``set_here`` are those that the study sets itself.

    Raises:
        ArgumentError: If a value is out of range or has no effect (because the study sets it), or is an object that
            other processes cannot recreate.
        ArgumentTypeError: If a name is unknown or a value has the wrong type.
    """
    rule = f"a {kind.__name__}, a mapping of its options or None"
    check_type(name, given, (kind, Mapping, type(None)), rule)
    settings = given if isinstance(given, kind) else kind.of(**(given or {}))
    settings.refuse(set_here, f"in `{name}`: the study sets it")
    own = next((option for option, value in flat(settings.to_dict()).items() if value == CUSTOM), None)
    if own is not None:
        raise ArgumentError(
            f"Argument `{name}` must hold settings that other processes can read from a file, but its `{own}` is an "
            "object of your own: leave it out."
        )
    return kind.of(**{option: value for option, value in settings.to_dict().items() if option != "kind"})


def split_options(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a study's options, and the options of :func:`~qiskit_qgen.studies.run_trials`."""
    own = {name: value for name, value in options.items() if name not in _RUNNER}
    return own, {name: options[name] for name in _RUNNER if name in options}
