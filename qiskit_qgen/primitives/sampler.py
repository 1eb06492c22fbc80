"""A sampler that simulates whole batches at once."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.primitives import (
    BaseSamplerV2,
    BitArray,
    DataBin,
    PrimitiveJob,
    PrimitiveResult,
    SamplerPubLike,
    SamplerPubResult,
)
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.providers import Options

from qiskit_qgen._checks import check_int
from qiskit_qgen._jobs import FinishedJob
from qiskit_qgen.primitives.exact_probabilities import exact_result
from qiskit_qgen.primitives.pubs import rows_of, values_of
from qiskit_qgen.simulator.measured import MeasuredCircuit, MeasurementCache
from qiskit_qgen.simulator.options import check_simulation_options

_PART_BYTES = 1 << 28  # probabilities and shots that are held at once


class BatchedStatevectorSampler(BaseSamplerV2):
    """Shots, or exact probabilities, of batches of parameters; all rows of a circuit are simulated together.

    A drop-in ``BaseSamplerV2``: ``SamplerQNN(..., sampler=BatchedStatevectorSampler(default_shots=None))`` for exact
    probabilities, as ``QMLSampler(shots=None)`` gives them; with a number of shots, ``BitArray`` results as Qiskit's
    ``StatevectorSampler`` gives them, drawn from the exact probabilities. Measurements must come last.

    Args:
        seed: Seed of the shots, or a generator that is advanced; an integer gives a reproducible stream, not the same
            shots at each call.
        device: Where the simulation runs, as torch names it.
        dtype: ``torch.float64``, or ``torch.float32``, which takes half the time but is too coarse for the finite
            differences of classical optimisers.
        threads: Number of threads; None for as many as torch uses.
        default_shots: The number of shots where neither the PUB nor the call names one; None for exact probabilities
            then.

    Raises:
        ArgumentError: If an option has another value.
    """

    def __init__(
        self,
        *,
        seed: np.random.Generator | int | None = None,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float64,
        threads: int | None = None,
        default_shots: int | None = 1024,
    ) -> None:
        self._device = check_simulation_options(device, dtype, threads)
        if not isinstance(seed, np.random.Generator | None):
            check_int("seed", seed, minimum=0)
        self._seed = seed
        self._default_shots = None if default_shots is None else check_int("default_shots", default_shots, minimum=1)
        self._generator = np.random.default_rng(seed)
        self._dtype = dtype
        self._cache = MeasurementCache(threads=threads)

    @property
    def default_shots(self) -> int | None:
        """The number of shots where neither the PUB nor the call names one; None for exact probabilities then."""
        return self._default_shots

    @property
    def seed(self) -> np.random.Generator | int | None:
        """The seed or the generator that was given."""
        return self._seed

    @property
    def options(self) -> Options:
        """The defaults, for code that reads them here; a copy."""
        return Options(default_shots=self._default_shots, seed=self._seed)

    def run(
        self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None
    ) -> PrimitiveJob[PrimitiveResult[SamplerPubResult]]:
        """Sample the PUBs.

        Args:
            pubs: Circuits, or (circuit, parameter values, shots), the last two optional.
            shots: The number of shots of PUBs that name none; None for ``default_shots``.

        Returns:
            A job whose result has, for each classical register of the circuit, ``data.<its name>``: a ``BitArray``, or
            :class:`~qiskit_qgen.primitives.ExactProbabilities` where there is no number of shots.

        Raises:
            UnsupportedCircuitError: From the job, if a circuit holds something that the simulator cannot run.
            ArgumentError: If a parameter value is not finite.
            TypeError: If the number of shots is not an integer, or a PUB is malformed.
            ValueError: If the number of shots is not positive, or a PUB has the wrong number of parameter values.
        """
        default = self._default_shots if shots is None else shots
        coerced = [SamplerPub.coerce(pub, default) for pub in pubs]
        for pub in coerced:
            values_of(pub)
        if not all(pub.circuit.cregs for pub in coerced):
            warnings.warn(
                "One of your circuits has no output classical registers and so the result "
                "will be empty. Did you mean to add measurement instructions?",
                UserWarning,
                stacklevel=2,
            )
        return FinishedJob(self._run, coerced)

    def _run(self, pubs: list[SamplerPub]) -> PrimitiveResult[SamplerPubResult]:
        by_circuit: dict[int, list[int]] = {}
        for number, pub in enumerate(pubs):
            by_circuit.setdefault(id(pub.circuit), []).append(number)
        results: dict[int, SamplerPubResult] = {}
        for numbers in by_circuit.values():
            measured = self._cache.get(pubs[numbers[0]].circuit)
            simulated = self._simulate(measured, [rows_of(pubs[number]) for number in numbers])
            for number, parts in zip(numbers, simulated, strict=True):
                pub = pubs[number]
                if pub.shots is None:
                    results[number] = exact_result(pub, np.concatenate(list(parts)), measured.measurements.registers)
                else:
                    results[number] = _drawn(measured, pub, parts, self._generator)
        return PrimitiveResult([results[number] for number in range(len(pubs))], metadata={"version": 2})

    def _simulate(
        self, measured: MeasuredCircuit, pubs: list[NDArray[np.float64]]
    ) -> Iterator[Iterable[NDArray[np.float64]]]:
        """Yield each PUB's probabilities, (rows, outcomes), in parts that fit into memory.

        A gradient rule sends one PUB per row: as many PUBs as fit are simulated together.
        """
        limit = max(1, _PART_BYTES >> (4 + len(measured.measurements.qubits)))
        waiting: list[NDArray[np.float64]] = []
        for rows in [*pubs, None]:
            if waiting and (rows is None or sum(map(len, waiting)) + len(rows) > limit):
                stops = np.cumsum([len(each) for each in waiting])
                joint = self._probabilities(measured, np.concatenate(waiting))
                yield from ([part] for part in np.split(joint, stops[:-1]))
                waiting = []
            if rows is not None and len(rows) > limit:
                parts = np.split(rows, range(limit, len(rows), limit))
                yield (self._probabilities(measured, part) for part in parts)
            elif rows is not None:
                waiting.append(rows)

    def _probabilities(self, measured: MeasuredCircuit, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        with torch.no_grad():
            values = measured.probabilities(torch.from_numpy(rows).to(self._device, self._dtype))
        return values.cpu().double().numpy()


def _drawn(
    measured: MeasuredCircuit,
    pub: SamplerPub,
    parts: Iterable[NDArray[np.float64]],
    generator: np.random.Generator,
) -> SamplerPubResult:
    packed = {
        name: np.zeros((prod(pub.shape), pub.shots, -(-len(bits) // 8)), np.uint8)
        for name, bits in measured.measurements.registers.items()
    }
    first = 0
    for probabilities in parts:
        outcomes = _outcomes(probabilities, pub.shots, generator)
        for name, bits in measured.measurements.registers.items():
            _pack(outcomes, bits, packed[name][first : first + len(outcomes)])
        first += len(outcomes)
    data = {
        name: BitArray(array.reshape(*pub.shape, *array.shape[1:]), len(measured.measurements.registers[name]))
        for name, array in packed.items()
    }
    metadata = {"shots": pub.shots, "circuit_metadata": pub.circuit.metadata}
    return SamplerPubResult(DataBin(**data, shape=pub.shape), metadata=metadata)


def _outcomes(probabilities: NDArray[np.float64], shots: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Draw outcomes, (rows, shots), from their probabilities, (rows, outcomes), by inverting the distribution."""
    sums = torch.from_numpy(probabilities).cumsum(1)
    # A number below 1, times the total, is below the total in floating point too: the last outcome is never exceeded.
    uniform = torch.from_numpy(generator.random((len(probabilities), shots))) * sums[:, -1:]
    return torch.searchsorted(sums, uniform, right=True).numpy()


def _pack(outcomes: NDArray[np.int64], bits: tuple[int | None, ...], packed: NDArray[np.uint8]) -> None:
    """Set the bits of a register in ``packed``, (rows, shots, bytes), the lowest byte last."""
    for place, bit in enumerate(bits):
        if bit is not None:
            packed[..., -1 - place // 8] |= ((outcomes >> bit & 1) << place % 8).astype(np.uint8)
