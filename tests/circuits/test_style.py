import numpy as np
import pytest
import torch
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.quantum_info import Statevector

from qiskit_qgen.circuits import ParametrizedCircuit, bind_style_map, pauli_observables, style_ansatz
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.layers import StyleMap

STYLE_QGAN = {"rotations": ("ry", "rz", "ry", "rz"), "entangler": "cry", "final_rotations": ("ry",)}
LAST_QGAN = {"rotations": ("ry", "rz", "ry", "rz"), "entangler": ("cry", "crz"), "final_rotations": ()}


def gate_list(circuit):
    """The gates in order, as (name, qubits)."""
    return [(i.operation.name, tuple(circuit.find_bit(q).index for q in i.qubits)) for i in circuit.data]


def angles_in_order(circuit):
    return [parameter for instruction in circuit.data for parameter in instruction.operation.params]


def test_the_default_is_rotations_and_a_ring_of_cx():
    ansatz = style_ansatz(3, 2)
    rotations = [(gate, (qubit,)) for qubit in range(3) for gate in ("ry", "rz")]
    ring = [("cx", (0, 1)), ("cx", (1, 2)), ("cx", (2, 0))]
    assert gate_list(ansatz.circuit) == [*rotations, *ring, *rotations, *ring, *rotations]
    assert ansatz.num_inputs == 2 * 3 * (2 + 1)
    assert ansatz.num_weights == 0


@pytest.mark.parametrize(("num_qubits", "reps"), [(1, 1), (2, 3), (3, 2), (5, 4), (12, 8)])
@pytest.mark.parametrize("arguments", [{}, STYLE_QGAN, LAST_QGAN])
def test_the_inputs_are_the_angles_in_the_order_of_the_gates(num_qubits, reps, arguments):
    ansatz = style_ansatz(num_qubits, reps, **arguments)
    assert list(ansatz.input_params) == angles_in_order(ansatz.circuit)
    assert set(ansatz.input_params) == set(ansatz.circuit.parameters)


@pytest.mark.parametrize("num_qubits", [2, 3, 5, 12])
@pytest.mark.parametrize("reps", [1, 2, 4, 8])
@pytest.mark.parametrize("noise_dim", [1, 5])
def test_the_published_ring_has_10dl_plus_2d_weights(num_qubits, reps, noise_dim):
    ansatz = style_ansatz(num_qubits, reps, **STYLE_QGAN)
    style = StyleMap(noise_dim, ansatz.num_inputs, components=[k % noise_dim for k in range(ansatz.num_inputs)])
    num_weights = sum(parameter.numel() for parameter in style.parameters())
    assert num_weights == 10 * num_qubits * reps + 2 * num_qubits


def test_the_counts_given_for_twelve_qubits():
    counts = [2 * style_ansatz(12, reps, **STYLE_QGAN).num_inputs for reps in (1, 2, 4, 8)]
    assert counts == [144, 264, 504, 984]


def test_the_published_three_qubit_circuit():
    """arXiv 2110.06933: per layer RY RZ RY RZ on each qubit, then two CRY that alternate; RY on each at the end."""
    ansatz = style_ansatz(3, 3, entanglement=[[(0, 1), (0, 2)], [(1, 2), (2, 0)]], **STYLE_QGAN)
    rotations = [(gate, (qubit,)) for qubit in (0, 1, 2) for gate in ("ry", "rz", "ry", "rz")]
    even = [("cry", (0, 1)), ("cry", (0, 2))]
    odd = [("cry", (1, 2)), ("cry", (2, 0))]
    final = [("ry", (0,)), ("ry", (1,)), ("ry", (2,))]
    assert gate_list(ansatz.circuit) == [*rotations, *even, *rotations, *odd, *rotations, *even, *final]


@pytest.mark.parametrize(("reps", "num_weights"), [(1, 34), (2, 62), (5, 146)])
def test_the_weights_of_the_published_three_qubit_circuit(reps, num_weights):
    """28 L + 6; the counts are those of the stored runs of arXiv 2110.06933."""
    ansatz = style_ansatz(3, reps, entanglement=[[(0, 1), (0, 2)], [(1, 2), (2, 0)]], **STYLE_QGAN)
    assert 2 * ansatz.num_inputs == num_weights == 28 * reps + 6


@pytest.mark.parametrize("num_qubits", [2, 3, 10])
@pytest.mark.parametrize("reps", [1, 3])
def test_the_last_qgan_block_has_6nn_plus_6n_weights(num_qubits, reps):
    ansatz = style_ansatz(num_qubits, reps, **LAST_QGAN)
    style = StyleMap(num_qubits, ansatz.num_inputs)
    num_weights = sum(parameter.numel() for parameter in style.parameters())
    assert num_weights == reps * (6 * num_qubits**2 + 6 * num_qubits)
    names = [name for name, qubits in gate_list(ansatz.circuit) if len(qubits) == 2]
    assert names == ["cry", "crz"] * num_qubits * reps


@pytest.mark.parametrize(
    ("entanglement", "pairs"),
    [
        ("ring", [(0, 1), (1, 2), (2, 3), (3, 0)]),
        ("linear", [(0, 1), (1, 2), (2, 3)]),
        ("full", [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]),
        ("none", []),
        ([], []),
        ([(3, 0), [1, 2]], [(3, 0), (1, 2)]),
        ([[(3, 0)]], [(3, 0)]),
        ([(np.int64(2), np.int64(1))], [(2, 1)]),
        ([[], [(0, 1)]], []),
    ],
)
def test_entanglement(entanglement, pairs):
    ansatz = style_ansatz(4, 1, entanglement=entanglement, entangler="cz")
    assert [qubits for name, qubits in gate_list(ansatz.circuit) if name == "cz"] == pairs


def test_layers_take_lists_of_pairs_in_turn():
    ansatz = style_ansatz(2, 3, entanglement=[[], [(1, 0)]])
    assert [i for i, (name, _) in enumerate(gate_list(ansatz.circuit)) if name == "cx"] == [8]


@pytest.mark.parametrize("entangler", ["cx", "cz", "swap", "crx", "cry", "crz", "cp", "rxx", "ryy", "rzz"])
def test_every_entangler(entangler):
    ansatz = style_ansatz(3, 2, entangler=entangler)
    assert [name for name, qubits in gate_list(ansatz.circuit) if len(qubits) == 2] == [entangler] * 6
    assert list(ansatz.input_params) == angles_in_order(ansatz.circuit)


def test_one_qubit_has_no_ring():
    assert gate_list(style_ansatz(1, 1).circuit) == [("ry", (0,)), ("rz", (0,))] * 2


PAIRS = "Argument `entanglement` must hold pairs of two different qubits from 0 to 2, but holds "
ROTATION = "Argument `rotations` must be one of 'rx', 'ry', 'rz', 'p', but is "


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_qubits": 0}, "Argument `num_qubits` must be a positive integer, but is 0."),
        ({"num_qubits": 2.0}, "Argument `num_qubits` must be a positive integer, but is 2.0."),
        ({"num_qubits": True}, "Argument `num_qubits` must be a positive integer, but is True."),
        ({"reps": -1}, "Argument `reps` must be a positive integer, but is -1."),
        ({"reps": None}, "Argument `reps` must be a positive integer, but is None."),
        ({"rotations": ("ry", "rw")}, ROTATION + "'rw'."),
        ({"rotations": ("ry", 3)}, ROTATION + "3."),
        (
            {"rotations": "ry"},
            "Argument `rotations` must be a sequence of gate names such as ('ry', 'rz'), but is 'ry'.",
        ),
        (
            {"rotations": None},
            "Argument `rotations` must be a sequence of gate names such as ('ry', 'rz'), but is None.",
        ),
        ({"final_rotations": ("h",)}, "Argument `final_rotations` must be one of 'rx', 'ry', 'rz', 'p', but is 'h'."),
        (
            {"entangler": "ccx"},
            "Argument `entangler` must be one of 'cx', 'cz', 'crx', 'cry', 'crz', 'cp', 'rxx', 'ryy', 'rzz', 'swap', "
            "but is 'ccx'.",
        ),
        (
            {"entangler": 5},
            "Argument `entangler` must be a sequence of gate names such as ('ry', 'rz'), but is 5.",
        ),
        (
            {"entanglement": "star"},
            "Argument `entanglement` must be one of 'ring', 'brick', 'linear', 'full', 'none', but is 'star'.",
        ),
        ({"entanglement": [(0, 3)]}, PAIRS + "(0, 3)."),
        ({"entanglement": [(0, -1)]}, PAIRS + "(0, -1)."),
        ({"entanglement": [(1, 1)]}, PAIRS + "(1, 1)."),
        ({"entanglement": [(0, 1, 2)]}, PAIRS + "(0, 1, 2)."),
        ({"entanglement": [(0, 1.0)]}, PAIRS + "(0, 1.0)."),
        ({"entanglement": [0, 1]}, PAIRS + "0."),
        ({"entanglement": [[(0, 1)], [(0, 5)]]}, PAIRS + "(0, 5)."),
        ({"entanglement": [[(0, 1)], (0, 5)]}, PAIRS + "[(0, 1)]."),
        (
            {"rotations": (), "entangler": "cx"},
            "Arguments `rotations` and `entangler` must give at least one angle, but no gate of them has one.",
        ),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises((ArgumentError, ArgumentTypeError)) as error:
        style_ansatz(**{"num_qubits": 3, "reps": 1, **arguments})
    assert str(error.value) == message


def test_entanglement_of_the_wrong_type():
    with pytest.raises(ArgumentTypeError) as error:
        style_ansatz(3, 1, entanglement=7)
    assert str(error.value) == (
        "Argument `entanglement` must be 'ring', 'brick', 'linear', 'full', 'none' or pairs of qubits, "
        "but is of type int."
    )


@pytest.mark.parametrize("cyclic", [True, False])
@pytest.mark.parametrize("arguments", [{}, STYLE_QGAN, LAST_QGAN])
def test_the_bound_style_map_is_the_style_map(cyclic, arguments):
    ansatz = style_ansatz(3, 2, **arguments)
    generator = torch.Generator().manual_seed(3)
    components = [k % 4 for k in range(ansatz.num_inputs)] if cyclic else None
    style = StyleMap(4, ansatz.num_inputs, init_scale=1.0, components=components, generator=generator).double()
    z = torch.tensor([0.3, -1.2, 0.8, 2.0], dtype=torch.float64)
    expected = Statevector(ansatz.bind(style(z).detach()))
    bound = bind_style_map(ansatz, style.dense_weight(), style.bias, z)
    kept = bind_style_map(ansatz, style.dense_weight(), style.bias)
    assert bound.num_inputs == 0
    assert [parameter.name for parameter in kept.input_params] == ["z[0]", "z[1]", "z[2]", "z[3]"]
    for state in (Statevector(bound.circuit), Statevector(kept.bind(z))):
        for observable in pauli_observables(3, "XYZ"):
            assert state.expectation_value(observable) == pytest.approx(
                expected.expectation_value(observable), abs=1e-12
            )


def with_weights():
    weight = Parameter("w")
    circuit = QuantumCircuit(1)
    circuit.ry(weight, 0)
    return ParametrizedCircuit(circuit, (), (weight,))


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (
            {"ansatz": QuantumCircuit(1)},
            ArgumentTypeError,
            "Argument `ansatz` must be a ParametrizedCircuit, but is of type QuantumCircuit.",
        ),
        (
            {"ansatz": with_weights()},
            ArgumentError,
            "Argument `ansatz` must have inputs only, but has 1 weights.",
        ),
        (
            {"weight": np.ones((3, 2))},
            ArgumentError,
            "Argument `weight` must have shape (4, noise_dim), but has shape (3, 2).",
        ),
        (
            {"weight": np.ones(4)},
            ArgumentError,
            "Argument `weight` must have shape (4, noise_dim), but has shape (4,).",
        ),
        ({"weight": "W"}, ArgumentTypeError, "Argument `weight` must hold real numbers, but is 'W'."),
        ({"bias": np.ones(3)}, ArgumentError, "Argument `bias` must have shape (4,), but has shape (3,)."),
        (
            {"bias": [0, 0, 0, np.nan]},
            ArgumentError,
            "Argument `bias` must hold finite numbers, but holds NaN or infinity.",
        ),
        ({"z": np.ones((1, 2))}, ArgumentError, "Argument `z` must have shape (2,), but has shape (1, 2)."),
        ({"z": [1j, 0]}, ArgumentTypeError, "Argument `z` must hold real numbers, but is [1j, 0]."),
        (
            {"weight": np.eye(4)[:, :2] @ np.diag([1, 0]), "z": None},
            ArgumentError,
            "Argument `weight` must use every noise component, but its columns [1] are zero.",
        ),
    ],
)
def test_bad_style_maps(arguments, kind, message):
    good = {"ansatz": style_ansatz(1, 1), "weight": np.ones((4, 2)), "bias": np.zeros(4), "z": np.ones(2)}
    bind_style_map(**good)
    with pytest.raises(kind) as error:
        bind_style_map(**good | arguments)
    assert str(error.value) == message
