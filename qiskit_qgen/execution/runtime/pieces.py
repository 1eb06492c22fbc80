"""PUBs cut along one axis of their parameters, so that each piece fits into a job, and their results put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qiskit_qgen.execution.runtime.cost import JobLimits, Load
from qiskit_qgen.execution.runtime.transpilation import IsaCircuit

PubT = TypeVar("PubT", bound=EstimatorPub | SamplerPub)


@dataclass(frozen=True, kw_only=True)
class Piece(Generic[PubT]):
    """A part of a PUB, in the device's gates.

    Args:
        pub: The part.
        isa: Its circuit.
        number: The number of the PUB that it is a part of.
        axis: The axis of the PUB's shape along which it was cut.
        rows: Its number of rows of parameters.
        circuits: Its number of measured circuits.
        shots: Its shots per measured circuit.
        load: What each measured circuit adds to a job.
        content: All that tells its results from those of another piece.
    """

    pub: PubT
    isa: IsaCircuit
    number: int
    axis: int
    rows: int
    circuits: int
    shots: int
    load: Load
    content: tuple[str | bytes, ...]

    @property
    def payload_bytes(self) -> int:
        """Estimated bytes of its submission."""
        return self.rows * self.load.row_bytes + self.load.circuit_bytes

    def shares(self, limits: JobLimits) -> np.ndarray:
        """Return which part of each limit of a job it takes."""
        return np.array(
            [
                self.circuits * self.load.executions / limits.max_executions,
                self.circuits * self.load.instructions / limits.max_instructions_per_qubit,
                self.payload_bytes / limits.max_payload_bytes,
            ]
        )


def cut(
    length: int, take: Callable[[int, int], Piece[PubT]], limits: JobLimits, start: int = 0, stop: int | None = None
) -> list[Piece[PubT]]:
    """Return the pieces of a PUB, halved along an axis until each fits into a job or is one row.

    Args:
        length: The size of the axis.
        take: Returns the piece from one index to another.
        limits: The limits of a job.
        start: The first index.
        stop: The index after the last one; None for ``length``.
    """
    end = length if stop is None else stop
    piece = take(start, end)
    if end - start <= 1 or (piece.shares(limits) <= 1).all():
        return [piece]
    middle = (start + end) // 2
    return [*cut(length, take, limits, start, middle), *cut(length, take, limits, middle, end)]


def pack(pieces: Sequence[Piece[PubT]], limits: JobLimits) -> list[list[Piece[PubT]]]:
    """Return the pieces in jobs: in order, together while they fit, of one device part and one number of shots."""
    jobs: list[list[Piece[PubT]]] = []
    used = np.zeros(3)
    for piece in pieces:
        need = piece.shares(limits)
        last = jobs[-1][-1] if jobs else None
        same = last is not None and last.isa.backend is piece.isa.backend and last.shots == piece.shots
        if same and (used + need <= 1).all():
            jobs[-1].append(piece)
            used += need
        else:
            jobs.append([piece])
            used = need
    return jobs


def joined(pieces: Sequence[Piece[PubT]], arrays: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the arrays of a PUB from those of its pieces, in order."""
    if len(arrays) == 1:
        return arrays[0]
    axis = pieces[0].axis
    return {name: np.concatenate([each[name] for each in arrays], axis) for name in arrays[0]}
