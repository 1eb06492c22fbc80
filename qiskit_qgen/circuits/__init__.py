"""Parametrized circuits and observables, as plain Qiskit objects."""

from qiskit_qgen.circuits.bottleneck import bottleneck_ansatz as bottleneck_ansatz
from qiskit_qgen.circuits.observables import pauli_observables as pauli_observables
from qiskit_qgen.circuits.parametrized import ParametrizedCircuit as ParametrizedCircuit
from qiskit_qgen.circuits.style import bind_style_map as bind_style_map
from qiskit_qgen.circuits.style import style_ansatz as style_ansatz
from qiskit_qgen.circuits.variational import data_reuploading as data_reuploading
from qiskit_qgen.circuits.variational import hardware_efficient_ansatz as hardware_efficient_ansatz
from qiskit_qgen.circuits.variational import strongly_entangling_ansatz as strongly_entangling_ansatz

__all__ = [
    "ParametrizedCircuit",
    "bind_style_map",
    "bottleneck_ansatz",
    "data_reuploading",
    "hardware_efficient_ansatz",
    "pauli_observables",
    "strongly_entangling_ansatz",
    "style_ansatz",
]
