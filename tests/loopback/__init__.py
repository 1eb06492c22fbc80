"""A server on loopback that speaks IBM's REST API to the real `QiskitRuntimeService` client.

It exchanges tokens, lists instances and backends (the fake devices of qiskit-ibm-runtime), opens sessions and batches,
runs the jobs of the "executor", "estimator" and "sampler" programs on Aer with the device's noise, counts what it is
asked, and misbehaves on request.

In tests: the fixture `ibm_server` of `fixtures`. From a shell, to rehearse a script offline:
`python -m tests.loopback --help`.
"""

from .faults import Fault, Faults
from .server import LoopbackOptions, LoopbackServer

__all__ = ["Fault", "Faults", "LoopbackOptions", "LoopbackServer"]
