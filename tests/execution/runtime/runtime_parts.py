"""Devices for the primitives on them."""

from qiskit_qgen.execution.runtime.device import RuntimeDevice
from qiskit_qgen.execution.runtime.options import RuntimeOptions


def runtime_device(backend, **options):
    return RuntimeDevice(RuntimeOptions(backend, **{"mode": "job"} | options))
