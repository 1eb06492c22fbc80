"""What a request costs."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class CostEstimate:
    """What a request costs.

    QPU seconds are the sum over all circuits and shots of repetition delay plus circuit duration: the delay is the
    device's default (250 microseconds where it names none), the duration the longest path through the circuit by the
    gate and readout times of the device's target. Queueing, compilation and loading are not in it; a session is billed
    by the clock instead. PEC is counted at its largest allowed overhead.
    """

    jobs: int
    """Jobs, after splitting by the limits of one."""
    pubs: int
    """PUBs, after splitting."""
    circuits: int
    """Measured circuits: rows of parameters times groups of observables that are measured together."""
    shots: int
    """Shots of all circuits, those that mitigation adds included."""
    two_qubit_gates: int
    """Gates on two qubits, summed over the measured circuits, without those that mitigation adds."""
    qpu_seconds: float
    """Estimated seconds of the device, with mitigation."""
    qpu_seconds_unmitigated: float
    """Estimated seconds of the device, were nothing mitigated."""
    payload_bytes: int
    """Estimated bytes of all submissions."""

    @property
    def fits_one_job(self) -> bool:
        """Whether one job is enough."""
        return self.jobs == 1

    def __add__(self, other: CostEstimate) -> CostEstimate:
        """Return the cost of both requests, in jobs of their own."""
        return CostEstimate(
            **{field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(self)}
        )

    def __mul__(self, times: int) -> CostEstimate:
        """Return the cost of the request ``times`` times."""
        return CostEstimate(**{field.name: getattr(self, field.name) * times for field in fields(self)})
