import copy
import pickle

import numpy as np
import pytest
import torch
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit
from qiskit.circuit.library import efficient_su2, real_amplitudes, zz_feature_map
from qiskit.quantum_info import Operator, Pauli, SparseObservable, SparsePauliOp, Statevector
from qiskit_machine_learning.connectors import TorchConnector
from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient
from qiskit_machine_learning.neural_networks import EstimatorQNN
from qiskit_machine_learning.primitives import QMLEstimator

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, UnsupportedCircuitError
from qiskit_qgen.gradients import ReverseEstimatorGradient
from qiskit_qgen.primitives import BatchedStatevectorEstimator
from qiskit_qgen.simulator.cpu.sweeps import Sweeps

A, B = Parameter("a"), Parameter("b")


def composed():
    """Parameters that repeat, in sums and products, in controlled rotations too."""
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.ry(A + 2 * B, 0)
    circuit.cry(A * B, 0, 1)
    circuit.rz(A, 1)
    circuit.rxx(B.sin(), 0, 1)
    return circuit


CIRCUITS = {
    "real_amplitudes": real_amplitudes(3, reps=1),
    "efficient_su2": efficient_su2(2, reps=1),
    "zz_feature_map": zz_feature_map(2, reps=2),
    "composed": composed(),
}
STOCK = ParamShiftEstimatorGradient(QMLEstimator())


def observable_for(circuit, seed):
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(list("IXYZ"), circuit.num_qubits)) for _ in range(3)]
    return SparsePauliOp(words, rng.normal(size=3))


def by_finite_differences(circuit, observable, row, parameters):
    def value(numbers):
        return Statevector(circuit.assign_parameters(numbers)).expectation_value(observable).real

    steps = 1e-5 * np.eye(len(row))
    slopes = [(value(row + step) - value(row - step)) / 2e-5 for step in steps]
    return [slopes[circuit.parameters.data.index(parameter)] for parameter in parameters]


def assert_same_gradients(found, expected, tolerance):
    """Up to ``tolerance`` times the largest component, or times one."""
    assert len(found.gradients) == len(expected.gradients)
    for one, other in zip(found.gradients, expected.gradients, strict=True):
        assert isinstance(one, np.ndarray)
        assert one.dtype == np.float64
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * max(1, *np.abs(other)))
    assert [list(each["parameters"]) for each in found.metadata] == [
        list(each["parameters"]) for each in expected.metadata
    ]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("name", CIRCUITS)
def test_the_same_answer_as_the_parameter_shift_rule(name, dtype, tolerance):
    circuit = CIRCUITS[name]
    rows = np.random.default_rng(8).uniform(-3, 3, (3, circuit.num_parameters))
    first, second = observable_for(circuit, 1), observable_for(circuit, 2)
    call = ([circuit] * 6, [first, second] * 3, np.repeat(rows, 2, axis=0))
    found = ReverseEstimatorGradient(dtype=dtype).run(*call).result()
    assert_same_gradients(found, STOCK.run(*call).result(), tolerance)


@pytest.mark.parametrize("name", CIRCUITS)
def test_the_same_answer_as_finite_differences(name):
    circuit = CIRCUITS[name]
    observable = observable_for(circuit, 3)
    row = np.random.default_rng(9).uniform(-3, 3, circuit.num_parameters)
    (found,) = ReverseEstimatorGradient(dtype=torch.float64).run([circuit], [observable], [row]).result().gradients
    np.testing.assert_allclose(found, by_finite_differences(circuit, observable, row, circuit.parameters), atol=1e-8)


def test_mixed_circuits_repeated_out_of_order_with_chosen_parameters():
    """Also copies of a circuit, different numbers of parameters, and values as lists."""
    one, two = CIRCUITS["composed"], CIRCUITS["efficient_su2"]
    circuits = [one, two, one, one.copy(), two]
    observables = [observable_for(circuit, seed) for seed, circuit in enumerate(circuits)]
    rng = np.random.default_rng(10)
    values = [rng.uniform(-3, 3, circuit.num_parameters).tolist() for circuit in circuits]
    chosen = [[B], None, [B, A], [A], list(two.parameters[5:1:-2])]
    found = ReverseEstimatorGradient(dtype=torch.float64).run(circuits, observables, values, parameters=chosen).result()
    assert_same_gradients(found, STOCK.run(circuits, observables, values, parameters=chosen).result(), 1e-12)
    for circuit, observable, row, parameters, gradient in zip(
        circuits, observables, values, chosen, found.gradients, strict=True
    ):
        expected = by_finite_differences(circuit, observable, np.array(row), parameters or circuit.parameters)
        np.testing.assert_allclose(gradient, expected, atol=1e-8)


@pytest.mark.parametrize(
    "observable", [Pauli("ZX"), SparsePauliOp("ZX"), SparseObservable("ZX"), SparsePauliOp(["ZX", "II"], [1, 3])]
)
def test_kinds_of_observables(observable):
    circuit = CIRCUITS["composed"]
    call = ([circuit], [observable], [[0.3, -0.7]])
    found = ReverseEstimatorGradient(dtype=torch.float64).run(*call).result()
    expected = by_finite_differences(circuit, SparsePauliOp("ZX"), np.array([0.3, -0.7]), circuit.parameters)
    np.testing.assert_allclose(found.gradients[0], expected, atol=1e-8)


def test_single_arguments_as_the_base_class_takes_them():
    circuit = CIRCUITS["composed"]
    found = ReverseEstimatorGradient(dtype=torch.float64).run(circuit, SparsePauliOp("ZX"), [[0.3, -0.7]]).result()
    assert_same_gradients(found, STOCK.run(circuit, SparsePauliOp("ZX"), [[0.3, -0.7]]).result(), 1e-12)


def test_no_circuits():
    assert ReverseEstimatorGradient().run([], [], []).result().gradients == []


def network(estimator, gradient):
    x, w = ParameterVector("x", 2), ParameterVector("w", 3)
    circuit = QuantumCircuit(2)
    circuit.ry(x[0], 0)
    circuit.ry(x[1] * w[2], 1)
    circuit.crx(w[0], 0, 1)
    circuit.rz(w[1] + x[0], 1)
    circuit.rx(w[2], 1)
    return EstimatorQNN(
        circuit=circuit,
        estimator=estimator,
        observables=[SparsePauliOp(["ZI", "XY"], [1, 0.5]), SparsePauliOp("IX"), SparsePauliOp("YY")],
        input_params=list(x),
        weight_params=list(w),
        gradient=gradient,
        input_gradients=True,
        default_precision=0.0,
    )


def test_inside_a_stock_network():
    ours = network(BatchedStatevectorEstimator(dtype=torch.float64), ReverseEstimatorGradient(dtype=torch.float64))
    stock = network(QMLEstimator(), ParamShiftEstimatorGradient(QMLEstimator()))
    rng = np.random.default_rng(11)
    inputs, weights = rng.uniform(-3, 3, (4, 2)), rng.uniform(-3, 3, 3)
    np.testing.assert_allclose(ours.forward(inputs, weights), stock.forward(inputs, weights), atol=1e-12)
    for found, expected in zip(ours.backward(inputs, weights), stock.backward(inputs, weights), strict=True):
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_inside_a_stock_connector():
    gradients = []
    for estimator, gradient in (
        (BatchedStatevectorEstimator(), ReverseEstimatorGradient()),
        (QMLEstimator(), ParamShiftEstimatorGradient(QMLEstimator())),
    ):
        connector = TorchConnector(network(estimator, gradient), initial_weights=np.array([0.3, -1.0, 0.8]))
        x = torch.tensor([[0.2, 0.5], [-1.0, 2.0]], requires_grad=True)
        (connector(x) ** 2).sum().backward()
        gradients.append((x.grad, connector.weight.grad))
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_a_network_without_inputs_and_weights_that_are_chosen():
    """Without input gradients the network asks for the weights alone."""
    ours = network(BatchedStatevectorEstimator(dtype=torch.float64), ReverseEstimatorGradient(dtype=torch.float64))
    ours.input_gradients = False
    inputs, weights = ours.backward(np.array([[0.3, 0.4]]), np.array([0.1, 0.2, 0.3]))
    assert inputs is None
    assert weights.shape == (1, 3, 3)


def test_options():
    gradient = ReverseEstimatorGradient()
    assert vars(gradient.options) == {}
    job = gradient.run([CIRCUITS["composed"]], [SparsePauliOp("ZZ")], [[0.1, 0.2]], shots=100)
    with pytest.raises(ArgumentError) as error:
        job.result()
    assert str(error.value) == "Arguments ['shots'] are not options of an exact gradient: remove them."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dtype": torch.int32}, "Argument `dtype` must be torch.float32 or torch.float64, but is torch.int32."),
        ({"threads": -2}, "Argument `threads` must be a positive integer, but is -2."),
    ],
)
def test_bad_options(arguments, message):
    with pytest.raises(ArgumentError) as error:
        ReverseEstimatorGradient(**arguments)
    assert str(error.value) == message


def test_a_device_that_is_none():
    with pytest.raises(ArgumentError, match=r"`device` must be .*'cpu'.* but is 'abacus'"):
        ReverseEstimatorGradient(device="abacus")


@pytest.fixture
def sweeps(monkeypatch):
    """What the simulator did: the rows that ran forward, and those that ran backward."""
    found = {"forward": [], "backward": []}
    for kind in found:
        original = getattr(Sweeps, kind)

        def counted(self, *arguments, original=original, kind=kind, **options):
            result = original(self, *arguments, **options)
            found[kind].append(len(result[0] if kind == "forward" else result))
            return result

        monkeypatch.setattr(Sweeps, kind, counted)
    return found


def test_each_state_is_computed_once(sweeps):
    """All of four observables at each of three rows: one run forward, and one backward for each observable."""
    circuit = CIRCUITS["composed"]
    rows = np.random.default_rng(8).uniform(-3, 3, (3, 2))
    operators = [observable_for(circuit, seed) for seed in range(4)]
    call = ([circuit] * 12, [op for op in operators for _ in range(3)], np.tile(rows, (4, 1)))
    found = ReverseEstimatorGradient(dtype=torch.float64).run(*call).result()
    assert_same_gradients(found, STOCK.run(*call).result(), 1e-12)
    assert sweeps == {"forward": [3], "backward": [3] * 4}


def test_rows_that_differ_are_one_batch(sweeps):
    circuit = CIRCUITS["composed"]
    rows = np.random.default_rng(8).uniform(-3, 3, (6, 2))
    call = ([circuit] * 6, [observable_for(circuit, seed % 2) for seed in range(6)], rows)
    found = ReverseEstimatorGradient(dtype=torch.float64).run(*call).result()
    assert_same_gradients(found, STOCK.run(*call).result(), 1e-12)
    assert sweeps == {"forward": [6], "backward": [6]}


def test_validation_does_not_grow_with_the_number_of_rows(monkeypatch):
    seen = []
    original = ReverseEstimatorGradient._validate_arguments
    monkeypatch.setattr(
        ReverseEstimatorGradient,
        "_validate_arguments",
        staticmethod(lambda circuits, *rest: seen.append(len(circuits)) or original(circuits, *rest)),
    )
    circuit, operators = CIRCUITS["composed"], [SparsePauliOp("ZZ"), SparsePauliOp("XX")]
    rows = np.zeros((100, 2))
    ReverseEstimatorGradient().run([circuit] * 200, operators * 100, np.tile(rows, (2, 1))).result()
    assert seen == [2]
    with pytest.raises(ValueError, match="for the 7-th circuit"):
        ReverseEstimatorGradient().run([circuit] * 8, operators * 4, [[0.1, 0.2]] * 7 + [[0.1]])


def test_a_parameter_in_the_global_phase_alone():
    circuit = QuantumCircuit(1, global_phase=A)
    circuit.h(0)
    (found,) = ReverseEstimatorGradient().run([circuit], [SparsePauliOp("X")], [[0.3]]).result().gradients
    assert found.tolist() == [0]


def test_bad_calls_are_refused_as_by_the_base_class():
    circuit = CIRCUITS["composed"]
    with pytest.raises(ValueError, match="does not match"):
        ReverseEstimatorGradient().run([circuit], [SparsePauliOp("ZZ")], [[0.1]])
    with pytest.raises(ValueError, match="not present"):
        ReverseEstimatorGradient().run([circuit], [SparsePauliOp("ZZ")], [[0.1, 0.2]], parameters=[[Parameter("c")]])
    with pytest.raises(ArgumentError) as error:
        ReverseEstimatorGradient().run([circuit], [SparsePauliOp("ZZ")], [[0.1, 0.2]], parameters=[None, None])
    assert str(error.value) == ("Argument `parameters` must have one entry for each of the 1 circuits, but has 2.")


def test_what_it_cannot_run():
    circuit = QuantumCircuit(1, 1)
    circuit.ry(A, 0)
    circuit.measure(0, 0)
    job = ReverseEstimatorGradient().run([circuit], [SparsePauliOp("Z")], [[0.1]])
    with pytest.raises(UnsupportedCircuitError, match="`measure`"):
        job.result()
    job = ReverseEstimatorGradient().run([CIRCUITS["composed"]], [Operator(SparsePauliOp("ZZ"))], [[0.1, 0.2]])
    with pytest.raises(ArgumentTypeError) as error:
        job.result()
    assert str(error.value) == (
        "Argument `observables` must be SparsePauliOp, SparseObservable or Pauli operators, but is of type Operator."
    )


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda gradient: pickle.loads(pickle.dumps(gradient))])  # noqa: S301
def test_copies_work(copied):
    call = ([CIRCUITS["composed"]], [SparsePauliOp("ZX")], [[0.3, -0.7]])
    gradient = ReverseEstimatorGradient(dtype=torch.float64, threads=1)
    expected = gradient.run(*call).result()
    assert_same_gradients(copied(gradient).run(*call).result(), expected, 0)
