"""How the standard gates are built: exactly, and without their controls, which the builder adds to any gate."""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import Any

from qiskit.circuit import library as gates

from qiskit_qgen.simulator.programs.builder import Builder


def _rotation(word: str) -> Callable[..., None]:
    return lambda b, theta, *qubits: b.rotation(b.angle(theta), word, *qubits)


def _phase(fixed: float) -> Callable[..., None]:
    return lambda b, qubit: b.phase(b.angle(fixed), qubit)


def _parametrised_phase(b: Builder, theta: Any, qubit: int) -> None:
    b.phase(b.angle(theta), qubit)


def _root_of_x(angle: float) -> Callable[..., None]:
    def build(b: Builder, qubit: int) -> None:
        b.global_phase(b.angle(angle / 2))
        b.rotation(b.angle(angle), "X", qubit)

    return build


def _y(b: Builder, qubit: int) -> None:
    with b.turned(b.angle(-pi / 2), qubit):
        b.x(qubit)


def _h(b: Builder, qubit: int) -> None:
    if b.num_controls > 1:  # H = RY(pi/2) Z = X RY(pi/2)
        b.phase(b.angle(pi), qubit)
        b.rotation(b.angle(pi / 2), "Y", qubit)
    else:
        b.rotation(b.angle(pi / 2), "Y", qubit)
        b.x(qubit)


def _r(b: Builder, theta: Any, phi: Any, qubit: int) -> None:
    with b.turned(b.angle(phi, -1), qubit):
        b.rotation(b.angle(theta), "X", qubit)


def _u(b: Builder, theta: Any, phi: Any, lam: Any, *more: Any) -> None:
    *gamma, qubit = more  # CUGate has a fourth angle, the phase of what it controls
    for angle in gamma:
        b.global_phase(b.angle(angle))
    b.phase(b.angle(lam), qubit)
    b.rotation(b.angle(theta), "Y", qubit)
    b.phase(b.angle(phi), qubit)


def _iswap(b: Builder, first: int, second: int) -> None:
    b.phase(b.angle(pi / 2), first)
    b.phase(b.angle(pi / 2), second)
    with b.controlled([first]):
        b.phase(b.angle(pi), second)
    b.swap(first, second)


def _dcx(b: Builder, first: int, second: int) -> None:
    with b.controlled([first]):
        b.x(second)
    with b.controlled([second]):
        b.x(first)


def _ecr(b: Builder, first: int, second: int) -> None:
    b.rotation(b.angle(pi / 2), "ZX", first, second)
    b.x(first)


def _xx_yy(sign: int) -> Callable[..., None]:
    """exp(-i theta/4 (XX + sign YY)), the axes of one qubit being turned by beta."""

    def build(b: Builder, theta: Any, beta: Any, first: int, second: int) -> None:
        with b.turned(b.angle(beta), first) if sign > 0 else b.turned(b.angle(beta, -1), second):
            b.rotation(b.angle(theta, 0.5), "XX", first, second)
            b.rotation(b.angle(theta, 0.5 * sign), "YY", first, second)

    return build


GATES: dict[type, Callable[..., None]] = {
    gates.IGate: lambda b, qubit: None,  # noqa: ARG005
    gates.GlobalPhaseGate: lambda b, phase: b.global_phase(b.angle(phase)),
    gates.XGate: Builder.x,
    gates.YGate: _y,
    gates.ZGate: _phase(pi),
    gates.HGate: _h,
    gates.SGate: _phase(pi / 2),
    gates.SdgGate: _phase(-pi / 2),
    gates.TGate: _phase(pi / 4),
    gates.TdgGate: _phase(-pi / 4),
    gates.SXGate: _root_of_x(pi / 2),
    gates.SXdgGate: _root_of_x(-pi / 2),
    gates.PhaseGate: _parametrised_phase,
    gates.U1Gate: _parametrised_phase,
    gates.U2Gate: lambda b, phi, lam, qubit: _u(b, pi / 2, phi, lam, qubit),
    gates.U3Gate: _u,
    gates.UGate: _u,
    gates.RGate: _r,
    gates.RXGate: _rotation("X"),
    gates.RYGate: _rotation("Y"),
    gates.RZGate: _rotation("Z"),
    gates.RXXGate: _rotation("XX"),
    gates.RYYGate: _rotation("YY"),
    gates.RZZGate: _rotation("ZZ"),
    gates.RZXGate: _rotation("ZX"),
    gates.XXPlusYYGate: _xx_yy(1),
    gates.XXMinusYYGate: _xx_yy(-1),
    gates.SwapGate: Builder.swap,
    gates.iSwapGate: _iswap,
    gates.DCXGate: _dcx,
    gates.ECRGate: _ecr,
}
"""The builder, the gate's parameters and its qubits are the arguments. Controlled gates are not here."""
