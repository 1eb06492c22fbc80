"""Does every quantum parameter, and every input, have a gradient? And if not, why?"""

from qiskit_qgen.layers.gradient_audit.audit import audit_gradients, audit_module
from qiskit_qgen.layers.gradient_audit.report import GradientFinding, GradientReport

__all__ = ["GradientFinding", "GradientReport", "audit_gradients", "audit_module"]
