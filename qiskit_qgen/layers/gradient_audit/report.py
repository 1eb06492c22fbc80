"""The result of a gradient audit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

FAULTS = ("inert", "vanishing", "detached")
"""Verdicts that are faults."""


@dataclass(frozen=True)
class GradientFinding:
    """One parameter or input."""

    name: str
    kind: str
    """"weight" or "input"."""
    variance: float
    """Variance of its gradient over the draws, of the output where it is largest."""
    largest: float
    """The largest absolute gradient of any draw and output."""
    plateau: float
    """The variance on a barren plateau of as many qubits."""
    verdict: str
    """"ok", "weak", "frozen", "inert", "vanishing" or "detached"."""
    reason: str
    """Why, in words; empty if all is well."""


@dataclass(frozen=True)
class GradientReport:
    """The result of an audit."""

    findings: tuple[GradientFinding, ...]
    num_draws: int

    @property
    def inert(self) -> list[str]:
        """Names of those whose gradient is identically zero."""
        return self._of("inert")

    @property
    def vanishing(self) -> list[str]:
        """Names of those whose gradient is no larger than on a barren plateau, in circuits that are on one."""
        return self._of("vanishing")

    @property
    def weak(self) -> list[str]:
        """Names of those whose gradient is as small in a circuit most of whose gradients are not: no fault."""
        return self._of("weak")

    @property
    def detached(self) -> list[str]:
        """Names of those that no gradient reaches from the module's output, or whose layer is not run at all."""
        return self._of("detached")

    @property
    def frozen(self) -> list[str]:
        """Names of weights that are not to be trained: no fault."""
        return self._of("frozen")

    @property
    def reasons(self) -> dict[str, str]:
        """Why, by name, of all that is not "ok"."""
        return {finding.name: finding.reason for finding in self.findings if finding.reason}

    @property
    def sound(self) -> bool:
        """Whether all is well."""
        return not any(finding.verdict in FAULTS for finding in self.findings)

    @property
    def table(self) -> str:
        """The findings as a Markdown table."""
        lines = ["| name | kind | variance | largest | plateau | verdict | reason |", "|---" * 7 + "|"]
        lines += [
            f"| {f.name} | {f.kind} | {f.variance:.3g} | {f.largest:.3g} | {f.plateau:.3g} | {f.verdict} | {f.reason} |"
            for f in self.findings
        ]
        return "\n".join(lines)

    @property
    def summary(self) -> str:
        """One sentence."""
        counts = Counter(finding.verdict for finding in self.findings)
        if self.sound:
            spared = f" but {counts['frozen']} frozen ones" if counts["frozen"] else ""
            return f"All {len(self.findings)} quantum parameters and inputs{spared} have gradients."
        told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in FAULTS if counts[verdict])
        first = next(finding for finding in self.findings if finding.verdict in FAULTS)
        return f"Of {len(self.findings)} quantum parameters and inputs, {told}; {first.name}: {first.reason}."

    def _of(self, verdict: str) -> list[str]:
        return [finding.name for finding in self.findings if finding.verdict == verdict]
