"""What ``qgen doctor --audit`` says: which quantum parameters cannot be trained, and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from qiskit_qgen.cli.circuit_file import read_circuits
from qiskit_qgen.cli.circuit_report import Finding
from qiskit_qgen.exceptions import ArgumentError

if TYPE_CHECKING:
    from qiskit_qgen.layers.gradient_audit import GradientFinding, GradientReport

FAULTS = ("inert", "vanishing", "detached")
"""Titles of findings that are faults."""
_VERDICTS = (*FAULTS, "weak", "frozen", "ok")
_NAMED = 3


def audit_findings(path: Path) -> Iterator[Finding]:
    """Yield titles and texts of what the audit of a saved model, a run or a file of circuits finds.

    The titles are "model" or "circuit", and verdicts of the audit.

    Raises:
        ArgumentError: If there is nothing to audit.
        CheckpointError: If the folder holds no model, or a damaged one.
        OSError: If the file cannot be read.
    """
    from qiskit_qgen.cli.saved import load_model
    from qiskit_qgen.studies import audit_gradients

    if path.is_dir():
        model = load_model(path)
        if model.circuit is None:
            raise ArgumentError(
                f"The {type(model).__name__} in {path} has no circuit whose gradients could be audited."
            )
        yield "model", f"{type(model).__name__} in {path}"
        yield from _told(audit_gradients(model))
        return
    circuits = read_circuits(path)
    if not any(circuit.num_parameters for circuit in circuits):
        raise ArgumentError(f"No circuit in {path} has a parameter whose gradient could be audited.")
    for circuit in circuits:
        yield "circuit", f"{circuit.name}: {circuit.num_qubits} qubits, {circuit.num_parameters} parameters"
        if circuit.num_parameters:
            yield from _told(audit_gradients(circuit))


def _told(report: GradientReport) -> Iterator[Finding]:
    """Group what was found by verdict, kind and reason."""
    groups: dict[tuple[str, str, str], list[GradientFinding]] = {}
    for finding in report.findings:
        reason = finding.reason if finding.verdict in ("inert", "detached", "frozen") else ""
        groups.setdefault((finding.verdict, finding.kind, reason), []).append(finding)
    for (verdict, kind, reason), found in sorted(groups.items(), key=lambda group: _VERDICTS.index(group[0][0])):
        yield verdict, f"{_counted(kind, found)}: {reason or _spread(verdict, found)}"


def _counted(kind: str, found: list[GradientFinding]) -> str:
    names = ", ".join(finding.name for finding in found[:_NAMED])
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"{len(found)} {kind}{'s' * (len(found) > 1)} ({names}{more})"


def _spread(verdict: str, found: list[GradientFinding]) -> str:
    variances = [finding.variance for finding in found]
    text = f"variance of the gradient {min(variances):.2g} to {max(variances):.2g}"
    return text if verdict == "ok" else f"{text}; a barren plateau of as many qubits has {found[0].plateau:.2g}"
