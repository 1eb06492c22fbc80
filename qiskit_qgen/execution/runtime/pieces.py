"""PUBs cut along one axis of their parameters, so that each piece fits into a job, and their results put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution.runtime.cost import JobLimits, Load
from qiskit_qgen.execution.runtime.transpilation import IsaCircuit

PubT = TypeVar("PubT")


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
    """

    pub: PubT
    isa: IsaCircuit
    number: int
    axis: int
    rows: int
    circuits: int
    shots: int
    load: Load


def check_finite(values: np.ndarray) -> np.ndarray:
    """Return the parameter values of a PUB, or raise ArgumentError: a device would run, and bill, NaN as well."""
    if not np.isfinite(values).all():
        raise ArgumentError("Argument `pubs` must hold finite parameter values, but holds NaN or infinity.")
    return values


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
    if end - start <= 1 or piece.load.fits(piece.circuits, piece.rows, limits):
        return [piece]
    middle = (start + end) // 2
    return [*cut(length, take, limits, start, middle), *cut(length, take, limits, middle, end)]


def pack(pieces: Sequence[Piece[PubT]], limits: JobLimits) -> list[list[Piece[PubT]]]:
    """Return the pieces in jobs: in order, together while they fit, of one device part and one number of shots."""
    jobs: list[list[Piece[PubT]]] = []
    used = np.zeros(3)
    for piece in pieces:
        need = np.array(
            [
                piece.circuits * piece.load.executions / limits.max_executions,
                piece.circuits * piece.load.instructions / limits.max_instructions_per_qubit,
                (piece.rows * piece.load.row_bytes + piece.load.circuit_bytes) / limits.max_payload_bytes,
            ]
        )
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
