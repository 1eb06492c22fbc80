"""Torch modules that run circuits or feed them."""

from qiskit_qgen.layers.quantum_layer import QuantumLayer
from qiskit_qgen.layers.style_map import StyleMap

__all__ = ["QuantumLayer", "StyleMap"]
