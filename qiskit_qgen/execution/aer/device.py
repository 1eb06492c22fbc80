"""Aer's simulators, run as this package needs them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import PrimitiveJob, PrimitiveResult
from qiskit.providers import BackendV2
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen._checks import renamed_arguments
from qiskit_qgen.exceptions import ArgumentError, ExecutionError, UnsupportedCircuitError
from qiskit_qgen.execution.aer.circuit_noise import TRAJECTORY_OPTIONS
from qiskit_qgen.execution.aer.circuits import AerCircuit, AerTranspiler
from qiskit_qgen.execution.aer.options import AerOptions
from qiskit_qgen.execution.runtime.backends import resolve_backend
from qiskit_qgen.simulator.cache import RecentCircuits

_MAX_DRAWN_BITS = 12
_BRANCH_QUBITS = 8
_BRANCH_BYTES = 1 << 30  # the states of all shots, if each has errors of its own
PubT = TypeVar("PubT")
ResultT = TypeVar("ResultT")


class AerDevice:
    """Runs batches of circuits on Aer, each circuit transpiled once.

    Args:
        options: How to simulate. A seed gives a reproducible stream, not the same shots at each run.

    Raises:
        ArgumentError: At the first run, if there is no device of the name that ``noise_model`` gives.
    """

    def __init__(self, options: AerOptions) -> None:
        self.options = options
        self._generator = np.random.default_rng(options.seed)
        self._circuits: RecentCircuits[AerCircuit] = RecentCircuits()

    def next_seeds(self) -> np.random.Generator:
        """Return random state of its own, and advance."""
        return np.random.default_rng(self._generator.integers(2**63))

    def submitted(
        self, run: Callable[[PubT, np.random.Generator], ResultT], pubs: Sequence[PubT]
    ) -> PrimitiveJob[PrimitiveResult[ResultT]]:
        """Return a job that runs each PUB; its random state is drawn here, since jobs run in any order."""
        generator = self.next_seeds()

        def run_all() -> PrimitiveResult[ResultT]:
            return PrimitiveResult([run(pub, generator) for pub in pubs], metadata={"version": 2})

        job: PrimitiveJob[PrimitiveResult[ResultT]] = PrimitiveJob(run_all)
        job._submit()
        return job

    def prepared(self, circuit: QuantumCircuit, needed: Collection[int] = ()) -> AerCircuit:
        """Return the circuit for Aer; ``needed`` are the qubits to read out besides those that are measured."""
        return self._circuits.recall(
            circuit,
            lambda: self._transpiler(circuit, needed),
            lambda made: made.positions.keys() >= set(needed),
        )

    def draws(self, circuit: AerCircuit, num_bits: int, shots: int) -> bool:
        """Return whether shots of ``num_bits`` qubits are best drawn from their exact probabilities.

        This is what Aer does too with a state that all shots share, but ten times slower.
        """
        if num_bits > _MAX_DRAWN_BITS or circuit.is_dynamic or (circuit.noise and circuit.noise.in_measurements):
            return False
        method = self.method(circuit, shots)
        return method == "density_matrix" or (method == "statevector" and not circuit.is_random)

    def branches(self, circuit: AerCircuit, shots: int) -> bool:
        """Return whether shots share their state up to their first different error, two to four times faster if large.

        Aer 0.18 leaves readout errors out then: they are the caller's to add.
        """
        if circuit.is_dynamic or circuit.noise is None or circuit.noise.in_measurements or not circuit.is_random:
            return False
        fits = shots << (circuit.num_qubits + 4) <= _BRANCH_BYTES
        return fits and circuit.num_qubits >= _BRANCH_QUBITS and self.method(circuit, shots) == "statevector"

    def expectation_values(
        self, circuit: AerCircuit, operators: Sequence[SparsePauliOp], rows: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return exact expectation values of operators on the circuit's qubits, (B, num_operators)."""
        from qiskit_aer.library import SaveExpectationValue

        run = circuit.circuit.copy()
        labels = [f"value{number}" for number in range(len(operators))]
        for label, operator in zip(labels, operators, strict=True):
            run.append(SaveExpectationValue(operator, label), range(operator.num_qubits))
        (found,) = self._exact(circuit, [run], rows)
        return np.array([[getattr(data, label) for label in labels] for data in found])

    def joint_probabilities(
        self, circuit: AerCircuit, runs: Sequence[tuple[QuantumCircuit, Sequence[int]]], rows: NDArray[np.float64]
    ) -> list[NDArray[np.float64]]:
        """Return the true outcomes' probabilities, (B, 2**num_read), of some qubits of each circuit that is run.

        Args:
            circuit: The circuit that those to run were made of.
            runs: Circuits with its parameters, and which of their qubits are read, the first in the lowest bit.
            rows: Values of its slots, (B, num_slots).
        """
        from qiskit_aer.library import SaveProbabilities

        saving = []
        for run, qubits in runs:
            saving.append(run.copy())
            saving[-1].append(SaveProbabilities(len(qubits), "joint"), list(qubits))
        return [np.array([data.joint for data in each]) for each in self._exact(circuit, saving, rows)]

    def sampled(
        self,
        circuit: AerCircuit,
        run: Sequence[QuantumCircuit],
        rows: NDArray[np.float64],
        *,
        shots: int,
        generator: np.random.Generator,
        memory: bool = False,
        branching: bool = False,
    ) -> list[list[Any]]:
        """Return the counts of each of the circuits ``run`` for each row, as hexadecimal numbers.

        Args:
            circuit: The circuit that they were made of.
            run: The circuits, with the same parameters.
            rows: Values of its slots, (B, num_slots).
            shots: Shots of each circuit and row.
            generator: Random state.
            memory: Whether to return each shot instead of counts.
            branching: Whether shots share their state while they can, and are returned without readout errors.
        """
        method = self.method(circuit, shots)
        seed = int(generator.integers(2**31))
        options: dict[str, Any] = {"method": method, "shots": shots, "seed_simulator": seed, "memory": memory}
        if method == "statevector" and circuit.is_random:
            options |= TRAJECTORY_OPTIONS
        results = self._execute(circuit, run, rows, shot_branching_enable=branching, **options)
        return [[data.memory if memory else data.counts for data in each] for each in results]

    @cached_property
    def _transpiler(self) -> AerTranspiler:
        model = self.options.noise_model
        if isinstance(model, str):
            with renamed_arguments({"backend": "noise_model"}):
                model = resolve_backend(_module_name(model))
        if isinstance(model, BackendV2):
            return AerTranspiler(backend=model)
        return AerTranspiler(model)

    @cached_property
    def _simulator(self) -> Any:
        from qiskit_aer import AerSimulator

        return AerSimulator()

    def method(self, circuit: AerCircuit, shots: int | None) -> str:
        """Return the method, or raise an error if it cannot give what is asked for."""
        method, width = self.options.method, circuit.num_qubits
        if shots is None and circuit.is_dynamic:
            raise UnsupportedCircuitError(
                "The circuit has control flow or goes on after a measurement, so that its outcomes have no exact "
                "probabilities here: give `shots`."
            )
        if shots is None and circuit.noise is not None and circuit.noise.in_measurements:
            raise ArgumentError(
                "Argument `shots` must be a number with a noise model that has errors on `measure` besides those of "
                "the readout."
            )
        if method == "automatic":
            method = "statevector"
            if circuit.is_random and not circuit.is_dynamic and (shots is None or 2**width <= 2 * max(shots, 32)):
                method = "density_matrix"
        elif shots is None and circuit.is_random and method != "density_matrix":
            raise ArgumentError(
                "Argument `method` must be 'automatic' or 'density_matrix' for exact values of a circuit with errors "
                f"or resets, but is {method!r}: change it, or give `shots`."
            )
        limit = self._limit(method) if method in ("statevector", "density_matrix") else width
        if width > limit:
            remedy = "give `shots`" if shots is None and circuit.is_random else "take method='matrix_product_state'"
            raise UnsupportedCircuitError(
                f"The circuit has {width} qubits, but Aer's method {method!r} simulates at most {limit} in this "
                f"computer's memory: {remedy}, or fewer qubits."
            )
        return method

    def _limit(self, method: str) -> int:
        from qiskit_aer import AerSimulator

        return int(AerSimulator(method=method, device=self.options.device).num_qubits)

    def _exact(self, circuit: AerCircuit, run: Sequence[QuantumCircuit], rows: NDArray[np.float64]) -> list[list[Any]]:
        return self._execute(circuit, run, rows, method=self.method(circuit, None), shots=1, seed_simulator=0)

    def _execute(
        self,
        circuit: AerCircuit,
        run: Sequence[QuantumCircuit],
        rows: NDArray[np.float64],
        **options: Any,
    ) -> list[list[Any]]:
        """Return Aer's data of each circuit and row, all of them in one run of Aer."""
        circuits, binds = list(run), None
        if circuit.binds_rows:
            bound = [dict(zip(circuit.slots, row, strict=True)) for row in rows.tolist()]
            circuits = [each.assign_parameters(values) for each in circuits for values in bound]
        elif circuit.slots:
            values = rows.T.tolist()
            binds = [dict(zip(circuit.slots, values, strict=True))] * len(circuits)
        else:
            circuits = [each for each in circuits for _ in range(len(rows))]
        noise = None
        if circuit.noise is not None:
            branching = options.get("shot_branching_enable", False)
            noise = circuit.noise.without_readout if branching else circuit.noise.model
        result = self._simulator.run(
            circuits, parameter_binds=binds, noise_model=noise, **self.options.run_options(), **options
        ).result()
        if not result.success:
            failed = [each.status for each in result.results if not each.success]
            raise ExecutionError(f"Aer could not run the circuit: {(failed or [result.status])[0]}")
        data = [each.data for each in result.results]
        return [data[first : first + len(rows)] for first in range(0, len(data), len(rows))]

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("_simulator", None)
        state.pop("_transpiler", None)
        return state


def _module_name(name: str) -> str:
    """Return "fake_torino" for "FakeTorino"; other names as they are."""
    if not re.fullmatch(r"Fake[A-Z]\w*", name):
        return name
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name.removesuffix("V2")).lower()
