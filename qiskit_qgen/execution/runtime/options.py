"""How circuits run on IBM devices: the options of an execution, declared and checked once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from qiskit.providers import BackendV2

from qiskit_qgen._checks import check_choice, check_float, check_int, check_type
from qiskit_qgen._typing import PathLike
from qiskit_qgen.execution.runtime.cost import JobLimits
from qiskit_qgen.execution.runtime.failures import RetryPolicy
from qiskit_qgen.execution.runtime.ledger import Ledger
from qiskit_qgen.execution.runtime.mitigation import ErrorMitigation

MODES = ("job", "batch", "session")
FAMILIES = ("executor", "legacy")


@dataclass(frozen=True, kw_only=True, eq=False)
class RuntimeOptions:
    """How circuits run on a device of IBM, or on a fake one.

    Raises:
        ArgumentTypeError: If an option has the wrong type.
        ArgumentError: If an option has another value than its description allows.
    """

    backend: str | BackendV2 = field(kw_only=False)
    """A device's name, "least_busy", a fake device's name ("fake_torino") or a device object. Fake devices and
    ``AerSimulator`` run on this computer."""
    mode: str = "batch"
    """"job", "batch" or "session". Outside a ``with`` block, "batch" opens one for requests of several jobs, and
    "session" is refused. Accounts of the open plan get a batch instead of a session, with a warning."""
    service: Any = None
    """A ``QiskitRuntimeService``; None for the account saved on this computer."""
    shots: int | None = None
    """Shots per measured circuit; None for 4096. Twirling and mitigation may raise them, see
    :class:`ErrorMitigation`."""
    mitigation: ErrorMitigation | None = None
    """What is done against errors; None for nothing."""
    ledger: PathLike | Ledger | None = None
    """A folder, or a file ending with ".jsonl", for the record of jobs and their results. A request that it knows is
    not submitted again, so that other shots of the same request need another ledger. None takes a folder of the user's
    cache for devices, and none for local ones."""
    max_cost: float | None = None
    """The most QPU seconds that each request may be estimated to need: one forward or backward pass over a batch of at
    most 512 samples. A sampling or a training is several, with nothing that adds them up: use ``model.estimate_cost``
    for the whole. None for no limit."""
    optimization_level: int = 2
    """Qiskit's level of transpilation, from 0 to 3. Above 0, gates that cancel each other vanish, those of a folded
    circuit too; a circuit that is in the device's gates, on its qubits, is run as it is. On an ``AerSimulator`` with a
    noise model each gate is translated by itself, so that none is lost with its errors."""
    seed: int | None = None
    """Seed of SPSA's directions, and of the simulation of a local device, of which each call goes on from the last."""
    limits: JobLimits | None = None
    """The largest job; None for IBM's limits."""
    retry: RetryPolicy | None = None
    """How often and how long a failing service is asked again; None for the defaults."""
    primitives: str = "executor"
    """"executor" for Runtime's client-side primitives, "legacy" for ``EstimatorV2`` and ``SamplerV2``."""

    def __post_init__(self) -> None:
        check_choice("mode", self.mode, MODES)
        if self.shots is not None:
            check_int("shots", self.shots, minimum=1)
        if self.max_cost is not None:
            check_float("max_cost", self.max_cost, minimum=0.0)
        check_int("optimization_level", self.optimization_level, minimum=0, maximum=3)
        if self.seed is not None:
            check_int("seed", self.seed, minimum=0, maximum=2**31 - 1)
        check_choice("primitives", self.primitives, FAMILIES)
        for name, kind in {"mitigation": ErrorMitigation, "limits": JobLimits, "retry": RetryPolicy}.items():
            rule = f"{'an' if name == 'mitigation' else 'a'} {kind.__name__}"
            check_type(name, getattr(self, name), (kind, type(None)), rule)
