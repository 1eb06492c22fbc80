"""Expectation values from Aer, as a Qiskit primitive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives import BaseEstimatorV2, DataBin, PrimitiveJob, PrimitiveResult, PubResult
from qiskit.primitives.containers import EstimatorPubLike
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen._checks import check_float
from qiskit_qgen.exceptions import UnsupportedCircuitError
from qiskit_qgen.execution.aer.circuits import AerCircuit, names_of
from qiskit_qgen.execution.aer.device import AerDevice
from qiskit_qgen.execution.aer.readout import MeasuredGroup, measured_groups
from qiskit_qgen.primitives.pubs import distinct_observables, operator_of, rows_of, shots_of_precision


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

    def run(
        self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None
    ) -> PrimitiveJob[PrimitiveResult[PubResult]]:
        """Estimate the expectation values of the PUBs.

        Args:
            pubs: (circuit, observables, parameter values, precision), the last two optional, with Qiskit's
                broadcasting.
            precision: The precision of PUBs that name none: 0 for exact values, p for 1 / p**2 shots of each group
                of terms, None for the device's number of shots.

        Returns:
            A job whose result has ``data.evs`` and ``data.stds``, the standard errors of the means, of each PUB.

        Raises:
            ArgumentError: If ``precision`` is negative, or an observable has complex coefficients.
            UnsupportedCircuitError: From the job, if Aer cannot run a circuit in this way.
        """
        if precision is not None:
            check_float("precision", precision, minimum=0.0)
        coerced = [EstimatorPub.coerce(pub, precision) for pub in pubs]
        return self._device.submitted(self._run_pub, coerced)

    def _run_pub(self, pub: EstimatorPub, generator: np.random.Generator) -> PubResult:
        rows = rows_of(pub)
        terms, column = distinct_observables(pub)
        operators = [operator_of(each, pub.circuit.num_qubits) for each in terms]
        shots = self._device.options.num_shots
        if pub.precision is not None:
            shots = shots_of_precision(pub.precision) if pub.precision else None
        means, errors = self._values(pub, operators, rows, shots, generator)
        row, column = np.broadcast_arrays(np.arange(len(rows)).reshape(pub.parameter_values.shape), column)
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
        needed = {qubit for operator in operators for _, qubits, _ in operator.to_sparse_list() for qubit in qubits}
        circuit = self._device.prepared(pub.circuit, needed)
        if "measure" in names_of(circuit.circuit):  # which may have been inside another instruction
            raise UnsupportedCircuitError(
                "A circuit whose operators are estimated must not measure: remove its measurements, or take a sampler."
            )
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
        return self._device.joint_probabilities(circuit, [(each.rotated, each.qubits) for each in groups], angles)

    def _exact(
        self, circuit: AerCircuit, operators: Sequence[SparsePauliOp], angles: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        placed = []
        for operator in operators:
            terms = [
                (paulis, [circuit.positions[qubit] for qubit in qubits], coefficient)
                for paulis, qubits, coefficient in operator.to_sparse_list()
            ]
            placed.append(SparsePauliOp.from_sparse_list(terms, num_qubits=max(1, circuit.num_qubits)))
        return self._device.expectation_values(circuit, placed, angles)
