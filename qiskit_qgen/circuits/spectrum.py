r"""The frequencies that a circuit's outputs can have in its inputs.

A gate :math:`e^{-i a G}` whose angle is :math:`a = k x + c` adds k times the differences of the eigenvalues of G to the
spectrum of input x; several gates with the same input add up. The output is then

.. math:: f(x) = \sum_{\omega \in \Omega_1 \times \dots \times \Omega_n} c_\omega e^{i \omega \cdot x},

where the gates that encode the inputs determine the spectra :math:`\Omega_i`, and all other gates the coefficients
(arXiv 2008.08605).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, islice, product

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import Operation, Parameter, ParameterExpression
from qiskit.quantum_info import Operator

from qiskit_qgen._checks import check_int, check_type
from qiskit_qgen.circuits.parametrized import ParametrizedCircuit
from qiskit_qgen.exceptions import ArgumentError

_DIGITS = 9
_PROBE = 0.5  # an angle at which no phase of a standard gate has wrapped around
_TRIES = 50


@dataclass(frozen=True)
class FrequencySpectrum:
    """The frequencies that a circuit's outputs can have in each input: no others, and not necessarily all of them."""

    frequencies: tuple[tuple[float, ...], ...]
    """The frequencies of each input in ascending order, each with its opposite, for angles in radians."""
    shares: tuple[tuple[float, ...], ...]
    """The share of pairs of eigenvalues whose difference each is: the larger, the larger its coefficients can be."""

    @property
    def size(self) -> int:
        """The number of frequency vectors, including opposites and zero; a real function has this many coefficients."""
        return math.prod(map(len, self.frequencies))

    def vectors(self, most: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return frequency vectors without zero, one of each pair of opposites.

        Args:
            most: The largest number to return. If there are more, half of those returned are the vectors with the
                fewest inputs, the last inputs and the lowest frequencies first. The others are drawn with the frequency
                at which pairs of eigenvalues produce them (arXiv 2210.13200).
            rng: Generator for the draw.

        Returns:
            Shape (K, num_inputs), all rows different.

        Raises:
            ArgumentError: If ``most`` is not positive.
        """
        check_int("most", most, minimum=1)
        if self.size <= 2 * most + 1:
            return self._array(self._ascending())
        kept = dict.fromkeys(islice(self._ascending(), (most + 1) // 2))
        for _ in range(_TRIES):
            columns = [rng.choice(own, most, p=share) for own, share in zip(self.frequencies, self.shares, strict=True)]
            for row in map(tuple, np.stack(columns, axis=1).tolist()):
                if any(row) and len(kept) < most:
                    kept[max(row, tuple(-each for each in row))] = None
        if len(kept) < most:  # all others are drawn too rarely
            kept |= dict.fromkeys(islice((each for each in self._ascending() if each not in kept), most - len(kept)))
        return self._array(iter(kept))

    def _ascending(self) -> Iterator[tuple[float, ...]]:
        """Yield the vectors whose first nonzero number is positive; few inputs, last inputs, low frequencies first."""
        count = len(self.frequencies)
        for active in range(1, count + 1):
            for inputs in combinations(reversed(range(count)), active):
                choices = [[each for each in self.frequencies[number] if each] for number in inputs]
                for values in sorted(product(*choices), key=lambda each: sum(map(abs, each))):
                    row = [0.0] * count
                    for number, value in zip(inputs, values, strict=True):
                        row[number] = value
                    if next(filter(None, row)) > 0:
                        yield tuple(row)

    def _array(self, rows: Iterator[tuple[float, ...]]) -> NDArray[np.float64]:
        return np.array(list(rows), dtype=np.float64).reshape(-1, len(self.frequencies))


def frequency_spectrum(circuit: ParametrizedCircuit) -> FrequencySpectrum:
    """Return the frequencies that a circuit's outputs can have in its inputs.

    Args:
        circuit: The circuit. Each input enters through gates with one angle that is linear in it, such as RY(x),
            CRZ(2 x + theta) or RZZ(x).

    Raises:
        ArgumentTypeError: If ``circuit`` is not a ``ParametrizedCircuit``.
        ArgumentError: If an input enters in any other way, so that there is no such spectrum.

    Example:
        >>> from qiskit_qgen.circuits import data_reuploading
        >>> frequency_spectrum(data_reuploading(2, 2)).frequencies
        ((-2.0, -1.0, 0.0, 1.0, 2.0), (-2.0, -1.0, 0.0, 1.0, 2.0))
    """
    check_type("circuit", circuit, ParametrizedCircuit, "a ParametrizedCircuit")
    pairs: dict[Parameter, Counter[float]] = {parameter: Counter({0.0: 1}) for parameter in circuit.input_params}
    for instruction in circuit.circuit.data:
        gate = instruction.operation
        names = {each for value in gate.params for each in getattr(value, "parameters", ())} & set(pairs)
        for parameter in names:
            if len(names) > 1 or len(gate.params) > 1:
                raise _not_linear(gate)
            differences = _differences(gate, _slope(gate, parameter))
            former, added = pairs[parameter].items(), differences.items()
            sums: Counter[float] = Counter()
            for (one, often), (other, times) in product(former, added):
                sums[round(one + other, _DIGITS) + 0.0] += often * times
            pairs[parameter] = sums
    ordered = [sorted(found.items()) for found in pairs.values()]
    totals = [sum(often for _, often in each) for each in ordered]
    return FrequencySpectrum(
        tuple(tuple(value for value, _ in each) for each in ordered),
        tuple(tuple(often / total for _, often in each) for each, total in zip(ordered, totals, strict=True)),
    )


def _slope(gate: Operation, parameter: Parameter) -> float:
    """Return how fast a gate's angle grows with a parameter."""
    expression: ParameterExpression = gate.params[0]
    slope = expression.gradient(parameter)
    if isinstance(slope, ParameterExpression):
        if slope.parameters:
            raise _not_linear(gate)
        slope = slope.numeric()
    return float(np.real(slope))


def _differences(gate: Operation, slope: float) -> Counter[float]:
    """Return how often each difference of eigenvalues of a gate's generator occurs, times ``slope``."""
    once, twice = _matrices(gate)
    if not np.allclose(once @ once, twice, atol=1e-9):
        raise _not_linear(gate)
    levels = -np.angle(np.linalg.eigvals(once)) / _PROBE * slope
    return Counter(round(float(one - other), _DIGITS) + 0.0 for one in levels for other in levels)


def _matrices(gate: Operation) -> list[NDArray[np.complex128]]:
    found = []
    for angle in (_PROBE, 2 * _PROBE):
        probe = gate.to_mutable()
        probe.params = [angle]
        found.append(np.asarray(Operator(probe).data))
    return found


def _not_linear(gate: Operation) -> ArgumentError:
    return ArgumentError(
        "Argument `circuit` must bring each input in by gates with one angle that is linear in that input alone, but "
        f"has the gate {gate.name!r} with the parameters {list(map(str, gate.params))}."
    )
