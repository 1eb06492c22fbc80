"""Torch modules that run circuits or feed them."""

from qiskit_qgen.layers.quantum_layer import QuantumLayer as QuantumLayer
from qiskit_qgen.layers.style_map import StyleMap as StyleMap

__all__ = ["QuantumLayer", "StyleMap"]
