import numpy as np
import pytest
import torch
from qiskit.circuit import ClassicalRegister, Gate, Parameter, QuantumCircuit, QuantumRegister, Qubit
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen.exceptions import ArgumentError, UnsupportedCircuitError
from qiskit_qgen.simulator import ExpectationValues, lower


def circuit_with(add):
    circuit = QuantumCircuit(2, 1)
    circuit.h(0)
    add(circuit)
    return circuit


def conditional(circuit):
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)


def loop(circuit):
    with circuit.for_loop(range(2)):
        circuit.x(1)


@pytest.mark.parametrize(
    ("add", "name"),
    [
        (lambda circuit: circuit.reset(0), "reset"),
        (conditional, "if_else"),
        (loop, "for_loop"),
    ],
)
def test_what_is_not_unitary_is_refused_by_name(add, name):
    with pytest.raises(UnsupportedCircuitError) as error:
        lower(circuit_with(add))
    assert str(error.value) == (
        f"The built-in simulator runs unitary circuits, but this one holds `{name}`: "
        "remove it, or run the circuit on Aer instead."
    )


def test_boxes_and_variables_are_not_sent_to_aer_which_cannot_run_them_either():
    box, variable = QuantumCircuit(1), QuantumCircuit(1)
    with box.box():
        box.rx(0.5, 0)
    variable.add_var("flag", False)
    for circuit, remedy in ((box, "`box`: put its gates into the circuit itself"), (variable, "`store`: remove it")):
        with pytest.raises(UnsupportedCircuitError) as error:
            lower(circuit)
        assert str(error.value) == f"The built-in simulator runs unitary circuits, but this one holds {remedy}."


@pytest.mark.parametrize("add", [lambda circuit: circuit.measure(0, 0), lambda circuit: circuit.measure_all()])
def test_measurements_are_refused_with_the_way_to_remove_them(add):
    circuit = circuit_with(add)
    with pytest.raises(UnsupportedCircuitError) as error:
        lower(circuit)
    assert str(error.value) == (
        "The built-in simulator runs unitary circuits, but this one holds `measure`: remove final measurements with "
        "`circuit.remove_final_measurements(inplace=False)`, or run the circuit on Aer instead."
    )
    lower(circuit.remove_final_measurements(inplace=False))


def test_a_measurement_inside_a_nested_circuit_is_refused():
    inner = QuantumCircuit(1, 1)
    inner.measure(0, 0)
    outer = QuantumCircuit(1, 1)
    outer.append(inner.to_instruction(), [0], [0])
    with pytest.raises(UnsupportedCircuitError, match="holds `circuit-"):
        lower(outer)


def test_a_gate_without_definition_is_refused_by_name():
    circuit = QuantumCircuit(2)
    circuit.append(Gate("oracle", 2, []), [0, 1])
    with pytest.raises(UnsupportedCircuitError) as error:
        lower(circuit)
    assert str(error.value) == (
        "The built-in simulator cannot run `oracle`, which has no definition by other gates: "
        "give it one, or run the circuit on Aer instead."
    )


def test_an_initialization_of_a_used_qubit_is_refused_by_its_own_name():
    circuit = QuantumCircuit(2)
    circuit.h(1)
    circuit.initialize([0.6, 0.8], 0)
    lower(circuit)
    circuit.initialize([0.5, 0.5, 0.5, 0.5], [0, 1])
    with pytest.raises(UnsupportedCircuitError) as error:
        lower(circuit)
    assert str(error.value) == (
        "The built-in simulator runs unitary circuits, but this one holds `initialize` on a qubit that was used "
        "before: put it first, or run the circuit on Aer instead."
    )


def test_a_circuit_without_qubits_is_refused():
    with pytest.raises(UnsupportedCircuitError) as error:
        lower(QuantumCircuit())
    assert str(error.value) == (
        "The built-in simulator runs circuits of at least one qubit, but this one has none: add a qubit."
    )


@pytest.mark.parametrize("num_qubits", [25])
def test_wrong_numbers_of_qubits_are_refused(num_qubits):
    circuit = QuantumCircuit(num_qubits)
    for qubit in circuit.qubits:
        circuit.h(qubit)
    with pytest.raises(UnsupportedCircuitError) as error:
        lower(circuit)
    assert str(error.value) == (
        f"The built-in simulator runs circuits of 1 to 24 qubits, but this one has {num_qubits}: "
        "reduce it, or run the circuit on Aer instead."
    )


def values_of(circuit, *labels):
    observables = [SparsePauliOp(label) for label in labels]
    return ExpectationValues(lower(circuit), observables)(torch.zeros(1, 0, dtype=torch.float64))[0].tolist()


def test_registers_loose_qubits_and_unused_classical_bits_are_no_matter():
    circuit = QuantumCircuit(QuantumRegister(1, "q"), QuantumRegister(2, "r"), [Qubit()], ClassicalRegister(2))
    circuit.x(circuit.qubits[1])
    circuit.cx(circuit.qubits[1], circuit.qubits[3])
    assert values_of(circuit, "IIIZ", "IIZI", "IZII", "ZIII") == [1, -1, 1, -1]


def test_a_circuit_without_gates_is_in_the_zero_state():
    assert values_of(QuantumCircuit(2), "ZZ", "XX", "II", "YI") == [1, 0, 1, 0]


def test_a_gate_of_ones_own_is_lowered_by_its_definition():
    class Turn(Gate):
        def __init__(self, angle):
            super().__init__("turn", 1, [angle])

        def _define(self):
            self.definition = QuantumCircuit(1)
            self.definition.ry(self.params[0] * 2, 0)

    angle = Parameter("angle")
    circuit = QuantumCircuit(1)
    circuit.append(Turn(angle), [0])
    values = ExpectationValues(lower(circuit), [SparsePauliOp("Z")])(torch.tensor([[0.3]], dtype=torch.float64))
    assert values.item() == pytest.approx(np.cos(0.6), abs=1e-14)


def test_a_parameter_of_the_global_phase_alone_has_no_effect_and_no_gradient():
    phase, angle = Parameter("a_phase"), Parameter("b_angle")
    circuit = QuantumCircuit(1, global_phase=phase)
    circuit.ry(angle, 0)
    rows = torch.tensor([[0.7, 0.3]], dtype=torch.float64, requires_grad=True)
    values = ExpectationValues(lower(circuit), [SparsePauliOp("Z")])(rows)
    values.sum().backward()
    assert values.item() == pytest.approx(np.cos(0.3), abs=1e-14)
    np.testing.assert_allclose(rows.grad, [[0, -np.sin(0.3)]], atol=1e-14)
    alone = QuantumCircuit(1, global_phase=phase)
    rows = torch.zeros(3, 1, requires_grad=True)
    ExpectationValues(lower(alone), [SparsePauliOp("Z")])(rows).sum().backward()
    assert torch.equal(rows.grad, torch.zeros(3, 1))


@pytest.mark.parametrize(
    ("observable", "message"),
    [
        (
            SparsePauliOp("ZZZ"),
            "Argument `observables` must act on the circuit's 2 qubits, but observable 1 acts on 3.",
        ),
        (
            SparsePauliOp("ZZ", 1j),
            "Argument `observables` must have real coefficients, but observable 1 has the coefficient 1j.",
        ),
        (
            SparsePauliOp(["ZZ"], np.array([Parameter("c")])),
            "Argument `observables` must have numbers as coefficients, "
            "but observable 1 has free parameters: bind them.",
        ),
    ],
)
def test_observables_that_do_not_fit(observable, message):
    program = lower(QuantumCircuit(2))
    with pytest.raises(ArgumentError) as error:
        program.terms([SparsePauliOp("ZZ"), observable])
    assert str(error.value) == message


def test_small_and_cancelling_coefficients_are_kept():
    circuit = QuantumCircuit(1)
    values = ExpectationValues(
        lower(circuit),
        [SparsePauliOp("Z", 1e-12), SparsePauliOp(["Z", "Z", "X"], [1, -1, 1]), SparsePauliOp("I", 0)],
    )(torch.zeros(1, 0, dtype=torch.float64))
    assert values.tolist() == [[1e-12, 0, 0]]
