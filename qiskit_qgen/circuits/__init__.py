"""Parametrized circuits and observables, as plain Qiskit objects."""

from qiskit_qgen.circuits.observables import pauli_observables as pauli_observables
from qiskit_qgen.circuits.parametrized import ParametrizedCircuit as ParametrizedCircuit
from qiskit_qgen.circuits.style import bind_style_map as bind_style_map
from qiskit_qgen.circuits.style import style_ansatz as style_ansatz

__all__ = ["ParametrizedCircuit", "bind_style_map", "pauli_observables", "style_ansatz"]
