"""``split``: a program in three: what makes a product state, what runs, and what turns the observables.

- Operations on single bits of the row number, before any that mixes several, act on |0...0>: their result is a product
  of one-qubit states.
- Operations at the end turn the observables instead of the state. By exp(-i angle P / 2), a Pauli word that commutes
  with P stays what it is, and one that anticommutes, O, becomes cos(angle) O - i sin(angle) O P, where -i O P is a
  word, too. So the expectation values of some words turn like the coordinates of a vector: a few numbers for each
  sample, in place of all its amplitudes. Operations that commute with all words have no effect, and are left out.

Operations change places if they commute.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from qiskit_qgen.simulator.programs.operations import Operation, PauliTerm
from qiskit_qgen.simulator.programs.scheduling import select

# What words and operations cost for each row of the state, in multiply-adds of a forward and a backward pass: a word
# whose flip no other word has, another one with this flip, one without a flip, a rotation, a phase.
_NEW_FLIP, _SAME_FLIP, _NO_FLIP, _ROTATION, _PHASE = 4.0, 2.0, 0.2, 10.0, 1.0
_MOST_WORDS = 4  # times as many words as at first are looked at, and
_MORE_WORDS = 64  # so many more
_WINDOW = 256  # operations that may stay while earlier, commuting ones are folded


class Word(NamedTuple):
    """A Pauli word: ``i**odd * (-1)**parity(r AND sign)`` from row r to row ``r XOR flip``."""

    flip: int
    sign: int

    @property
    def odd(self) -> int:
        """Whether the number of Y is odd."""
        return (self.flip & self.sign).bit_count() & 1

    def commutes_with(self, operation: Operation) -> bool:
        """Whether the word certainly commutes with an operation."""
        return operation.commutes_with(Operation(self.flip, self.sign, operation.angle))

    def times(self, operation: Operation) -> tuple[Word, int]:
        """Return the word -i O P, up to its sign, and the sign; P is the operation's, and anticommutes."""
        other = Word(operation.flip, operation.sign)
        product = Word(self.flip ^ other.flip, self.sign ^ other.sign)
        power = self.odd + other.odd - product.odd - 1 + 2 * (self.sign & other.flip).bit_count()
        return product, 1 - power % 4


class Turn(NamedTuple):
    """An operation turns the values of two words: (low, high) = (cos low - sin high, sin low + cos high)."""

    operation: int
    low: int
    high: int


@dataclass(frozen=True)
class Split:
    """A program in three."""

    start: tuple[int, ...]
    """Numbers of operations on single bits, that act first."""
    middle: tuple[int, ...]
    """Numbers of operations that act on the state after them."""
    turns: tuple[Turn, ...]
    """Operations that turn the values of words, in the circuit's order."""
    words: tuple[Word, ...]
    """What is to be measured."""
    invisible: tuple[int, ...]
    """Numbers of operations that have no effect on what is read."""

    @property
    def folded(self) -> tuple[int, ...]:
        """Numbers of the operations that turn words."""
        return tuple(dict.fromkeys(turn.operation for turn in self.turns))


def split(operations: Sequence[Operation], terms: Sequence[PauliTerm] | None) -> Split:
    """Split a program.

    Args:
        operations: The program's operations.
        terms: What is measured; None for the probabilities of all rows, which see no phases at the end.
    """
    start, rest = select(operations, list(range(len(operations))), _is_single)
    if terms is None:
        invisible, middle = _without_last_phases(operations, rest)
        return Split(tuple(start), tuple(middle), (), (Word(0, 0),), tuple(invisible))
    words = list(dict.fromkeys(Word(term.flip, term.sign) for term in terms))
    trial = _Folding(operations, words)
    trial.fold(rest, len(rest))
    folding = _Folding(operations, words)
    folding.fold(rest, min(range(len(trial.gains)), key=trial.gains.__getitem__))
    place = {word: number for number, word in enumerate(folding.words)}
    turns = []
    for number, touched in reversed(folding.folded):
        for word in touched:
            partner, sign = word.times(operations[number])
            low, high = (partner, word) if sign > 0 else (word, partner)
            turns.append(Turn(number, place[low], place[high]))
    return Split(
        tuple(start),
        tuple(reversed(folding.later)),
        tuple(dict.fromkeys(turns)),
        tuple(folding.words),
        tuple(reversed(folding.invisible)),
    )


def _is_single(operation: Operation) -> bool:
    """Whether an operation acts on one bit of the row alone."""
    sign = operation.sign
    return not operation.controls and sign.bit_count() == 1 and operation.flip in (0, sign)


def _without_last_phases(operations: Sequence[Operation], numbers: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the phases that no rotation follows that they do not commute with, and all other operations."""
    backward = list(reversed(numbers))
    phases, rest = select(operations, backward, lambda operation: not operation.flip)
    return phases[::-1], rest[::-1]


class _Folding:
    """Folds operations into words, from the end.

    Args:
        operations: The program's operations.
        words: The words that are read.
    """

    def __init__(self, operations: Sequence[Operation], words: Iterable[Word]) -> None:
        self.words = dict.fromkeys(words)
        self.later: list[int] = []
        """Operations that stay, from the last one on."""
        self.folded: list[tuple[int, list[Word]]] = []
        """Operations that are folded, from the last one on, and the words that they turn."""
        self.invisible: list[int] = []
        """Operations without effect, from the last one on."""
        self.gains = [0.0]
        """What folding as many operations as the index costs, beside what it saves."""
        self._operations = operations
        self._limit = _MOST_WORDS * len(self.words) + _MORE_WORDS

    def fold(self, numbers: Sequence[int], most: int) -> None:
        """Fold at most so many of some operations, and leave out those that have no effect."""
        at_first, saved = _cost(self.words), 0.0
        for number in reversed(numbers):
            operation = self._operations[number]
            if not self._can_be_last(operation):
                self.later.append(number)
                continue
            touched = [word for word in self.words if not word.commutes_with(operation)]
            if touched and (operation.controls or len(self.folded) == most or len(self.words) > self._limit):
                self.later.append(number)
                continue
            saved += _ROTATION if operation.flip else _PHASE
            if not touched:
                self.invisible.append(number)
                continue
            self.words |= dict.fromkeys(word.times(operation)[0] for word in touched)
            self.folded.append((number, touched))
            self.gains.append(_cost(self.words) - at_first - saved)

    def _can_be_last(self, operation: Operation) -> bool:
        """Whether an operation commutes with those after it that stay."""
        later = self.later
        return len(later) <= _WINDOW and all(operation.commutes_with(self._operations[other]) for other in later)


def _cost(words: Iterable[Word]) -> float:
    """Return what measuring words costs."""
    flips = set[int]()
    total = 0.0
    for word in words:
        total += _NO_FLIP if not word.flip else _SAME_FLIP if word.flip in flips else _NEW_FLIP
        flips.add(word.flip)
    return total
