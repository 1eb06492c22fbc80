"""``lower``: from a :class:`~qiskit.circuit.QuantumCircuit` to the flat program that the kernels run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import pi
from typing import Any

from qiskit.circuit import ControlledGate, ParameterExpression, QuantumCircuit
from qiskit.circuit import library as gates

from qiskit_qgen.exceptions import UnsupportedCircuitError
from qiskit_qgen.simulator.operations import Angle, Control, Frame, Operation
from qiskit_qgen.simulator.program import Program

MAX_QUBITS = 24
_USE_AER = "run the circuit on Aer instead"


class _Lowering:
    """Builds a program instruction by instruction.

    Its methods are named and defined as Qiskit's gates, global phases apart.
    """

    def __init__(self, num_qubits: int) -> None:
        self.frame = Frame.identity(num_qubits)
        self.operations: list[Operation] = []
        self.slots: dict[ParameterExpression, int] = {}

    def angle(self, value: Any, scale: float = 1.0, offset: float = 0.0) -> Angle:
        if isinstance(value, ParameterExpression) and value.parameters:
            return Angle(self.slots.setdefault(value, len(self.slots)), scale, offset)
        return Angle(-1, 0.0, scale * float(value) + offset)

    def phase(self, angle: Angle, *qubits: int) -> None:
        """exp(-i angle/2 Z...Z)."""
        if angle == (-1, 0.0, 0.0):
            return
        sign, constant = self.frame.parity(qubits)
        self.operations.append(Operation(0, sign, angle.scaled(-1) if constant else angle))

    def rotation(self, angle: Angle, qubit: int, controls: tuple[int, ...] = ()) -> None:
        """RY, with controls."""
        conditions = tuple(Control(self.frame.signs[c], 1 ^ self.frame.constants[c]) for c in controls)
        angle = angle.scaled(-1) if self.frame.constants[qubit] else angle
        self.operations.append(Operation(self.frame.flips[qubit], self.frame.signs[qubit], angle, conditions))

    def pair_rotation(self, angle: Angle, first: int, second: int, turn: float) -> None:
        """exp(-i angle/2 P P), P being X turned by ``turn`` about Z: it is Y X in other axes of the first qubit."""
        self.phase(Angle(-1, 0, pi / 2 - turn), first)
        self.phase(Angle(-1, 0, -turn), second)
        sign, constant = self.frame.parity((first,))
        flip = self.frame.flip((first, second))
        self.operations.append(Operation(flip, sign, angle.scaled(-1) if constant else angle))
        self.phase(Angle(-1, 0, turn), second)
        self.phase(Angle(-1, 0, turn - pi / 2), first)

    def ry(self, theta: Any, q: int) -> None:
        self.rotation(self.angle(theta), q)

    def rz(self, theta: Any, q: int) -> None:
        self.phase(self.angle(theta), q)

    def rx(self, theta: Any, q: int) -> None:
        self.rz(pi / 2, q)
        self.ry(theta, q)
        self.rz(-pi / 2, q)

    def r(self, theta: Any, phi: Any, q: int) -> None:
        self.phase(self.angle(phi, -1, pi / 2), q)
        self.ry(theta, q)
        self.phase(self.angle(phi, 1, -pi / 2), q)

    def u(self, theta: Any, phi: Any, lam: Any, q: int) -> None:
        self.rz(lam, q)
        self.ry(theta, q)
        self.rz(phi, q)

    def h(self, q: int) -> None:
        self.ry(pi / 2, q)
        self.frame.x(q)

    def y(self, q: int) -> None:
        self.rz(pi, q)
        self.frame.x(q)

    def cy(self, control: int, target: int) -> None:
        self.rz(-pi / 2, target)
        self.frame.cx(control, target)
        self.rz(pi / 2, target)

    def cp(self, theta: Any, control: int, target: int) -> None:
        self.phase(self.angle(theta, 0.5), control)
        self.phase(self.angle(theta, 0.5), target)
        self.phase(self.angle(theta, -0.5), control, target)

    def crz(self, theta: Any, control: int, target: int) -> None:
        self.phase(self.angle(theta, 0.5), target)
        self.phase(self.angle(theta, -0.5), control, target)

    def cry(self, theta: Any, control: int, target: int) -> None:
        self.rotation(self.angle(theta), target, (control,))

    def crx(self, theta: Any, control: int, target: int) -> None:
        self.rz(pi / 2, target)
        self.cry(theta, control, target)
        self.rz(-pi / 2, target)

    def iswap(self, first: int, second: int) -> None:
        self.cp(pi, first, second)
        self.rz(pi / 2, first)
        self.rz(pi / 2, second)
        self.frame.swap(first, second)

    def rzx(self, theta: Any, first: int, second: int) -> None:
        self.ry(-pi / 2, second)
        self.phase(self.angle(theta), first, second)
        self.ry(pi / 2, second)


# Each entry gets the lowering, the gate's parameters and its qubits. Gates that are not here are lowered by their
# definition.
_GATES: dict[type, Callable[..., None]] = {
    gates.IGate: lambda low, q: None,  # noqa: ARG005
    gates.GlobalPhaseGate: lambda low, phase: None,  # noqa: ARG005
    gates.XGate: lambda low, q: low.frame.x(q),
    gates.CXGate: lambda low, c, t: low.frame.cx(c, t),
    gates.SwapGate: lambda low, a, b: low.frame.swap(a, b),
    gates.YGate: _Lowering.y,
    gates.HGate: _Lowering.h,
    gates.ZGate: lambda low, q: low.rz(pi, q),
    gates.SGate: lambda low, q: low.rz(pi / 2, q),
    gates.SdgGate: lambda low, q: low.rz(-pi / 2, q),
    gates.TGate: lambda low, q: low.rz(pi / 4, q),
    gates.TdgGate: lambda low, q: low.rz(-pi / 4, q),
    gates.SXGate: lambda low, q: low.rx(pi / 2, q),
    gates.SXdgGate: lambda low, q: low.rx(-pi / 2, q),
    gates.RXGate: _Lowering.rx,
    gates.RYGate: _Lowering.ry,
    gates.RZGate: _Lowering.rz,
    gates.PhaseGate: _Lowering.rz,
    gates.U1Gate: _Lowering.rz,
    gates.RGate: _Lowering.r,
    gates.UGate: _Lowering.u,
    gates.U2Gate: lambda low, phi, lam, q: low.u(pi / 2, phi, lam, q),
    gates.U3Gate: _Lowering.u,
    gates.CYGate: _Lowering.cy,
    gates.CZGate: lambda low, c, t: low.cp(pi, c, t),
    gates.CSGate: lambda low, c, t: low.cp(pi / 2, c, t),
    gates.CSdgGate: lambda low, c, t: low.cp(-pi / 2, c, t),
    gates.CPhaseGate: _Lowering.cp,
    gates.CU1Gate: _Lowering.cp,
    gates.CRXGate: _Lowering.crx,
    gates.CRYGate: _Lowering.cry,
    gates.CRZGate: _Lowering.crz,
    gates.iSwapGate: _Lowering.iswap,
    gates.RZZGate: lambda low, theta, a, b: low.phase(low.angle(theta), a, b),
    gates.RXXGate: lambda low, theta, a, b: low.pair_rotation(low.angle(theta), a, b, 0.0),
    gates.RYYGate: lambda low, theta, a, b: low.pair_rotation(low.angle(theta), a, b, pi / 2),
    gates.RZXGate: _Lowering.rzx,
}
_IGNORED = {"barrier", "delay"}
_INEXACT = (gates.PauliEvolutionGate, gates.HamiltonianGate)  # defined only nearly, or when bound


def _lower_circuit(low: _Lowering, circuit: QuantumCircuit, qubits: Sequence[int]) -> None:
    for instruction in circuit.data:
        operation = instruction.operation
        wires = [qubits[circuit.find_bit(qubit).index] for qubit in instruction.qubits]
        if instruction.clbits or operation.name == "reset" or getattr(operation, "blocks", None):
            raise UnsupportedCircuitError(
                f"The built-in simulator runs unitary circuits, but this one holds `{operation.name}`: "
                f"remove it, or {_USE_AER}."
            )
        if operation.name not in _IGNORED:
            _lower_operation(low, operation, wires)


def _lower_operation(low: _Lowering, operation: Any, wires: list[int]) -> None:
    kind = getattr(operation, "base_class", type(operation))
    if kind in _GATES:
        closed = 0
        if isinstance(operation, ControlledGate):
            closed = ~operation.ctrl_state & ((1 << operation.num_ctrl_qubits) - 1)
        open_controls = [wire for position, wire in enumerate(wires) if closed >> position & 1]
        for wire in open_controls:
            low.frame.x(wire)
        _GATES[kind](low, *operation.params, *wires)
        for wire in open_controls:
            low.frame.x(wire)
        return
    if kind in _INEXACT:
        raise UnsupportedCircuitError(
            f"The built-in simulator cannot run `{operation.name}` exactly: `circuit.decompose()` replaces it by "
            "gates, which are a product formula where its terms do not commute."
        )
    definition = getattr(operation, "definition", None)
    if definition is None:
        raise UnsupportedCircuitError(
            f"The built-in simulator cannot run `{operation.name}`, which has no definition by other gates: "
            f"give it one, or {_USE_AER}."
        )
    _lower_circuit(low, definition, wires)


def lower(circuit: QuantumCircuit) -> Program:
    """Turn a unitary circuit into a flat program, once.

    Standard gates are lowered by name, all others by their definition. Permutation gates (X, CX, SWAP) become a
    change of frame, diagonal gates phases, everything else RY rotations between phases. Global phases are dropped.

    Args:
        circuit: A circuit of 1 to 24 qubits.

    Returns:
        The program. It does not depend on parameter values.

    Raises:
        UnsupportedCircuitError: If the circuit has too many qubits, or holds a measurement, a reset, control flow, or
            a gate without definition; the message names it.
    """
    if not 1 <= circuit.num_qubits <= MAX_QUBITS:
        raise UnsupportedCircuitError(
            f"The built-in simulator runs circuits of 1 to {MAX_QUBITS} qubits, but this one has {circuit.num_qubits}: "
            f"reduce it, or {_USE_AER}."
        )
    low = _Lowering(circuit.num_qubits)
    _lower_circuit(low, circuit, range(circuit.num_qubits))
    return Program(
        num_qubits=circuit.num_qubits,
        active=tuple(range(circuit.num_qubits)),
        parameters=tuple(circuit.parameters),
        expressions=tuple(low.slots),
        operations=tuple(low.operations),
        frame=low.frame,
    )
