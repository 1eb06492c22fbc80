"""Expectation values from Aer, as a Qiskit primitive."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives import BaseEstimatorV2, DataBin, PrimitiveJob, PrimitiveResult, PubResult
from qiskit.primitives.containers import EstimatorPubLike
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.quantum_info import SparseObservable, SparsePauliOp

from qiskit_qgen._checks import check_float
from qiskit_qgen.exceptions import ArgumentError, UnsupportedCircuitError
from qiskit_qgen.execution.aer.circuits import AerCircuit
from qiskit_qgen.execution.aer.device import AerDevice, save_expectation_value, save_probabilities
from qiskit_qgen.execution.aer.readout import MeasuredGroup, measured_groups
from qiskit_qgen.simulator.programs.observables import pauli_words


class AerEstimator(BaseEstimatorV2):
    """Exact, sampled or noisy expectation values from Aer: one run per PUB for all its rows and observables.

    With a number of shots they are means of real shots: terms that commute qubit by qubit are measured together, as on
    a device, with the errors of its gates and of its readout. Without one they are what infinitely many shots would
    give, errors included. (Aer's own estimator adds normal noise to exact values instead, and leaves readout errors
    out.)

    Args:
        device: The device.
    """

    def __init__(self, device: AerDevice) -> None:
        self._device = device

    @property
    def device(self) -> AerDevice:
        """The device."""
        return self._device

    def run(
        self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None
    ) -> PrimitiveJob[PrimitiveResult[PubResult]]:
        """Estimate the expectation values of the PUBs.

        Args:
            pubs: (circuit, observables, parameter values, precision), the last two optional, with Qiskit's
                broadcasting.
            precision: The precision of PUBs that name none: 0 for exact values, p for ceil(1 / p**2) shots of each
                group of terms, None for the device's number of shots.

        Returns:
            A job whose result has ``data.evs`` and ``data.stds``, the standard errors of the means, of each PUB.

        Raises:
            ArgumentError: If ``precision`` is negative, or an observable has complex coefficients.
            UnsupportedCircuitError: From the job, if Aer cannot run a circuit in this way.
        """
        if precision is not None:
            check_float("precision", precision, minimum=0.0)
        coerced = [EstimatorPub.coerce(pub, precision) for pub in pubs]
        job: PrimitiveJob[PrimitiveResult[PubResult]] = PrimitiveJob(self._run, coerced, self._device.next_seeds())
        job._submit()
        return job

    def _run(self, pubs: list[EstimatorPub], generator: np.random.Generator) -> PrimitiveResult[PubResult]:
        return PrimitiveResult([self._run_pub(pub, generator) for pub in pubs], metadata={"version": 2})

    def _run_pub(self, pub: EstimatorPub, generator: np.random.Generator) -> PubResult:
        values = pub.parameter_values.as_array(pub.circuit.parameters)
        rows = values.reshape(math.prod(values.shape[:-1]), values.shape[-1])
        if not np.isfinite(rows).all():
            raise ArgumentError("Argument `pubs` must hold finite parameter values, but holds NaN or infinity.")
        operators, column = _distinct(pub)
        shots = self._device.shots
        if pub.precision is not None:
            shots = math.ceil(1 / pub.precision**2) if pub.precision else None
        means, errors = self._values(pub, operators, rows, shots, generator)
        row, column = np.broadcast_arrays(np.arange(len(rows)).reshape(values.shape[:-1]), column)
        evs, stds = np.asarray(means[row, column]), np.asarray(errors[row, column])
        metadata: dict[str, Any] = {
            "target_precision": pub.precision,
            "shots": shots,
            "circuit_metadata": pub.circuit.metadata,
        }
        return PubResult(DataBin(evs=evs, stds=stds, shape=evs.shape), metadata=metadata)

    def _values(
        self,
        pub: EstimatorPub,
        operators: Sequence[SparsePauliOp],
        rows: NDArray[np.float64],
        shots: int | None,
        generator: np.random.Generator,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the operators' means and their standard errors, both (rows, num_operators)."""
        if any(entry.name == "measure" for entry in pub.circuit.data):
            raise UnsupportedCircuitError(
                "A circuit whose operators are estimated must not measure: remove its measurements, or take a sampler."
            )
        needed = {qubit for operator in operators for _, qubits, _ in operator.to_sparse_list() for qubit in qubits}
        circuit = self._device.prepared(pub.circuit, needed)
        means = np.zeros((len(rows), len(operators)))
        if not rows.shape[0] or not operators:
            return means, means
        angles = circuit.angles(rows)
        if shots is None and circuit.noise is None and not circuit.is_random:
            return self._exact(circuit, operators, angles), means
        groups, constants = measured_groups(circuit, operators)
        means += constants
        variances = np.zeros_like(means)
        if not groups:
            return means, variances
        if shots is None:
            for group, joint in zip(groups, self._joint(circuit, groups, angles), strict=True):
                means += group.from_probabilities(joint)
            return means, variances
        if all(self._device.draws(circuit, len(group.qubits), shots) for group in groups):
            joints = self._joint(circuit, groups, angles)
            found = [group.drawn(joint, shots, generator) for group, joint in zip(groups, joints, strict=True)]
        else:
            runs = [group.measured() for group in groups]
            branching = self._device.branches(circuit, shots)
            counted = self._device.sampled(circuit, runs, angles, shots=shots, generator=generator, branching=branching)
            found = [
                group.from_true_counts(counts, shots, generator) if branching else group.from_counts(counts, shots)
                for group, counts in zip(groups, counted, strict=True)
            ]
        for mean, variance in found:
            means += mean
            variances += variance
        return means, np.sqrt(variances)

    def _joint(
        self, circuit: AerCircuit, groups: Sequence[MeasuredGroup], angles: NDArray[np.float64]
    ) -> list[NDArray[np.float64]]:
        """Return the true outcomes' probabilities of each group, (rows, outcomes)."""
        runs = [group.unmeasured() for group in groups]
        for run, group in zip(runs, groups, strict=True):
            save_probabilities(run, group.qubits, "joint")
        return [np.array([data.joint for data in each]) for each in self._device.exact(circuit, runs, angles)]

    def _exact(
        self, circuit: AerCircuit, operators: Sequence[SparsePauliOp], angles: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        run = circuit.circuit.copy()
        for number, operator in enumerate(operators):
            terms = [
                (paulis, [circuit.positions[qubit] for qubit in qubits], coefficient)
                for paulis, qubits, coefficient in operator.to_sparse_list()
            ]
            placed = SparsePauliOp.from_sparse_list(terms, num_qubits=max(1, circuit.num_qubits))
            save_expectation_value(run, placed, f"value{number}")
        (found,) = self._device.exact(circuit, [run], angles)
        names = [f"value{number}" for number in range(len(operators))]
        return np.array([[getattr(data, name) for name in names] for data in found])


def _distinct(pub: EstimatorPub) -> tuple[list[SparsePauliOp], NDArray[np.intp]]:
    """Return the different observables, and which of them is where in the PUB's array."""
    numbers: dict[tuple[tuple[str, float], ...], int] = {}
    column = np.empty(pub.observables.shape, np.intp)
    for index in np.ndindex(column.shape):
        terms = tuple(sorted(pub.observables[index].items()))
        column[index] = numbers.setdefault(terms, len(numbers))
    num_qubits = pub.circuit.num_qubits
    operators = [pauli_words(SparseObservable.from_list(terms, num_qubits=num_qubits)) for terms in numbers]
    return operators, column
