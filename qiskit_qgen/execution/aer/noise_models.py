"""Custom noise models: a device's errors, by their rates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from qiskit_qgen._checks import check_float
from qiskit_qgen.exceptions import ArgumentError

ONE_QUBIT_GATES = ("sx", "x")
TWO_QUBIT_GATES = ("cx",)
BASIS_GATES = ("rz", *ONE_QUBIT_GATES, *TWO_QUBIT_GATES)


@dataclass(frozen=True, kw_only=True)
class GateError:
    """An error after each gate: "depolarizing", or "amplitude_damping" of each qubit."""

    kind: str
    one_qubit: float
    """The probability after gates on one qubit."""
    two_qubit: float
    """The probability after gates on two qubits."""

    def after(self, num_qubits: int) -> Any:
        """Return Aer's ``QuantumError`` after gates on ``num_qubits`` qubits."""
        from qiskit_aer.noise import amplitude_damping_error, depolarizing_error

        probability = (self.one_qubit, self.two_qubit)[num_qubits - 1]
        if self.kind == "depolarizing":
            return depolarizing_error(probability, num_qubits)
        error = amplitude_damping_error(probability)
        return error if num_qubits == 1 else error.tensor(error)


@dataclass(frozen=True)
class HardwareNoise:
    """The errors of a device whose qubits are all alike; ``a + b`` has the errors of both, those of ``a`` first.

    The device has the gates ``rz``, ``sx``, ``x`` and ``cx``, between any two qubits. ``rz`` has no error, as on
    devices that shift a phase instead. The others have theirs after every gate.
    """

    gate_errors: tuple[GateError, ...] = ()
    """The errors after each gate, in order."""
    readout_flips: tuple[tuple[float, float], ...] = ()
    """The probabilities to read 1 for 0, and 0 for 1, in order."""

    def __add__(self, other: object) -> HardwareNoise:
        if not isinstance(other, HardwareNoise):
            return NotImplemented
        return HardwareNoise(self.gate_errors + other.gate_errors, self.readout_flips + other.readout_flips)

    def to_noise_model(self) -> Any:
        """Return Aer's ``NoiseModel``, whose basis gates are the device's."""
        from qiskit_aer.noise import NoiseModel, ReadoutError

        model = NoiseModel(basis_gates=list(BASIS_GATES))
        for number, gates in enumerate((ONE_QUBIT_GATES, TWO_QUBIT_GATES), start=1):
            if self.gate_errors:
                errors = [error.after(number) for error in self.gate_errors]
                model.add_all_qubit_quantum_error(reduce(lambda first, then: first.compose(then), errors), list(gates))
        if self.readout_flips:
            confusions = [np.array([[1 - up, up], [down, 1 - down]]) for up, down in self.readout_flips]
            model.add_all_qubit_readout_error(ReadoutError(reduce(np.matmul, confusions)))
        return model


def depolarizing_noise(*, one_qubit: float = 0.0, two_qubit: float = 0.0) -> HardwareNoise:
    """Return depolarising errors: rho -> (1 - p) rho + p I / 2**n after each gate on n qubits.

    Args:
        one_qubit: p of ``sx`` and ``x``, in [0, 1]; about 3e-4 on present devices.
        two_qubit: p of ``cx``, in [0, 1]; about 5e-3 on present devices.

    Raises:
        ArgumentError: If a probability is out of range or both are 0.
    """
    return HardwareNoise((GateError(kind="depolarizing", **_rates(one_qubit=one_qubit, two_qubit=two_qubit)),))


def amplitude_damping_noise(*, one_qubit: float = 0.0, two_qubit: float = 0.0) -> HardwareNoise:
    """Return amplitude damping: a qubit in 1 decays to 0 with probability gamma after each gate.

    Args:
        one_qubit: gamma of ``sx`` and ``x``, in [0, 1]: 1 - exp(-t / T1) for gates of length t.
        two_qubit: gamma of each qubit of ``cx``, in [0, 1].

    Raises:
        ArgumentError: If a probability is out of range or both are 0.
    """
    return HardwareNoise((GateError(kind="amplitude_damping", **_rates(one_qubit=one_qubit, two_qubit=two_qubit)),))


def readout_noise(*, zero_to_one: float = 0.0, one_to_zero: float = 0.0) -> HardwareNoise:
    """Return errors of the readout, independent on each qubit.

    Args:
        zero_to_one: The probability to read 1 where 0 was measured, in [0, 1].
        one_to_zero: The probability to read 0 where 1 was measured, in [0, 1].

    Raises:
        ArgumentError: If a probability is out of range or both are 0.
    """
    rates = _rates(zero_to_one=zero_to_one, one_to_zero=one_to_zero)
    return HardwareNoise(readout_flips=((rates["zero_to_one"], rates["one_to_zero"]),))


def _rates(**rates: float) -> dict[str, float]:
    checked = {name: check_float(name, rate, minimum=0.0, maximum=1.0) for name, rate in rates.items()}
    if not any(checked.values()):
        names = " and ".join(f"`{name}`" for name in rates)
        raise ArgumentError(f"Arguments {names} must not both be 0, which adds no noise: give at least one of them.")
    return checked
