"""IBM's devices and their fake twins: Qiskit primitives with mitigation, a cost limit and a ledger of jobs."""

from qiskit_qgen.primitives.runtime.cost import CostEstimate as CostEstimate
from qiskit_qgen.primitives.runtime.cost import JobLimits as JobLimits
from qiskit_qgen.primitives.runtime.device import RuntimeDevice as RuntimeDevice
from qiskit_qgen.primitives.runtime.estimator import RuntimeEstimator as RuntimeEstimator
from qiskit_qgen.primitives.runtime.failures import RetryPolicy as RetryPolicy
from qiskit_qgen.primitives.runtime.ledger import Ledger as Ledger
from qiskit_qgen.primitives.runtime.ledger import LedgerEntry as LedgerEntry
from qiskit_qgen.primitives.runtime.mitigation import ErrorMitigation as ErrorMitigation
from qiskit_qgen.primitives.runtime.sampler import RuntimeSampler as RuntimeSampler

__all__ = [
    "CostEstimate",
    "ErrorMitigation",
    "JobLimits",
    "Ledger",
    "LedgerEntry",
    "RetryPolicy",
    "RuntimeDevice",
    "RuntimeEstimator",
    "RuntimeSampler",
]
