"""Quantum generative models on Qiskit, joined to PyTorch."""

from qiskit_qgen._version import __version__ as __version__

__all__ = ["__version__"]
