"""``split_measurements``: takes the final measurements off a circuit."""

from __future__ import annotations

from qiskit.circuit import Barrier, Clbit, Delay, Measure, QuantumCircuit

from qiskit_qgen._checks import check_type
from qiskit_qgen.exceptions import UnsupportedCircuitError


def split_measurements(circuit: QuantumCircuit) -> tuple[QuantumCircuit, tuple[tuple[str, int, dict[int, int]], ...]]:
    """Split a circuit into its gates and its final measurements.

    Args:
        circuit: A circuit in which nothing but barriers, delays and measurements follows a measurement of a qubit.

    Returns:
        The circuit without its measurements, all else being as it was, and for each classical register its name, its
        size, and which qubit each of its bits holds the value of, as {bit: qubit}. Bits that no measurement writes
        to are left out; they are 0. Of several measurements into one bit the last counts.

    Raises:
        ArgumentTypeError: If ``circuit`` is no circuit.
        UnsupportedCircuitError: If a gate follows a measurement of one of its qubits.
    """
    check_type("circuit", circuit, QuantumCircuit, "a QuantumCircuit")
    unitary = circuit.copy_empty_like()
    measured: dict[Clbit, int] = {}
    for instruction in circuit.data:
        operation, qubits = instruction.operation, [circuit.find_bit(qubit).index for qubit in instruction.qubits]
        if isinstance(operation, Measure):
            measured[instruction.clbits[0]] = qubits[0]
            continue
        again = set(qubits).intersection(measured.values())
        if again and not isinstance(operation, (Barrier, Delay)):
            raise UnsupportedCircuitError(
                "The built-in simulator measures at the end of a circuit, but in this one "
                f"`{operation.name}` follows a measurement of qubit {min(again)}: "
                "move the measurement to the end, or run the circuit on Aer instead."
            )
        unitary.append(instruction)
    registers = tuple(
        (register.name, register.size, {bit: measured[c] for bit, c in enumerate(register) if c in measured})
        for register in circuit.cregs
    )
    return unitary, registers
