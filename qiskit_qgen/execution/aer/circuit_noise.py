"""The part of an Aer noise model that acts on some of its qubits."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import CircuitInstruction, QuantumCircuit
from qiskit.providers import BackendV2

from qiskit_qgen.exceptions import ArgumentError

TRAJECTORY_OPTIONS = {"fusion_threshold": 1}
"""Aer's options for noisy circuits that are run shot by shot: gates are merged with the errors that follow them into
one operation, for circuits of any width. Aer leaves that to 14 qubits and more; at 12 it is five times faster."""


@dataclass(frozen=True, eq=False)
class CircuitNoise:
    """A noise model on the qubits of one circuit."""

    model: Any
    """Aer's ``NoiseModel``, on qubits numbered from 0."""
    without_readout: Any
    """The same without the errors of the readout."""
    confusions: NDArray[np.float64]
    """The readout's probabilities of each qubit, [qubit][true value][value read]."""
    gates: frozenset[str]
    """The gates, or labels of gates, that the whole noise model has errors on."""
    in_gates: bool
    """Whether gates, or delays, of these qubits have errors."""
    in_measurements: bool
    """Whether measurements have errors other than of their readout."""

    @property
    def in_delays(self) -> bool:
        """Whether delays have errors."""
        return bool(self.model._custom_noise_passes) or "delay" in self.gates

    @property
    def reads_rightly(self) -> bool:
        """Whether measurements have no errors."""
        return not self.in_measurements and bool((self.confusions == np.eye(2)).all())

    def acting_on(self, *circuits: QuantumCircuit) -> set[str]:
        """Return the gates, or labels, whose errors act on circuits on these qubits."""
        default, local = self.model._default_quantum_errors, self.model._local_quantum_errors
        return {
            name
            for circuit in circuits
            for entry, qubits in instructions(circuit)
            for name in (entry.name, getattr(entry.operation, "label", None) or entry.name)
            if name in default or qubits in local.get(name, ())
        }


def instructions(circuit: QuantumCircuit) -> Iterator[tuple[CircuitInstruction, tuple[int, ...]]]:
    """Yield all instructions of a circuit with the numbers of their qubits, those inside of control flow included."""
    for entry in circuit.data:
        qubits = tuple(circuit.find_bit(qubit).index for qubit in entry.qubits)
        yield entry, qubits
        for block in getattr(entry.operation, "blocks", ()):
            for inner, places in instructions(block):
                yield inner, tuple(qubits[place] for place in places)


def warn_of_replaced(
    circuit: QuantumCircuit, model: Any, rewritten: Callable[[QuantumCircuit], QuantumCircuit]
) -> None:
    """Warn if gates that Aer knows are rewritten in others that have errors in an Aer ``NoiseModel``."""
    from qiskit_aer import AerSimulator

    known = set(AerSimulator().configuration().basis_gates)
    given = circuit.copy_empty_like()
    given.data = [entry for entry in circuit.data if entry.name in known]
    before, after = (Counter(entry.name for entry, _ in instructions(each)) for each in (given, rewritten(given)))
    noisy = sorted((after - before).keys() & set(model.noise_instructions))
    if noisy:
        warnings.warn(
            f"The gates {sorted(before - after)} are run as others, with the errors that `noise_model` has on {noisy}: "
            "write them in gates with the errors that you mean.",
            stacklevel=2,
        )


def device_simulator(backend: BackendV2) -> Any:
    """Return Aer's simulator of a device, with its noise."""
    from qiskit_aer import AerSimulator

    return AerSimulator.from_backend(backend, **TRAJECTORY_OPTIONS)


def noise_on(model: Any, qubits: Sequence[int]) -> CircuitNoise:
    """Return what a noise model does to some of its qubits, renumbered in the order given.

    Aer converts all of a model's errors again for each circuit, which for a device of 133 qubits takes half a second.

    Args:
        model: Aer's ``NoiseModel``.
        qubits: The qubits that a circuit uses.

    Raises:
        ArgumentError: If a readout error is of several qubits, which Aer does not apply to measurements of one.
    """
    from qiskit_aer.noise import LocalNoisePass, NoiseModel

    position = {qubit: number for number, qubit in enumerate(qubits)}
    kept = NoiseModel(basis_gates=model.basis_gates)
    for each in model._custom_noise_passes:  # which Aer applies to circuits with delays
        renumbered = partial(_on_qubits, each._func, list(qubits))
        kept._custom_noise_passes.append(LocalNoisePass(renumbered, op_types=each._ops, method=each._method))
    noisy = set()
    for name, error in model._default_quantum_errors.items():
        kept.add_all_qubit_quantum_error(error, name, warnings=False)
        noisy.add(name)
    for name, errors in model._local_quantum_errors.items():
        for place, error in errors.items():
            if position.keys() >= set(place):
                kept.add_quantum_error(error, name, [position[qubit] for qubit in place], warnings=False)
                noisy.add(name)
    without_readout = deepcopy(kept)
    confusions = np.tile(np.eye(2), (len(position), 1, 1))
    if model._default_readout_error is not None:
        kept.add_all_qubit_readout_error(_of_one_qubit(model._default_readout_error), warnings=False)
        confusions[:] = model._default_readout_error.probabilities
    for place, error in model._local_readout_errors.items():
        _of_one_qubit(error)
        if place[0] in position:
            kept.add_readout_error(error, [position[place[0]]], warnings=False)
            confusions[position[place[0]]] = error.probabilities
    return CircuitNoise(
        model=kept,
        without_readout=without_readout,
        confusions=confusions,
        gates=frozenset({*model._default_quantum_errors, *model._local_quantum_errors} - {"measure"}),
        in_gates=bool(noisy - {"measure"} or kept._custom_noise_passes),
        in_measurements="measure" in noisy,
    )


def _on_qubits(noise: Callable[..., Any], qubits: Sequence[int], operation: Any, places: Sequence[int]) -> Any:
    """Return the noise of an operation whose qubits are renumbered."""
    return noise(operation, [qubits[place] for place in places])


def _of_one_qubit(error: Any) -> Any:
    if error.number_of_qubits != 1:
        raise ArgumentError(
            f"Argument `noise_model` must have readout errors of single qubits, but has one of "
            f"{error.number_of_qubits}, which Aer does not apply to a measurement of one qubit."
        )
    return error
