"""Aer's simulators, run as this package needs them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from qiskit.providers import BackendV2
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen._checks import check_choice, check_int, check_type, renamed_arguments
from qiskit_qgen.exceptions import ArgumentError, ExecutionError, UnsupportedCircuitError
from qiskit_qgen.execution.aer.circuit_noise import TRAJECTORY_OPTIONS
from qiskit_qgen.execution.aer.circuits import AerCircuit, AerTranspiler
from qiskit_qgen.execution.aer.noise_models import HardwareNoise
from qiskit_qgen.execution.runtime.backends import resolve_backend
from qiskit_qgen.simulator.cache import RecentCircuits

_MAX_DRAWN_BITS = 12
_BRANCH_QUBITS = 8
_BRANCH_BYTES = 1 << 30  # the states of all shots, if each has errors of its own
METHODS = (
    *("automatic", "statevector", "density_matrix", "matrix_product_state", "stabilizer", "extended_stabilizer"),
    "tensor_network",
)


@dataclass(frozen=True, kw_only=True)
class AerOptions:
    """How Aer simulates.

    Raises:
        ArgumentTypeError: If ``noise_model`` has the wrong type.
        ArgumentError: If an option has another value than its description allows, or no effect.
    """

    device: str = "CPU"
    """The device: "CPU" or "GPU"."""
    method: str = "automatic"
    """Aer's simulation method. "automatic" takes state vectors for circuits without chance, and density matrices for
    noisy circuits unless one run per shot is faster: up to log2(2 shots) qubits, 11 for 1024 shots."""
    noise_model: Any = field(default=None, hash=False)
    """Aer's ``NoiseModel``, a :class:`~qiskit_qgen.execution.HardwareNoise`, a device or a device's name
    such as "fake_torino"; None for none."""
    threads: int | None = None
    """The number of threads; None for one per core. Aer takes at most as many as OpenMP offers: one per core, or
    ``OMP_NUM_THREADS``."""
    custatevec: bool = False
    """Whether NVIDIA's cuStateVec simulates, on a GPU."""
    batched_shots: bool | None = None
    """Whether the shots or rows of small circuits run in batches on a GPU; None leaves it to Aer."""
    target_gpus: tuple[int, ...] | None = None
    """The numbers of the GPUs to use; None for all."""

    def __post_init__(self) -> None:
        check_choice("device", self.device, ("CPU", "GPU"))
        check_choice("method", self.method, METHODS)
        if self.threads is not None:
            check_int("threads", self.threads, minimum=1)
        if self.noise_model is not None:
            from qiskit_aer.noise import NoiseModel

            rule = "an Aer NoiseModel, a HardwareNoise such as depolarizing_noise(...), a device or its name"
            check_type("noise_model", self.noise_model, (NoiseModel, HardwareNoise, BackendV2, str), rule)
        self._check_device()

    def _check_device(self) -> None:
        from qiskit_aer import AerSimulator

        simulator = AerSimulator()
        devices, methods = simulator.available_devices(), simulator.available_methods()
        if self.device not in devices:
            raise ArgumentError(
                f"Argument `device` must be a device that Aer has here, but is {self.device!r}: the devices are "
                f"{list(devices)}, with the methods {list(methods)}. For NVIDIA GPUs, replace qiskit-aer by "
                "qiskit-aer-gpu."
            )
        if self.method != "automatic" and self.method not in methods:
            raise ArgumentError(
                f"Argument `method` must be a method that Aer has here, one of {list(methods)}, but is {self.method!r}."
            )
        given = {
            "custatevec": self.custatevec,
            "batched_shots": self.batched_shots is not None,
            "target_gpus": self.target_gpus is not None,
        }
        for name, is_given in given.items():
            if is_given and self.device != "GPU":
                raise ArgumentError(f"Argument `{name}` has no effect on a CPU: give `device`='GPU', or leave it out.")
        if self.custatevec and self.batched_shots:
            raise ArgumentError("Arguments `custatevec` and `batched_shots` exclude each other in Aer: give one.")
        for number in self.target_gpus or ():
            check_int("target_gpus", number, minimum=0)

    def run_options(self) -> dict[str, Any]:
        """Return them in Aer's words, but for the method and the noise."""
        options = {
            "device": self.device,
            "max_parallel_threads": self.threads or 0,
            "max_parallel_shots": 0,
            "runtime_parameter_bind_enable": True,
        }
        if self.device == "GPU":
            options |= {"cuStateVec_enable": self.custatevec, "batched_shots_gpu": bool(self.batched_shots)}
            if self.target_gpus is not None:
                options["target_gpus"] = list(self.target_gpus)
        return options


def save_probabilities(circuit: QuantumCircuit, qubits: Sequence[int], label: str) -> None:
    """Have Aer save the probabilities of the outcomes of ``qubits``, the first of them in the lowest bit."""
    from qiskit_aer.library import SaveProbabilities

    circuit.append(SaveProbabilities(len(qubits), label), list(qubits))


def save_expectation_value(circuit: QuantumCircuit, operator: SparsePauliOp, label: str) -> None:
    """Have Aer save an exact expectation value."""
    from qiskit_aer.library import SaveExpectationValue

    circuit.append(SaveExpectationValue(operator, label), range(operator.num_qubits))


class AerDevice:
    """Runs batches of circuits on Aer, each circuit transpiled once.

    Args:
        options: How to simulate.
        shots: Shots per measured circuit; None for exact values.
        seed: Seed of the shots, or a generator that is advanced; an integer gives a reproducible stream, not the same
            shots at each run.

    Raises:
        ArgumentError: If an option has a wrong value, or there is no device of that name.
    """

    def __init__(
        self,
        options: AerOptions,
        *,
        shots: int | None = None,
        seed: np.random.Generator | int | None = None,
    ) -> None:
        self.options = options
        self.shots = None if shots is None else check_int("shots", shots, minimum=1)
        self._generator = np.random.default_rng(seed)
        self._circuits: RecentCircuits[AerCircuit] = RecentCircuits()

    def next_seeds(self) -> np.random.Generator:
        """Return random state for one job, and advance: jobs run in threads of their own, in any order."""
        return np.random.default_rng(self._generator.integers(2**63))

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
        method = self._method(circuit, shots)
        return method == "density_matrix" or (method == "statevector" and not circuit.is_random)

    def branches(self, circuit: AerCircuit, shots: int) -> bool:
        """Return whether shots share their state up to their first different error, two to four times faster if large.

        Aer 0.18 leaves readout errors out then: they are the caller's to add.
        """
        if circuit.is_dynamic or circuit.noise is None or circuit.noise.in_measurements or not circuit.is_random:
            return False
        fits = shots << (circuit.num_qubits + 4) <= _BRANCH_BYTES
        return fits and circuit.num_qubits >= _BRANCH_QUBITS and self._method(circuit, shots) == "statevector"

    def exact(self, circuit: AerCircuit, run: Sequence[QuantumCircuit], rows: NDArray[np.float64]) -> list[list[Any]]:
        """Return the data, with what was saved as attributes, of each of the circuits ``run`` for each row of values.

        Args:
            circuit: The circuit that they were made of.
            run: The circuits, with the same parameters.
            rows: Values of its slots, (B, num_slots).
        """
        return self._execute(circuit, run, rows, method=self._method(circuit, None), shots=1, seed_simulator=0)

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
        method = self._method(circuit, shots)
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
        return AerTranspiler(model.to_noise_model() if isinstance(model, HardwareNoise) else model)

    @cached_property
    def _simulator(self) -> Any:
        from qiskit_aer import AerSimulator

        return AerSimulator()

    def _method(self, circuit: AerCircuit, shots: int | None) -> str:
        """Return the method, or raise an error if it cannot give what is asked for."""
        method, width = self.options.method, circuit.num_qubits
        if shots is None and circuit.is_dynamic:
            raise UnsupportedCircuitError(
                "The circuit measures before its end, so that its outcomes have no exact probabilities here: give "
                "`shots`, or measure at the end."
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

    def _execute(
        self,
        circuit: AerCircuit,
        run: Sequence[QuantumCircuit],
        rows: NDArray[np.float64],
        **options: Any,
    ) -> list[list[Any]]:
        """Return Aer's data of each circuit and row, all of them in one run of Aer."""
        circuits, binds = list(run), None
        if circuit.slots:
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
