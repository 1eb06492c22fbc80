"""Rewrites a program for tensors: basis changes that are the same for all samples, and diagonals with the angles.

A rotation about P = i X^flip Z^sign is a phase in another basis: V = exp(-i pi/4 X^flip) turns P into Z^sign. Rotations
whose flips and signs do not touch each other become phases of one diagonal between V and its adjoint, and these fall
away between diagonals that share a flip. What depends on a sample is then the diagonals alone: one multiplication
each. A stage is a few moves, the same for all samples, and a diagonal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qiskit_qgen._typing import IntArray
from qiskit_qgen.simulator.addresses.bases import Basis
from qiskit_qgen.simulator.addresses.cosets import Span, combinations, parities
from qiskit_qgen.simulator.programs.operations import Control, Operation
from qiskit_qgen.simulator.programs.scheduling import select

MAX_DENSE_QUBITS = 6  # up to here the moves between two diagonals are one matrix
_TURN = np.array([[1, -1j], [-1j, 1]]) / np.sqrt(2)


@dataclass(frozen=True)
class Permutation:
    """A move to other addresses: address j gets what was at ``source[j]``."""

    source: IntArray


@dataclass(frozen=True)
class Product:
    """A move that multiplies a matrix to some neighbouring bits of the address, from the bit ``shift`` on."""

    shift: int
    matrix: NDArray[np.complex128]


Move = Permutation | Product


@dataclass(frozen=True)
class Stage:
    """Moves, and then exp(-i angle/2) for each operation, on the rows where its controls hold (see ``Operation``)."""

    moves: tuple[Move, ...]
    phases: tuple[Operation, ...]
    """Their signs read addresses; none has a flip."""


@dataclass(frozen=True)
class Stages:
    """A program as stages that begin with |0...0>, moves at their end, and the final state's addresses."""

    width: int
    stages: tuple[Stage, ...]
    last_moves: tuple[Move, ...]
    basis: Basis


def build_stages(operations: Sequence[Operation], width: int) -> Stages:
    """Return the operations as stages.

    Operations move to an earlier stage if they commute with all that they overtake.
    """
    basis = Basis((), width)
    turned: list[int] = []
    stages = []
    for group in _groups(operations):
        flips = list(dict.fromkeys(operation.flip for operation in group if operation.flip))
        moves, basis = _moves(basis, turned, flips)
        turned = flips
        stages.append(Stage(moves, tuple(_phase(operation, basis) for operation in group)))
    last_moves, basis = _moves(basis, turned, [])
    built = Stages(width, tuple(stages), last_moves, basis)
    return _fused(built) if width <= MAX_DENSE_QUBITS else built


def _groups(operations: Sequence[Operation]) -> list[list[Operation]]:
    """Return the operations divided into those that are phases in one basis."""
    groups = []
    waiting = list(range(len(operations)))
    while waiting:
        group = list[Operation]()

        def take(operation: Operation, group: list[Operation] = group) -> bool:
            fits = all(_apart(operation, other) and _apart(other, operation) for other in group)
            if fits:
                group.append(operation)
            return fits

        _, waiting = select(operations, waiting, take)
        groups.append(group)
    while groups and not any(operation.flip for operation in groups[0]):
        groups.pop(0)  # phases of |0...0> are global
    return groups


def _phase(operation: Operation, basis: Basis) -> Operation:
    controls = tuple(Control(basis.sign(sign), value) for sign, value in operation.controls)
    return Operation(0, basis.sign(operation.sign), operation.angle, controls)


def _apart(turned: Operation, other: Operation) -> bool:
    """Whether turning the flip of one operation leaves the other's sign and controls as they are.

    Flips of operations that are all apart, and differ, are independent: each flip has an odd parity with its own
    operation's sign, and all others have an even one.
    """
    signs = [control.sign for control in other.controls]
    if turned.flip != other.flip:
        signs.append(other.sign)
    return not any((turned.flip & sign).bit_count() & 1 for sign in signs)


def _moves(basis: Basis, turned: Sequence[int], flips: Sequence[int]) -> tuple[tuple[Move, ...], Basis]:
    """Return the moves from a state with some flips turned to one with others turned, and its addresses."""
    back = {basis.columns.index(flip): _TURN.conj() for flip in turned if flip not in flips}
    new = _with_columns(basis, flips)
    turns = {new.columns.index(flip): _TURN for flip in flips if flip not in turned}
    if new.columns == basis.columns:
        return _products(back | turns), basis
    permutation = Permutation(combinations([basis.address(column) for column in new.columns]))
    return (*_products(back), permutation, *_products(turns)), new


def _with_columns(basis: Basis, flips: Sequence[int]) -> Basis:
    """Return a basis that has these independent flips among its columns, and else changes little."""
    columns, span = list(basis.columns), Span()
    for address, flip in sorted(((basis.address(flip), flip) for flip in flips), key=lambda pair: pair[0].bit_count()):
        columns[span.reduce(address).bit_length() - 1] = flip
        span.add(address)
    return Basis(columns, len(columns))


def _products(turns: dict[int, NDArray[np.complex128]]) -> tuple[Product, ...]:
    products = []
    waiting = sorted(turns)
    while waiting:
        first = waiting[0]
        bits = [bit for bit in waiting if bit < first + MAX_DENSE_QUBITS]
        waiting = waiting[len(bits) :]
        matrix = np.eye(1, dtype=complex)
        for bit in range(first, bits[-1] + 1):
            matrix = np.kron(turns.get(bit, np.eye(2)), matrix)
        products.append(Product(first, matrix))
    return tuple(products)


def _fused(stages: Stages) -> Stages:
    """Return the same with one matrix in place of the moves and of the diagonals that are constant."""
    fused = []
    matrix = np.eye(1 << stages.width, dtype=complex)
    for stage in stages.stages:
        matrix = _multiplied(stage.moves, matrix)
        if any(operation.angle.slot >= 0 for operation in stage.phases):
            fused.append(Stage((Product(0, matrix),), stage.phases))
            matrix = np.eye(1 << stages.width, dtype=complex)
        else:
            angles = sum(operation.angle.offset * _signs(operation, stages.width) for operation in stage.phases)
            matrix = np.exp(-0.5j * angles)[:, None] * matrix
    matrix = _multiplied(stages.last_moves, matrix)
    return Stages(stages.width, tuple(fused), (Product(0, matrix),), stages.basis)


def _multiplied(moves: Sequence[Move], matrix: NDArray[np.complex128]) -> NDArray[np.complex128]:
    for move in moves:
        if isinstance(move, Permutation):
            matrix = matrix[move.source]
        else:
            columns = matrix.reshape(-1, len(move.matrix), matrix.shape[1] << move.shift)
            matrix = (move.matrix @ columns).reshape(matrix.shape)
    return matrix


def _signs(operation: Operation, width: int) -> NDArray[np.float64]:
    rows = np.arange(1 << width)
    signs = 1.0 - 2.0 * parities(rows, operation.sign).astype(np.float64)
    for sign, value in operation.controls:
        signs *= parities(rows, sign) == value
    return signs
