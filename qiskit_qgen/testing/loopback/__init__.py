"""A server on loopback that speaks IBM's REST API to the real `QiskitRuntimeService` client.

It exchanges tokens, lists instances and backends (the fake devices of qiskit-ibm-runtime), opens sessions and batches,
runs the jobs of the "executor", "estimator" and "sampler" programs on Aer with the device's noise, counts what it is
asked, and misbehaves on request.

From a shell, to rehearse a script offline: ``python -m qiskit_qgen.testing.loopback --help``. From Python, a
:class:`LoopbackServer` is a context manager.
"""

from qiskit_qgen.testing.loopback.faults import Fault, Faults
from qiskit_qgen.testing.loopback.server import LoopbackOptions, LoopbackServer

__all__ = ["Fault", "Faults", "LoopbackOptions", "LoopbackServer"]
