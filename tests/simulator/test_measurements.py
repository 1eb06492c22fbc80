import pytest
from qiskit.circuit import ClassicalRegister, Clbit, Parameter, QuantumCircuit, QuantumRegister
from qiskit.circuit.library import efficient_su2

from qiskit_qgen.exceptions import ArgumentTypeError, UnsupportedCircuitError
from qiskit_qgen.simulator import lower
from qiskit_qgen.simulator.programs.measurements import Measurements, take_measurements


def test_each_register_gets_the_qubits_of_its_bits():
    circuit = QuantumCircuit(QuantumRegister(3), ClassicalRegister(2, "a"), ClassicalRegister(3, "b"))
    circuit.h(0)
    circuit.measure([2, 0, 1], [4, 1, 2])
    unitary, measurements = take_measurements(circuit)
    assert measurements == Measurements((0, 1, 2), {"a": (None, 0), "b": (1, None, 2)})
    assert unitary.count_ops() == {"h": 1}


def test_the_gates_the_parameters_and_the_global_phase_are_kept():
    circuit = efficient_su2(3, reps=1).decompose()
    circuit.global_phase = Parameter("a_phase")
    circuit.barrier()
    unitary, measurements = take_measurements(circuit.measure_all(inplace=False))
    assert measurements == Measurements((0, 1, 2), {"meas": (0, 1, 2)})
    assert unitary.parameters == circuit.parameters
    assert unitary.global_phase == circuit.global_phase
    assert lower(unitary).operations == lower(circuit).operations
    assert circuit.num_clbits == 0


def test_a_circuit_that_measures_nothing():
    circuit = QuantumCircuit(2, 2)
    circuit.cx(0, 1)
    unitary, measurements = take_measurements(circuit)
    assert measurements == Measurements((), {"c": (None, None)})
    assert unitary == circuit


def test_the_last_measurement_into_a_bit_counts():
    """A qubit may be measured twice, and barriers and delays may follow."""
    circuit = QuantumCircuit(2, 2)
    circuit.x(1)
    circuit.measure(0, 0)
    circuit.barrier()
    circuit.delay(10, 0)
    circuit.measure(1, 0)
    circuit.measure(1, 1)
    assert take_measurements(circuit)[1] == Measurements((1,), {"c": (0, 0)})


def test_bits_in_two_registers_and_bits_in_none():
    bits = [Clbit() for _ in range(3)]
    circuit = QuantumCircuit(QuantumRegister(1), bits)
    circuit.add_register(ClassicalRegister(bits=bits[:2], name="a"), ClassicalRegister(bits=bits[1::-1], name="b"))
    circuit.measure(0, bits[1])
    circuit.measure(0, bits[2])
    assert take_measurements(circuit)[1] == Measurements((0,), {"a": (None, 0), "b": (0, None)})


@pytest.mark.parametrize(
    ("add", "name"),
    [
        (lambda circuit: circuit.cx(0, 1), "cx"),
        (lambda circuit: circuit.reset(1), "reset"),
        (lambda circuit: circuit.append(QuantumCircuit(2, name="nested").to_instruction(), [0, 1]), "nested"),
    ],
)
def test_a_gate_after_a_measurement_is_refused_by_name(add, name):
    circuit = QuantumCircuit(2, 1)
    circuit.measure(1, 0)
    circuit.h(0)
    add(circuit)
    with pytest.raises(UnsupportedCircuitError) as error:
        take_measurements(circuit)
    assert str(error.value) == (
        f"The built-in simulator measures at the end of a circuit, but in this one `{name}` follows a measurement "
        "of qubit 1: move the measurement to the end, or run the circuit on Aer instead."
    )


def test_what_is_conditional_on_a_measurement_is_refused_when_it_is_lowered():
    circuit = QuantumCircuit(2, 1)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    unitary, _ = take_measurements(circuit)
    with pytest.raises(UnsupportedCircuitError, match="holds `if_else`"):
        lower(unitary)


def test_what_is_no_circuit_is_refused():
    with pytest.raises(ArgumentTypeError, match="Argument `circuit` must be a QuantumCircuit, but is of type str"):
        take_measurements("circuit")
