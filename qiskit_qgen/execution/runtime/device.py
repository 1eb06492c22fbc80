"""A device with everything that its estimator and its sampler share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from qiskit.circuit import QuantumCircuit

from qiskit_qgen._checks import check_choice
from qiskit_qgen.exceptions import ExecutionError
from qiskit_qgen.execution.cost import CostEstimate
from qiskit_qgen.execution.runtime.backends import check_gates, has_own_noise, is_local, resolve_backend
from qiskit_qgen.execution.runtime.connection import Connection
from qiskit_qgen.execution.runtime.cost import DEFAULT_SHOTS, JobLimits
from qiskit_qgen.execution.runtime.failures import RetryPolicy
from qiskit_qgen.execution.runtime.jobs import JobRunner
from qiskit_qgen.execution.runtime.ledger import Ledger
from qiskit_qgen.execution.runtime.mitigation import ErrorMitigation
from qiskit_qgen.execution.runtime.options import RuntimeOptions
from qiskit_qgen.execution.runtime.transpilation import IsaCircuit, Transpiler


class RuntimeDevice:
    """A device of IBM, or a fake one, ready for :class:`RuntimeEstimator` and :class:`RuntimeSampler`.

    Args:
        options: How circuits run on it.

    Raises:
        ArgumentError: If there is no such device, or an option does not fit it.
        ExecutionError: If the account or the service cannot be used.
    """

    def __init__(self, options: RuntimeOptions) -> None:
        self.shots = DEFAULT_SHOTS if options.shots is None else options.shots
        self.mitigation = options.mitigation or ErrorMitigation()
        self.limits = options.limits or JobLimits()
        self.family = options.primitives
        self.backend = resolve_backend(options.backend, options.service)
        self.local = is_local(self.backend)
        if self.family == "executor" and self.local:
            check_gates(self.backend)
        self.ledger: Ledger | None = None
        if isinstance(options.ledger, Ledger):
            self.ledger = options.ledger
        elif options.ledger is not None or not self.local:
            self.ledger = Ledger(options.ledger)
        self.connection = Connection(self.backend, options.mode, self.ledger)
        self.runner = JobRunner(self.connection, self.ledger, options.retry or RetryPolicy())
        self.transpile = Transpiler(
            self.backend,
            (self.ledger or Ledger()).circuits,
            level=options.optimization_level,
            whole=self.family == "legacy",
        )
        self._max_cost = options.max_cost
        self._seed = options.seed if self.local else None
        self._calls = 0

    def next_seed(self) -> int | None:
        """Return the seed of the next simulation, another each time; a real device has none."""
        if self._seed is None:
            return None
        self._calls += 1
        return int(np.random.SeedSequence(self._seed, spawn_key=(self._calls,)).generate_state(1)[0] >> 1)

    def target(self, isa: IsaCircuit, *, several: bool) -> Any:
        """Return what a primitive takes as its mode to run a circuit; ``several`` says whether more jobs follow."""
        if self.local and self.family == "executor":
            return isa.simulator
        return self.connection.target(isa.backend, several=several)

    def primitive_options(self, kind: str, shots: int, seed: int | None, tags: Sequence[str] = ()) -> Any:
        """Return the options for an "estimator" or a "sampler" of this device's family of primitives.

        Raises:
            ArgumentError: If the mitigation does not act on what the primitive gives.
        """
        if self.family == "legacy":
            legacy = self.mitigation.to_legacy_options(
                shots=shots, seed=seed, local=self.local, sampler=kind == "sampler"
            )
            return legacy | ({"environment": {"job_tags": list(tags)}} if tags else {})
        options: Any
        if kind == "sampler":
            options = self.mitigation.to_sampler_options(shots=shots, seed=seed)
        else:
            options = self.mitigation.to_options(shots=shots, seed=seed, noisy_device=has_own_noise(self.backend))
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
        """Raise ExecutionError if a request that is about to be submitted may cost more than ``max_cost``."""
        if self._max_cost is not None and cost.qpu_seconds > self._max_cost:
            raise ExecutionError(
                f"The estimated cost of {cost.qpu_seconds:.3g} QPU seconds ({cost.circuits} circuits, {cost.shots} "
                f"shots) is above `max_cost`, {self._max_cost:g}: nothing was submitted. Ask for fewer samples or "
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
