"""Names for circuits and requests that stay the same from one process to the next."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

import numpy as np
from qiskit.circuit import ControlledGate, Parameter, ParameterExpression, QuantumCircuit
from qiskit.circuit.library import get_standard_gate_name_mapping

from qiskit_qgen.exceptions import UnsupportedCircuitError

_DIRECTIVES = frozenset({"measure", "barrier", "reset", "delay"})


def digest(*parts: str | bytes) -> str:
    """Return the SHA-256 of the parts, each with its length, as 64 hexadecimal digits."""
    total = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        total.update(len(content).to_bytes(8, "little") + content)
    return total.hexdigest()


def with_numbered_parameters(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return the circuit without name and metadata, its parameters named by their number.

    Qiskit identifies a parameter by a random number and names circuits by a counter, so that the same circuit, built
    twice, would look different. Numbered names keep the parameters' order.
    """
    numbered = {
        parameter: Parameter(f"p{number:06d}", uuid=UUID(int=number + 1))
        for number, parameter in enumerate(circuit.parameters)
    }
    plain = circuit.assign_parameters(numbered) if numbered else circuit.copy()
    plain.name, plain.metadata = "circuit", {}
    return plain


def circuit_digest(circuit: QuantumCircuit) -> str:
    """Return a digest of what the circuit does: its gates, on which bits, with which expressions of its parameters.

    Raises:
        UnsupportedCircuitError: If an instruction is neither a standard gate nor defined by others nor a matrix.
    """
    plain = with_numbered_parameters(circuit)
    registers = [f"{register.name}:{[plain.find_bit(bit).index for bit in register]}" for register in plain.cregs]
    return digest(str(plain.num_qubits), *registers, *_lines(plain))


def _lines(circuit: QuantumCircuit) -> list[str]:
    lines = [_text(circuit.global_phase)]
    known = get_standard_gate_name_mapping()
    for instruction in circuit.data:
        operation = instruction.operation
        bits = [circuit.find_bit(bit).index for bit in (*instruction.qubits, *instruction.clbits)]
        state = operation.ctrl_state if isinstance(operation, ControlledGate) else ""
        twin = known.get(operation.name)
        standard = operation.name in _DIRECTIVES or (twin is not None and twin.base_class is operation.base_class)
        params = getattr(operation, "params", [])
        if standard or (params and all(isinstance(value, np.ndarray) for value in params)):
            lines.append(f"{operation.name} {state} {bits} {[_text(value) for value in params]}")
            continue
        definition = getattr(operation, "definition", None)
        if definition is None:
            raise UnsupportedCircuitError(
                f"The circuit's instruction `{operation.name}` must be a standard gate, a matrix or defined by others "
                "to be sent to a device: decompose it."
            )
        lines += [f"( {bits}", *_lines(definition), ")"]
    return lines


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return digest(np.ascontiguousarray(value, complex).tobytes())
    if isinstance(value, ParameterExpression) and value.parameters:
        return str(value)
    return repr(complex(value))
