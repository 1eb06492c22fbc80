"""Devices: by name through a service, or as objects that are simulated locally."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

from qiskit.providers import BackendV2

from qiskit_qgen._checks import check_type, nearest
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, ExecutionError

LEAST_BUSY = "least_busy"


def resolve_backend(backend: str | BackendV2, service: Any = None) -> BackendV2:
    """Return the device.

    Args:
        backend: The name of a device of the service, "least_busy" for the one with the shortest queue, the name of one
            of Runtime's fake devices ("fake_torino"), or a device object, which is returned as it is.
        service: A ``QiskitRuntimeService``; None for the account that is saved on this computer.

    Raises:
        ArgumentTypeError: If ``backend`` is neither text nor a device.
        ArgumentError: If there is no device of that name, or ``service`` is given with a local device.
        ExecutionError: If no account is saved, its file is damaged, or the service refuses it or cannot be reached.
    """
    check_type("backend", backend, (str, BackendV2), "a device's name or a device such as FakeTorino()")
    if isinstance(backend, BackendV2) or backend.startswith("fake_"):
        if service is not None:
            raise ArgumentError(
                "Argument `service` must be None with a local device or a device object, which has its own, if any."
            )
        return _with_target(backend) if isinstance(backend, BackendV2) else _fake_backend(backend)
    if service is not None and not all(hasattr(service, name) for name in ("backend", "backends", "least_busy")):
        raise ArgumentTypeError(
            f"Argument `service` must be a QiskitRuntimeService or None, but is of type {type(service).__name__}."
        )
    return _remote_backend(backend, _saved_service() if service is None else service)


def _with_target(backend: BackendV2) -> BackendV2:
    """Return the device, or raise ArgumentError if it does not say how many qubits it has and what gates on them."""
    if not (isinstance(backend.num_qubits, int) and backend.target.operation_names):
        raise ArgumentError(
            f"Argument `backend` must be a device whose Target has a number of qubits, but {backend.name} has none: "
            "take a fake device, an AerSimulator, GenericBackendV2, or another execution, such as LocalExecution."
        )
    return backend


def is_local(backend: BackendV2) -> bool:
    """Return whether jobs on this device are simulated on this computer."""
    from qiskit_ibm_runtime import IBMBackend

    return not isinstance(backend, IBMBackend)


def is_aer(backend: BackendV2) -> bool:
    """Return whether this is Aer's simulator."""
    return any(cls.__module__.startswith("qiskit_aer") for cls in type(backend).__mro__)


def own_noise(backend: BackendV2) -> Any:
    """Return the noise model of an Aer simulator; None if it has none, or for a device."""
    return getattr(backend.options, "noise_model", None) if is_aer(backend) else None


def has_own_noise(backend: BackendV2) -> bool:
    """Return whether jobs on this device have errors: everything but an Aer simulator without a noise model."""
    return not is_aer(backend) or own_noise(backend) is not None


def check_gates(backend: BackendV2) -> None:
    """Raise ArgumentError if a device has the gates of former ones, which Runtime's client does not know."""
    names = set(backend.target.operation_names)
    if "rz" not in names and names & {"u1", "u2", "u3"}:
        raise ArgumentError(
            f"Argument `backend` must be a device whose gates Runtime's client knows, such as 'rz' and 'sx', but "
            f"{backend.name} has {sorted(names & {'u1', 'u2', 'u3'})}: choose a newer device."
        )


def _fake_backend(name: str) -> BackendV2:
    from qiskit_ibm_runtime.fake_provider import FakeProviderForBackendV2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # each of the many devices may have its own to say
        provider = FakeProviderForBackendV2()
    found = {backend.name: backend for backend in provider.backends()}
    if name not in found:
        raise ArgumentError(f"Argument `backend` must name a fake device, {_remedy(name, sorted(found))}")
    return found[name]


def _saved_service() -> Any:
    from qiskit_ibm_runtime import QiskitRuntimeService
    from qiskit_ibm_runtime.accounts.exceptions import AccountNotFoundError

    try:
        return _asked(QiskitRuntimeService)
    except AccountNotFoundError:
        raise ExecutionError(
            "No IBM Quantum account is saved on this computer: save one with QiskitRuntimeService.save_account(...), "
            "or give `service`, or a fake device such as 'fake_torino' to run locally."
        ) from None
    except Exception as error:
        from qiskit_ibm_runtime.accounts import management

        file = Path(management._DEFAULT_ACCOUNT_CONFIG_JSON_FILE)
        if file.is_file() and not _is_readable(file):
            raise ExecutionError(
                f"The file of saved accounts, {file}, is damaged: repair it, or delete it and save the account again "
                "with QiskitRuntimeService.save_account(...)."
            ) from error
        raise


def _is_readable(file: Path) -> bool:
    """Return whether a file holds a JSON object of objects."""
    try:
        content = json.loads(file.read_bytes())
    except ValueError:
        return False
    return isinstance(content, dict) and all(isinstance(account, dict) for account in content.values())


def _remote_backend(name: str, service: Any) -> BackendV2:
    from qiskit.providers.exceptions import QiskitBackendNotFoundError

    try:
        if name == LEAST_BUSY:
            return _asked(service.least_busy, operational=True, simulator=False)
        return _asked(service.backend, name, use_fractional_gates=False)
    except QiskitBackendNotFoundError:
        _asked(service.usage)  # the client hides a refused key behind an empty list
        if name == LEAST_BUSY:
            raise ExecutionError("The account has no device that is online: ask again later.") from None
        names = sorted(each.name for each in _asked(service.backends))
        raise ArgumentError(f"Argument `backend` must name a device of the account, {_remedy(name, names)}") from None


def _remedy(name: str, known: list[str]) -> str:
    """Return what an error of an unknown device ends with: the one that is meant, or all."""
    near = nearest(name.partition("_")[2], [each.partition("_")[2] for each in known])  # "fake_" is near to all
    meant = next((each for each in known if each.partition("_")[2] == near), None)
    return f"one of {known}, but is {name!r}." if meant is None else f"but is {name!r}: did you mean {meant!r}?"


def _asked(function: Any, *arguments: Any, **options: Any) -> Any:
    """Return what the service answers; what went wrong on the way is reported in one sentence."""
    from qiskit_ibm_runtime.accounts.exceptions import AccountNotFoundError, InvalidAccountError
    from qiskit_ibm_runtime.exceptions import IBMError, IBMNotAuthorizedError

    try:
        return function(*arguments, **options)
    except AccountNotFoundError:
        raise
    except IBMNotAuthorizedError:
        raise ExecutionError(
            "The service does not accept the account's API key: save a valid one with "
            "QiskitRuntimeService.save_account(..., overwrite=True)."
        ) from None
    except (IBMError, OSError) as error:
        text = str(error).strip("'\"")
        if isinstance(error, InvalidAccountError):  # the client blames the key for each failure at login
            text += " The network or the service may also be down: the client does not tell these apart."
        raise ExecutionError(f"The service cannot be used: {text}") from error
