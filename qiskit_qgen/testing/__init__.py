"""Rehearsals without a device: ``qiskit_qgen.testing.loopback`` is IBM's service on this computer."""

from qiskit_qgen.testing.loopback import Fault, Faults, LoopbackOptions, LoopbackServer

__all__ = ["Fault", "Faults", "LoopbackOptions", "LoopbackServer"]
