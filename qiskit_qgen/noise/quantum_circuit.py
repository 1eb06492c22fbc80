"""Normal numbers out of the shots of an entangled circuit, after arXiv 2507.01886."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import BaseSamplerV2
from torch import Tensor

from qiskit_qgen._checks import check_int, check_type
from qiskit_qgen._random import torch_generator
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.noise.base import AbstractNoise
from qiskit_qgen.noise.binary_fractions import BinaryFractions, Marginals
from qiskit_qgen.simulator import lower
from qiskit_qgen.simulator.probabilities import Probabilities

MAX_LOCAL_QUBITS = 20
_PART_SHOTS = 1 << 19
_ANGLES_STREAM, _PROJECTION_STREAM = 0, 1


class SamplesCircuits(Protocol):
    """What runs the circuit: any execution has this method."""

    def sampler(self) -> BaseSamplerV2:
        """Return a V2 sampler."""


def noise_circuit(num_qubits: int = 16, reps: int = 3, *, seed: int = 0) -> QuantumCircuit:
    """Return an entangled circuit each of whose qubits is 0 or 1 with probability 1/2, exactly.

    H on each qubit; then ``reps`` layers of RZZ on a ring and RX on each qubit, at random angles. All gates commute
    with X on all qubits together, and so ``<Z_q> = 0``, while ``<Z_q Z_r>`` of near qubits is not. Layout
    and defaults are our choice.

    Args:
        num_qubits: Number of qubits.
        reps: Number of layers; each carries correlations one qubit farther around the ring.
        seed: Seed of the angles.

    Raises:
        ArgumentError: If a number is not positive.
    """
    check_int("num_qubits", num_qubits, minimum=1)
    check_int("reps", reps, minimum=1)
    angles = iter(2 * math.pi * torch.rand(2 * num_qubits * reps, generator=torch_generator(seed, _ANGLES_STREAM)))
    circuit = QuantumCircuit(num_qubits)
    circuit.h(range(num_qubits))
    for _ in range(reps):
        for qubit in range(num_qubits if num_qubits > 2 else num_qubits - 1):
            circuit.rzz(float(next(angles)), qubit, (qubit + 1) % num_qubits)
        for qubit in range(num_qubits):
            circuit.rx(float(next(angles)), qubit)
    return circuit


class QuantumCircuitNoise(AbstractNoise):
    """Standard normal numbers whose joint distribution is a circuit's, by the recipe of arXiv 2507.01886.

    ``bits`` shots of the circuit give each qubit a binary fraction, first shot first. Where 0 and 1 are not equally
    likely, the interval is divided in the proportion of their probabilities. The inverse of the normal distribution
    turns the fractions into one normal number for each qubit, whose mean and variance over all fractions are set to 0
    and 1 exactly; what ties the qubits in a shot ties the numbers (a copula). ``groups`` independent draws make a
    vector of ``groups * num_qubits`` numbers. If these are fewer than ``dim``, a fixed random projection makes ``dim``
    of them, each again of variance 1, by the numbers' exact covariance; such vectors fill a subspace only. With
    ``groups=1`` and a ``dim`` above the number of qubits this is the published recipe.

    On the built-in simulator the shots come from the generator that :meth:`sample` is given. On an execution they are
    its own: draw a :class:`~qiskit_qgen.noise.NoisePool` from it in advance, which then gives reproducible samples.

    Args:
        dim: Length of each vector.
        num_qubits: Qubits of the circuit (16 in arXiv 2507.01886).
        reps: Layers of :func:`noise_circuit`.
        circuit: A custom circuit in its place, without parameters and measurements.
        bits: Shots for each number, from 1 to 20.
        groups: Independent draws of the circuit in each vector; None takes as many as make a projection needless.
        execution: Where the circuit runs, such as ``AerExecution(noise_model=...)``; None takes the built-in simulator.
        calibration_shots: Shots from which the qubits' probabilities are estimated on an execution, at its first use.
        seed: Seed of the circuit's angles and of the projection.

    Raises:
        ArgumentError: If a number is out of range, or the circuit has parameters or measurements.
        ArgumentTypeError: If ``circuit`` or ``execution`` has another type.
    """

    def __init__(
        self,
        dim: int,
        *,
        num_qubits: int = 16,
        reps: int = 3,
        circuit: QuantumCircuit | None = None,
        bits: int = 16,
        groups: int | None = None,
        execution: SamplesCircuits | None = None,
        calibration_shots: int = 65536,
        seed: int = 0,
    ) -> None:
        super().__init__(dim)
        self.circuit = noise_circuit(num_qubits, reps, seed=seed) if circuit is None else _checked(circuit)
        self.num_qubits = int(self.circuit.num_qubits)
        self.bits = check_int("bits", bits, minimum=1, maximum=20)
        self.groups = math.ceil(dim / self.num_qubits) if groups is None else check_int("groups", groups, minimum=1)
        self.seed = check_int("seed", seed, minimum=0)
        self.execution = execution
        self._calibration_shots = check_int("calibration_shots", calibration_shots, minimum=1000)
        if execution is not None and not callable(getattr(execution, "sampler", None)):
            check_type("execution", execution, (), "an execution such as LocalExecution()")
        if execution is None:
            check_int("num_qubits", self.num_qubits, minimum=1, maximum=MAX_LOCAL_QUBITS)
        self._fractions: BinaryFractions | None = None
        self._cumulative = torch.empty(0)  # of the outcomes' probabilities, on the built-in simulator
        self._projection: Tensor | None = None

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Covariance of the normal numbers of one draw of the circuit, (num_qubits, num_qubits), exact.

        On an execution: of the probabilities that were estimated.
        """
        return self._prepared().covariance()

    @property
    def is_repeatable(self) -> bool:
        """Whether the shots come from the generator: on the built-in simulator alone."""
        return self.execution is None

    def _sample(self, num_samples: int, generator: torch.Generator) -> Tensor:
        fractions = self._prepared()
        draws = num_samples * self.groups
        at_once = max(_PART_SHOTS // self.bits, 1)
        parts = []
        for start in range(0, draws, at_once):
            shots = self._shots(min(at_once, draws - start) * self.bits, generator)
            parts.append(fractions.normal_numbers(shots.reshape(-1, self.bits, self.num_qubits)))
        numbers = torch.from_numpy(np.concatenate(parts)).view(num_samples, self.groups * self.num_qubits)
        if self._projection is None:
            return numbers[:, : self.dim].contiguous()
        return numbers @ self._projection

    def _prepared(self) -> BinaryFractions:
        """Find the qubits' probabilities, the table of normal numbers and the projection, once."""
        if self._fractions is None:
            if self.execution is None:
                nothing = torch.zeros(1, 0, dtype=torch.float64)
                values = Probabilities(lower(self.circuit), range(self.num_qubits))(nothing)[0]
                self._cumulative = values.cumsum(0) / values.sum()
                marginals = Marginals.of_probabilities(values.numpy())
            else:
                marginals = Marginals.of_shots(self._executed(self.execution, self._calibration_shots))
            self._fractions = BinaryFractions(marginals, self.bits)
            if self.groups * self.num_qubits < self.dim:
                self._projection = self._projected(self._fractions)
        return self._fractions

    def _projected(self, fractions: BinaryFractions) -> Tensor:
        """A fixed random matrix (groups * num_qubits, dim) that gives each component the variance 1."""
        shape = (self.groups, self.num_qubits, self.dim)
        matrix = torch.randn(shape, generator=torch_generator(self.seed, _PROJECTION_STREAM), dtype=torch.float64)
        covariance = torch.from_numpy(fractions.covariance())
        variances = torch.einsum("gid,ij,gjd->d", matrix, covariance, matrix)
        return (matrix / variances.sqrt()).flatten(0, 1).float()

    def _shots(self, num_shots: int, generator: torch.Generator) -> NDArray[np.uint8]:
        """Draw outcomes, (num_shots, num_qubits)."""
        if self.execution is not None:
            return self._executed(self.execution, num_shots)
        points = torch.rand(num_shots, generator=generator, dtype=torch.float64)
        outcomes = torch.searchsorted(self._cumulative, points, right=True).clamp_(max=len(self._cumulative) - 1)
        return (outcomes[:, None] >> torch.arange(self.num_qubits) & 1).to(torch.uint8).numpy()

    def _executed(self, execution: SamplesCircuits, num_shots: int) -> NDArray[np.uint8]:
        """Run the circuit, (num_shots, num_qubits)."""
        measured = self.circuit.measure_all(inplace=False)
        array = execution.sampler().run([(measured,)], shots=num_shots).result()[0].data.meas.array
        return np.unpackbits(array, axis=-1)[:, ::-1][:, : self.num_qubits]

    def __repr__(self) -> str:
        return (
            f"QuantumCircuitNoise(dim={self.dim}, num_qubits={self.num_qubits}, bits={self.bits}, groups={self.groups})"
        )


def _checked(circuit: QuantumCircuit) -> QuantumCircuit:
    check_type("circuit", circuit, QuantumCircuit, "a QuantumCircuit")
    if circuit.parameters or circuit.clbits or not circuit.num_qubits:
        raise ArgumentError("Argument `circuit` must have qubits, and no parameters, measurements or classical bits.")
    return circuit
