"""What a sampler found if it did not sample: the outcomes' exact probabilities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives import DataBin, SamplerPubResult
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.primitives.containers.shape import ShapedMixin

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.simulator.programs.measurements import values_of_outcomes

_COUNT_BITS = 40
_MAX_DENSE_BITS = 28


class ExactProbabilities(ShapedMixin):
    """The exact probabilities of a classical register's values, in the place of a ``BitArray`` of shots.

    It answers what ``qiskit_machine_learning`` asks of the exact results of its own ``QMLSampler(shots=None)``, so its
    networks and gradients read it.

    Args:
        joint: Probabilities of the outcomes of all measured qubits, (..., 2**num_measured).
        bits: For each bit of the register, lowest first, which bit of an outcome it is; None for a bit that is always
            0.
    """

    def __init__(self, joint: NDArray[np.float64], bits: Sequence[int | None]) -> None:
        super().__init__()
        self._joint = joint
        self._bits = tuple(bits)
        self._shape = joint.shape[:-1]

    @property
    def num_bits(self) -> int:
        """The number of the register's bits."""
        return len(self._bits)

    @property
    def num_shots(self) -> None:
        """None: nothing was sampled."""
        return

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """The probability of each value of the register, (..., 2**num_bits).

        Raises:
            ArgumentError: If there are more bits than memory holds numbers for; :meth:`get_probabilities` leaves out
                what is impossible.
        """
        if self.num_bits > _MAX_DENSE_BITS:
            raise ArgumentError(
                f"Attribute `probabilities` must have at most 2**{_MAX_DENSE_BITS} columns, "
                f"but has 2**{self.num_bits}: use `get_probabilities()`."
            )
        numbers, _, values = self._marginal
        dense = np.zeros((values.shape[0], 1 << self.num_bits))
        dense[:, numbers.astype(np.int64)] = values
        return dense.reshape(*self.shape, 1 << self.num_bits)

    def __getitem__(self, indices: Any) -> ExactProbabilities:
        return ExactProbabilities(
            self._joint.reshape(self.size, self._joint.shape[-1])[self._entries(indices)], self._bits
        )

    def get_probabilities(self, loc: int | tuple[int, ...] | None = None) -> Any:
        """Return the probabilities of the register's values, without those that are 0.

        Args:
            loc: Which entry of the array; None for all of them.

        Returns:
            A mapping of bit strings, highest bit first, to probabilities; an array of them if ``loc`` is None and the
            shape is not ().
        """
        _, labels, values = self._marginal
        chosen = values[self._entries(loc)]
        found = np.empty(chosen.shape[:-1], object)
        for index in np.ndindex(found.shape):
            row = chosen[index]
            found[index] = {labels[k]: float(row[k]) for k in np.flatnonzero(row)}
        return found if found.shape else found.item()

    def get_counts(self, loc: int | tuple[int, ...] | None = None, shots: int | None = None) -> dict[str, int]:
        """Return whole numbers in proportion to the probabilities, up to 1e-12.

        Args:
            loc: Which entry of the array; None for the sum over all of them.
            shots: To what number the counts of one entry add up, except for their rounding; None for the smallest power
                of two that loses nothing.

        Returns:
            A mapping of bit strings, highest bit first, to counts.
        """
        _, labels, values = self._marginal
        chosen = self._entries(loc)
        if shots is None:
            counts = self._finest[chosen].reshape(-1, len(labels))
            common = int(np.bitwise_or.reduce(counts, axis=None))
            counts = counts // max(1, common & -common)
        else:
            counts = np.rint(values[chosen].reshape(-1, len(labels)) * shots).astype(np.int64)
        totals = counts.sum(0).tolist()
        return {label: total for label, total in zip(labels, totals, strict=True) if total}

    @staticmethod
    def concatenate_bits(registers: Sequence[ExactProbabilities]) -> ExactProbabilities:
        """Return the joint probabilities of registers of one circuit, the first of them in the lowest bits."""
        return ExactProbabilities(registers[0]._joint, [bit for register in registers for bit in register._bits])

    def _entries(self, indices: Any) -> Any:
        """Return the numbers of the entries that are meant; None stands for all, as 0 does for the only one."""
        is_only = not self.shape and isinstance(indices, int) and indices == 0  # ``SamplerQNN`` asks so
        return self._numbers if indices is None or is_only else self._numbers[indices]

    @cached_property
    def _numbers(self) -> NDArray[np.intp]:
        """The numbers of the entries, of the array's shape."""
        return np.arange(self.size).reshape(self.shape)

    @cached_property
    def _finest(self) -> NDArray[np.int64]:
        """The probabilities as multiples of 2**-40, (size, values)."""
        return np.rint(self._marginal[2] * (1 << _COUNT_BITS)).astype(np.int64)

    @cached_property
    def _marginal(self) -> tuple[NDArray[Any], list[str], NDArray[np.float64]]:
        """The register's possible values, as numbers and as bit strings, and their probabilities (size, values)."""
        num_outcomes = self._joint.shape[-1]
        values = values_of_outcomes(num_outcomes.bit_length() - 1, self._bits)
        numbers, which = np.unique(values, return_inverse=True)
        joint = self._joint.reshape(self.size, num_outcomes)
        if len(numbers) == num_outcomes:
            summed = joint[:, np.argsort(which)]
        else:
            summed = np.zeros((self.size, len(numbers)))
            np.add.at(summed.T, which, joint.T)
        labels = [format(int(number), f"0{self.num_bits}b") if self.num_bits else "" for number in numbers]
        return numbers, labels, summed


class ExactSamplerPubResult(SamplerPubResult):
    """The result of one PUB, with :class:`ExactProbabilities` in the place of ``BitArray``."""

    def join_data(self, names: Iterable[str] | None = None) -> ExactProbabilities:
        """Return the joint probabilities of several registers.

        Args:
            names: Which registers, the first of them in the lowest bits; None for all, in the circuit's order.

        Raises:
            ValueError: If there are none, or no register has such a name.
        """
        chosen = list(self.data) if names is None else list(names)
        if not chosen:
            raise ValueError("No entry exists in the data bin." if names is None else "An empty name list is given.")
        for name in chosen:
            if name not in self.data:
                raise ValueError(f"Name '{name}' does not exist.")
        return ExactProbabilities.concatenate_bits([self.data[name] for name in chosen])


def exact_result(
    pub: SamplerPub, joint: NDArray[np.float64], registers: Mapping[str, Sequence[int | None]]
) -> ExactSamplerPubResult:
    """Return the result of a PUB without shots.

    Args:
        pub: The PUB.
        joint: Probabilities of the outcomes of all measured qubits for each row, (rows, 2**num_measured).
        registers: For each register, which bit of an outcome each of its bits is; None for a bit that is always 0.
    """
    shaped = joint.reshape(*pub.shape, joint.shape[1])
    data = {name: ExactProbabilities(shaped, bits) for name, bits in registers.items()}
    metadata = {"shots": None, "exact": True, "circuit_metadata": pub.circuit.metadata}
    return ExactSamplerPubResult(DataBin(**data, shape=pub.shape), metadata=metadata)
