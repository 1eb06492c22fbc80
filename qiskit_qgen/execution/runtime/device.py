"""A device with everything that its estimator and its sampler share."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from typing import Any

from qiskit.circuit import QuantumCircuit
from qiskit.providers import BackendV2

from qiskit_qgen._checks import check_choice, check_float, check_int, check_type
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ExecutionError
from qiskit_qgen.execution.runtime.backends import check_gates, has_own_noise, is_local, resolve_backend
from qiskit_qgen.execution.runtime.connection import Connection
from qiskit_qgen.execution.runtime.cost import DEFAULT_SHOTS, CostEstimate, JobLimits
from qiskit_qgen.execution.runtime.failures import RetryPolicy
from qiskit_qgen.execution.runtime.jobs import Arrays, JobRequest, JobRunner
from qiskit_qgen.execution.runtime.ledger import Ledger
from qiskit_qgen.execution.runtime.mitigation import ErrorMitigation
from qiskit_qgen.execution.runtime.transpilation import IsaCircuit, Transpiler

FAMILIES = ("executor", "legacy")


class RuntimeDevice:
    """A device of IBM, or a fake one, ready for :class:`RuntimeEstimator` and :class:`RuntimeSampler`.

    Args:
        backend: A device's name, "least_busy", a fake device's name ("fake_torino") or a device object. Fake devices
            and ``AerSimulator`` run on this computer.
        mode: "job", "batch" or "session".
        service: A ``QiskitRuntimeService``; None for the account saved on this computer.
        shots: Shots per measured circuit; None for 4096.
        mitigation: What is done against errors; None for nothing.
        ledger: A folder, or a file ending with ".jsonl", for the record of jobs and their results. A request that it
            knows is not submitted again: its job is waited for, its result is read. None takes a folder of the user's
            cache for devices, and none for local ones.
        max_cost: The most QPU seconds that each request, one call of a primitive, may be estimated to need; nothing
            adds the requests up. None for no limit.
        seed: Seed of the simulation of a local device; each call goes on from there. A real device has none.
        limits: The largest job; None for IBM's limits.
        retry: How often and how long a failing service is asked again; None for the defaults.
        primitives: "executor" for Runtime's client-side primitives, "legacy" for ``EstimatorV2`` and ``SamplerV2``;
            None for the first that is installed.

    Raises:
        ArgumentTypeError: If an argument has the wrong type.
        ArgumentError: If an argument has another value than its description allows, or no effect on this device.
        ExecutionError: If the account or the service cannot be used.
    """

    def __init__(
        self,
        backend: str | BackendV2,
        *,
        mode: str = "job",
        service: Any = None,
        shots: int | None = None,
        mitigation: ErrorMitigation | None = None,
        ledger: PathLike | None = None,
        max_cost: float | None = None,
        seed: int | None = None,
        limits: JobLimits | None = None,
        retry: RetryPolicy | None = None,
        primitives: str | None = None,
    ) -> None:
        self.shots = DEFAULT_SHOTS if shots is None else check_int("shots", shots, minimum=1)
        given = ErrorMitigation() if mitigation is None else mitigation
        self.mitigation: ErrorMitigation = check_type("mitigation", given, ErrorMitigation, "an ErrorMitigation")
        self.max_cost = None if max_cost is None else check_float("max_cost", max_cost, minimum=0.0)
        self.limits: JobLimits = check_type("limits", limits or JobLimits(), JobLimits, "a JobLimits")
        policy: RetryPolicy = check_type("retry", retry or RetryPolicy(), RetryPolicy, "a RetryPolicy")
        self.family = _family(primitives)
        self.backend = resolve_backend(backend, service)
        if self.family == "executor" and is_local(self.backend):
            check_gates(self.backend)
        self._seed = None if seed is None else check_int("seed", seed, minimum=0, maximum=2**31 - 1)
        self.ledger = None if ledger is None and is_local(self.backend) else Ledger(ledger)
        self.connection = Connection(self.backend, mode, self.ledger)
        self.runner = JobRunner(self.connection, self.ledger, policy)
        self._calls = 0
        circuits = Ledger().circuits if self.ledger is None else self.ledger.circuits
        self.transpile = Transpiler(self.backend, circuits, whole=self.family == "legacy")

    @property
    def local(self) -> bool:
        """Whether jobs are simulated on this computer."""
        return self.connection.local

    def next_seed(self) -> int | None:
        """Return the seed of the next simulation, another each time."""
        if self._seed is None or not self.local:
            return None
        import numpy as np

        self._calls += 1
        return int(np.random.SeedSequence(self._seed, spawn_key=(self._calls,)).generate_state(1)[0] >> 1)

    def target(self, isa: IsaCircuit, *, several: bool) -> Any:
        """Return what a primitive takes as its mode to run a circuit; ``several`` says whether more jobs follow."""
        if self.local and self.family == "executor":
            return isa.simulator
        return self.connection.target(isa.backend, several=several)

    def estimator_options(self, shots: int, seed: int | None, tags: Sequence[str] = ()) -> Any:
        """Return the options for an estimator, of this device's family of primitives."""
        if self.family == "legacy":
            options: Any = self.mitigation.to_legacy_options(shots=shots, seed=seed, local=self.local)
            return options | ({"environment": {"job_tags": list(tags)}} if tags else {})
        options = self.mitigation.to_options(shots=shots, seed=seed, noisy_device=has_own_noise(self.backend))
        options.environment.job_tags = list(tags)
        return options

    def sampler_options(self, shots: int, seed: int | None, tags: Sequence[str] = ()) -> Any:
        """Return the options for a sampler, of this device's family of primitives."""
        if self.family == "legacy":
            options: Any = self.mitigation.to_legacy_options(shots=shots, seed=seed, local=self.local, sampler=True)
            return options | ({"environment": {"job_tags": list(tags)}} if tags else {})
        options = self.mitigation.to_sampler_options(shots=shots, seed=seed)
        options.environment.job_tags = list(tags)
        return options

    def options_text(self, options: Any) -> str:
        """Return the options as text for digests."""
        if isinstance(options, dict):
            return json.dumps(options, sort_keys=True, default=str)
        left_out = {"environment": True, "resilience": {"layer_noise_model"}, "simulator": {"layer_noise_model"}}
        text = json.dumps(options.model_dump(exclude=left_out), sort_keys=True, default=str)
        model = self.mitigation.layer_noise_model or ()
        return text + repr([(repr(layer.operation.annotations), noise.to_sparse_list()) for layer, noise in model])

    def check_cost(self, cost: CostEstimate) -> None:
        """Raise ExecutionError if a request that is about to be submitted may cost more than :attr:`max_cost`."""
        if self.max_cost is not None and cost.qpu_seconds > self.max_cost:
            raise ExecutionError(
                f"The estimated cost of {cost.qpu_seconds:.3g} QPU seconds ({cost.circuits} circuits, {cost.shots} "
                f"shots) is above `max_cost`, {self.max_cost:g}: nothing was submitted. Ask for fewer samples or "
                "shots, mitigate less, or raise `max_cost`."
            )

    def unique_layers(self, circuit: QuantumCircuit, *, method: str = "pec") -> list[Any]:
        """Return the circuit's layers of gates on the device, whose noise PEC and PEA must know.

        Args:
            circuit: The circuit.
            method: "pec" or "pea".

        Returns:
            The layers, as ``qiskit_ibm_runtime.NoiseLearnerV3`` takes them.
        """
        from qiskit_ibm_runtime.executor_estimator import Estimator
        from qiskit_ibm_runtime.options_models import EstimatorOptions

        check_choice("method", method, ("pec", "pea"))
        on = {"pec_mitigation": True} if method == "pec" else {"zne_mitigation": True, "zne": {"amplifier": "pea"}}
        isa: IsaCircuit = self.transpile(circuit)
        estimator = Estimator(isa.backend, EstimatorOptions(resilience_level=0, resilience=on))
        observable = "I" * isa.circuit.num_qubits
        layers = estimator.find_unique_layers([(isa.circuit, observable, [0.0] * isa.circuit.num_parameters)])
        return list(layers)

    def run(self, requests: Sequence[JobRequest]) -> list[Arrays]:
        """Return the results of the requests."""
        return self.runner.collect(self.runner.start(requests))


def _family(primitives: str | None) -> str:
    if primitives is not None:
        return check_choice("primitives", primitives, FAMILIES)
    return FAMILIES[importlib.util.find_spec("qiskit_ibm_runtime.executor_estimator") is None]
