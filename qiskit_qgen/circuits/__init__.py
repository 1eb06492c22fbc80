"""Parametrized circuits and observables, as plain Qiskit objects."""

from qiskit_qgen.circuits.disentangling import without_entanglement
from qiskit_qgen.circuits.observables import pauli_observables
from qiskit_qgen.circuits.parametrized import ParametrizedCircuit
from qiskit_qgen.circuits.spectrum import FrequencySpectrum, frequency_spectrum
from qiskit_qgen.circuits.style import bind_style_map, style_ansatz
from qiskit_qgen.circuits.variational import (
    bottleneck_ansatz,
    data_reuploading,
    hardware_efficient_ansatz,
    strongly_entangling_ansatz,
)

__all__ = [
    "FrequencySpectrum",
    "ParametrizedCircuit",
    "bind_style_map",
    "bottleneck_ansatz",
    "data_reuploading",
    "frequency_spectrum",
    "hardware_efficient_ansatz",
    "pauli_observables",
    "strongly_entangling_ansatz",
    "style_ansatz",
    "without_entanglement",
]
