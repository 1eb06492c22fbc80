"""``lower``: from a :class:`~qiskit.circuit.QuantumCircuit` to the flat program that the kernels run."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from qiskit.circuit import (
    AnnotatedOperation,
    BoxOp,
    ControlFlowOp,
    ControlledGate,
    ControlModifier,
    Gate,
    Measure,
    ParameterExpression,
    PowerModifier,
    QuantumCircuit,
    Reset,
    Store,
)
from qiskit.circuit.library import Initialize
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import Clifford

from qiskit_qgen._checks import check_type
from qiskit_qgen.exceptions import UnsupportedCircuitError
from qiskit_qgen.simulator.programs.builder import Builder
from qiskit_qgen.simulator.programs.gates import GATES
from qiskit_qgen.simulator.programs.matrices import build_state
from qiskit_qgen.simulator.programs.objects import OBJECTS, build_matrix_gate, undefined
from qiskit_qgen.simulator.programs.program import Program

MAX_QUBITS = 24
_MAX_DEPTH = 64  # of definitions in definitions
_MAX_COPIES = 8  # of a gate to an integer power
_IGNORED = {"barrier", "delay", "id"}


def lower(circuit: QuantumCircuit) -> Program:
    """Turn a unitary circuit into a flat program, once.

    All standard gates with any controls, Pauli rotations and evolutions, and gates given as matrices are lowered
    natively and exactly; all others by their definition. Permutation gates (X, CX, SWAP) become a change of frame,
    diagonal gates phases, everything else rotations between phases. Global phases are dropped.

    Qubits without any gate, which transpiled circuits have many of, are not simulated. Barriers and delays are
    ignored, and so are resets of qubits that nothing has acted on before.

    Args:
        circuit: A circuit with gates on at most 24 of its qubits.

    Returns:
        The program. It does not depend on parameter values.

    Raises:
        ArgumentTypeError: If ``circuit`` is not a circuit.
        UnsupportedCircuitError: If the circuit has no or too many qubits, or holds a measurement, a reset, control
            flow, or a gate that nothing defines; the message names it.
    """
    check_type("circuit", circuit, QuantumCircuit, "a QuantumCircuit")
    if circuit.num_qubits == 0:
        raise UnsupportedCircuitError(
            "The built-in simulator runs circuits of at least one qubit, but this one has none: add a qubit."
        )
    builder = Builder(circuit.num_qubits)
    _Lowering(builder).lower_circuit(circuit, range(circuit.num_qubits))
    num_active = len(builder.touched)
    if num_active > MAX_QUBITS:
        raise UnsupportedCircuitError(
            f"The built-in simulator runs circuits of 1 to {MAX_QUBITS} qubits, but this one has "
            f"{num_active}{' with gates' if num_active < circuit.num_qubits else ''}: "
            "reduce it, or run the circuit on Aer instead."
        )
    return builder.program(circuit)


class _Lowering:
    """Walks through a circuit and the definitions of its gates."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._depth = 0

    def lower_circuit(self, circuit: QuantumCircuit, qubits: Sequence[int]) -> None:
        self._builder.global_phase(self._builder.angle(circuit.global_phase))
        for instruction in circuit.data:
            wires = [qubits[circuit.find_bit(qubit).index] for qubit in instruction.qubits]
            operation = instruction.operation
            unused = self._builder.touched.isdisjoint(wires)
            if isinstance(operation, Reset) and unused:
                continue
            if isinstance(operation, Initialize) and not unused:
                raise UnsupportedCircuitError(
                    f"The built-in simulator runs unitary circuits, but this one holds `{operation.name}` on a qubit "
                    "that was used before: put it first, or run the circuit on Aer instead."
                )
            if instruction.clbits or isinstance(operation, (Measure, Reset, ControlFlowOp, Store)):
                raise UnsupportedCircuitError(
                    f"The built-in simulator runs unitary circuits, but this one holds `{operation.name}`: "
                    f"{_remedy(operation)}."
                )
            if unused and not self._builder.num_controls and _is_state(operation):
                self._builder.touched.update(wires)
                build_state(self._builder, np.array(operation.params, complex), wires)
            elif operation.name not in _IGNORED:
                self._lower_operation(operation, wires)

    def _lower_operation(self, operation: Any, wires: list[int]) -> None:
        kind = getattr(operation, "base_class", type(operation))
        if kind in GATES:
            self._builder.touched.update(wires)
            GATES[kind](self._builder, *operation.params, *wires)
        elif kind in OBJECTS:
            self._builder.touched.update(wires)
            OBJECTS[kind](self._builder, operation, wires)
        elif isinstance(operation, ControlledGate) and _has_no_ancillas(operation):
            self._lower_controlled(operation, wires)
        elif isinstance(operation, AnnotatedOperation):
            self._lower_annotated(operation, wires)
        else:
            self._lower_definition(operation, wires)

    def _lower_controlled(self, operation: ControlledGate, wires: list[int]) -> None:
        count, base = operation.num_ctrl_qubits, operation.base_gate
        with self._builder.controlled(wires[:count], operation.ctrl_state):
            if base.base_class in GATES:  # CUGate has one parameter more than its base
                GATES[base.base_class](self._builder, *operation.params, *wires[count:])
            else:
                self._lower_operation(base, wires[count:])

    def _lower_annotated(self, operation: AnnotatedOperation, wires: list[int]) -> None:
        """Lower a gate with modifiers: controls commute with powers and inverses."""
        power = 1.0
        with ExitStack() as controls:
            for modifier in reversed(operation.modifiers):
                if isinstance(modifier, ControlModifier):
                    count = modifier.num_ctrl_qubits
                    controls.enter_context(self._builder.controlled(wires[:count], modifier.ctrl_state))
                    wires = wires[count:]
                else:
                    power *= modifier.power if isinstance(modifier, PowerModifier) else -1
            for factor in _power(operation.base_op, power):
                self._lower_operation(factor, wires)

    def _lower_definition(self, operation: Any, wires: list[int]) -> None:
        definition = _definition(operation)
        if definition is None:
            build_matrix_gate(self._builder, operation, wires)
            return
        if not isinstance(definition, QuantumCircuit) or definition.num_qubits > len(wires):
            raise UnsupportedCircuitError(
                f"The built-in simulator cannot run `{operation.name}`, which is defined by {_described(definition)}: "
                f"define it by a circuit of {len(wires)} qubits."
            )
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise UnsupportedCircuitError(
                f"The built-in simulator cannot run `{operation.name}`, which is defined by itself: "
                "define it by other gates."
            )
        self.lower_circuit(definition, wires)
        self._depth -= 1


def _is_state(operation: Any) -> bool:
    """Whether an operation turns qubits that are all 0 into a state that is given by its amplitudes."""
    amplitudes = 1 << operation.num_qubits  # of an inverse, a number or a label there are not as many
    return bool(operation.name == "state_preparation" and len(operation.params) == amplitudes)


def _remedy(operation: Any) -> str:
    if isinstance(operation, (BoxOp, Store)):  # which Aer cannot run either
        return "put its gates into the circuit itself" if isinstance(operation, BoxOp) else "remove it"
    final = " final measurements with `circuit.remove_final_measurements(inplace=False)`"
    return f"remove{final if isinstance(operation, Measure) else ' it'}, or run the circuit on Aer instead"


def _has_no_ancillas(operation: ControlledGate) -> bool:
    base = operation.base_gate
    return base is not None and operation.num_qubits == operation.num_ctrl_qubits + base.num_qubits


def _described(definition: Any) -> str:
    if isinstance(definition, QuantumCircuit):
        return f"a circuit of {definition.num_qubits} qubits"
    return f"a {type(definition).__name__}"


def _definition(operation: Any) -> Any:
    """Return a circuit that defines an operation, or None."""
    if isinstance(operation, Clifford):
        return operation.to_circuit()
    try:
        definition = getattr(operation, "definition", None)
        return _synthesised(operation) if definition is None else definition
    except QiskitError as error:
        raise UnsupportedCircuitError(
            f"The built-in simulator cannot run `{operation.name}`, whose definition fails ({error.message}): "
            "bind its parameters, or run the circuit on Aer instead."
        ) from error


def _synthesised(operation: Any) -> QuantumCircuit | None:
    """Return a circuit by one of Qiskit's synthesis plugins, or None if there is none for the operation."""
    from qiskit.transpiler import TranspilerError
    from qiskit.transpiler.passes import HighLevelSynthesis

    circuit = QuantumCircuit(operation.num_qubits)
    circuit.append(operation, range(operation.num_qubits))
    try:
        circuit = HighLevelSynthesis(qubits_initially_zero=False)(circuit)
    except TranspilerError:
        return None
    return None if operation.name in circuit.count_ops() else circuit


def _power(operation: Any, power: float) -> list[Any]:
    """Return gates whose product is a power of an operation."""
    gate = operation if hasattr(operation, "inverse") else _as_gate(operation)
    whole = power == int(power)
    has_parameters = any(isinstance(value, ParameterExpression) for value in gate.params)
    try:
        if whole and (abs(power) <= _MAX_COPIES or has_parameters):
            return [gate if power > 0 else gate.inverse()] * abs(int(power))
        return [gate.power(int(power) if whole else power)]
    except (QiskitError, TypeError) as error:
        raise UnsupportedCircuitError(
            f"The built-in simulator cannot run `{operation.name}` to the power {power:g} ({error}): "
            "bind its parameters, define it by other gates, or run the circuit on Aer instead."
        ) from error


def _as_gate(operation: Any) -> Gate:
    definition = _definition(operation)
    if definition is None:
        raise undefined(operation.name)
    return definition.to_gate()
