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
        f"Measurements must come last, but `{name}` follows one of qubit 1: move it to the end, or draw shots with "
        "`AerExecution(shots=...).sampler()`."
    )


@pytest.mark.parametrize("bits", [(0, 0), (1, 1)])
def test_a_measurement_whose_bit_is_written_again_is_not_forgotten(bits):
    """As seen from the other bit, the first measurement dephases its qubit: later gates on it are refused."""
    circuit = QuantumCircuit(3, 2)
    circuit.h([0, 2])
    circuit.measure([0, 2], bits)
    circuit.h(0)
    circuit.measure(0, 1 - bits[0])
    with pytest.raises(UnsupportedCircuitError, match="`h` follows one of qubit 0"):
        take_measurements(circuit)
    bare = QuantumCircuit(QuantumRegister(1), [Clbit()], ClassicalRegister(1, "c"))  # the first bit is in no register
    bare.measure(0, 0)
    bare.sx(0)
    bare.measure(0, 1)
    with pytest.raises(UnsupportedCircuitError, match="`sx` follows one of qubit 0"):
        take_measurements(bare)


def conditional(circuit):
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)


def measuring_in_a_block(circuit):
    with circuit.if_test((circuit.clbits[1], 0)):
        circuit.measure(1, 0)


@pytest.mark.parametrize(
    ("add", "name", "remedy"),
    [
        (conditional, "if_else", ", or draw shots with `AerExecution(shots=...).sampler()`"),
        (measuring_in_a_block, "if_else", ", or draw shots with `AerExecution(shots=...).sampler()`"),
        (lambda circuit: circuit.store(circuit.clbits[0], True), "store", ""),
    ],
)
def test_what_else_reads_or_writes_a_bit_is_refused(add, name, remedy):
    circuit = QuantumCircuit(2, 2)
    circuit.measure(0, 0)
    add(circuit)
    with pytest.raises(UnsupportedCircuitError) as error:
        take_measurements(circuit)
    assert str(error.value) == (
        f"Nothing but measurements may use classical bits, but `{name}` does: remove it{remedy}."
    )


def test_what_is_no_circuit_is_refused():
    with pytest.raises(ArgumentTypeError, match="Argument `circuit` must be a QuantumCircuit, but is of type str"):
        take_measurements("circuit")
