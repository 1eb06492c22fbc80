import copy
import pickle

import numpy as np
import pytest
import torch
from parity import TOLERANCES, ParityTester, random_circuit, random_observables
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit
from qiskit.circuit.library import real_amplitudes
from qiskit.quantum_info import SparsePauliOp, Statevector
from torch.autograd import grad, gradcheck, gradgradcheck

from qiskit_qgen.circuits import pauli_observables, style_ansatz
from qiskit_qgen.simulator import Program, lower
from qiskit_qgen.simulator.programs.expressions import SlotEvaluator
from qiskit_qgen.simulator.programs.operations import Angle, Control, Frame, Operation, PauliTerm
from qiskit_qgen.simulator.tensors.kernels import TensorKernels


def expectation(circuit, observables):
    program = lower(circuit)
    terms, constants = program.terms(observables)
    kernels = TensorKernels(program, terms, len(observables))
    evaluate = SlotEvaluator(program.parameters, program.expressions)
    return lambda rows: kernels(evaluate(rows)) + torch.tensor(constants).to(rows)


def critic(num_qubits=3, reps=2):
    circuit = QuantumCircuit(num_qubits)
    for qubit, x in enumerate(ParameterVector("x", num_qubits)):
        circuit.rx(x, qubit)
    return circuit.compose(real_amplitudes(num_qubits, reps=reps))


def kernels_of(circuit, observables):
    program = lower(circuit)
    terms, _ = program.terms(observables)
    return TensorKernels(program, terms, len(observables)), len(program.expressions)


@pytest.mark.parametrize("seed", range(20))
def test_random_circuits_agree_with_statevector(seed):
    rng = np.random.default_rng(seed)
    num_qubits = 1 + seed % 10
    circuit = random_circuit(rng, num_qubits, 10 + 2 * num_qubits)
    observables = random_observables(rng, num_qubits)
    ParityTester(torch.float64).check(expectation, circuit, observables, rng, (1, 3, 16)[seed % 3])


@pytest.mark.parametrize("seed", range(100, 106))
def test_random_circuits_in_single_precision(seed):
    rng = np.random.default_rng(seed)
    num_qubits = 4 + seed % 6
    circuit = random_circuit(rng, num_qubits, 20)
    ParityTester(torch.float32).check(expectation, circuit, random_observables(rng, num_qubits), rng, 3)


@pytest.mark.parametrize("entangler", ["cx", "cry"])
def test_many_qubits(entangler):
    rng = np.random.default_rng(11)
    circuit = style_ansatz(11, 2, entangler=entangler).circuit
    ParityTester(torch.float64, gradient_rows=1).check(expectation, circuit, pauli_observables(11), rng, 1)


def random_sign(rng, width, conditions):
    """Return a sign with the wanted parity (0 or 1) on each mask."""
    while True:
        sign = int(rng.integers(1, 1 << width))
        if all((sign & mask).bit_count() % 2 == parity for mask, parity in conditions):
            return sign


def random_operations(rng, width, count, max_controls):
    operations = []
    for number in range(count):
        flip = int(rng.integers(1, 1 << width)) if rng.random() < 0.6 else 0
        sign = random_sign(rng, width, [(flip, 1)] if flip else [])
        num_controls = int(rng.integers(max_controls + 1)) if width > 1 else 0
        controls = tuple(
            Control(random_sign(rng, width, [(flip, 0)]), int(rng.integers(2))) for _ in range(num_controls)
        )
        slot = -1 if rng.random() < 0.2 else number % 5
        operations.append(Operation(flip, sign, Angle(slot, float(rng.normal()), float(rng.normal())), controls))
    return operations


def row_parity(row, sign):
    return (row & sign).bit_count() % 2


def state_by_definition(operations, width, slots):
    """Apply each operation row by row, as the module ``operations`` defines it."""
    state = np.zeros(1 << width, complex)
    state[0] = 1
    for flip, sign, (slot, scale, offset), controls in operations:
        half = (scale * (slots[slot] if slot >= 0 else 0) + offset) / 2
        after = state.copy()
        for row in range(1 << width):
            if any(row_parity(row, mask) != value for mask, value in controls):
                continue
            odd = row_parity(row, sign)
            if flip:
                after[row] = np.cos(half) * state[row] + (1 if odd else -1) * np.sin(half) * state[row ^ flip]
            else:
                after[row] = np.exp(1j * half if odd else -1j * half) * state[row]
        state = after
    return state


def program_of(operations, width):
    slots = tuple(ParameterVector("s", 5))
    return Program(width, tuple(range(width)), slots, slots, tuple(operations), Frame.identity(width))


@pytest.mark.parametrize("seed", range(24))
def test_operations_of_any_flips_signs_and_controls(seed):
    rng = np.random.default_rng(seed)
    width = 1 + seed % 10
    operations = random_operations(rng, width, 15, max_controls=(0, 2, 5)[seed % 3])
    program, slots = program_of(operations, width), rng.uniform(-3, 3, (2, 5))
    states = [state_by_definition(operations, width, sample) for sample in slots]
    probabilities = TensorKernels(program)(torch.from_numpy(slots)).numpy()
    np.testing.assert_allclose(probabilities, np.abs(states) ** 2, atol=1e-12)
    terms = []
    for output in range(4):
        flip, sign = int(rng.integers(1 << width)), int(rng.integers(1 << width))
        terms.append(PauliTerm(flip, sign, (flip & sign).bit_count() & 1, 0.7, output))
    values = TensorKernels(program, terms, 5)(torch.from_numpy(slots)).numpy()
    for state, found in zip(states, values, strict=True):
        expected = [
            sum(
                np.conj(state[row ^ flip]) * 0.7 * 1j**odd * (-1) ** row_parity(row, sign) * state[row]
                for row in range(1 << width)
            ).real
            for flip, sign, odd, _, _ in terms
        ]
        np.testing.assert_allclose(found, [*expected, 0], atol=1e-12)


@pytest.mark.parametrize("width", [3, 9])
def test_first_and_second_derivatives(width):
    rng = np.random.default_rng(width)
    program = program_of(random_operations(rng, width, 9, max_controls=2), width)
    terms, _ = program.terms(random_observables(rng, width, 2))
    kernels, by_row = TensorKernels(program, terms, 2), TensorKernels(program)
    slots = torch.from_numpy(rng.uniform(-3, 3, (2, 5))).requires_grad_()
    some = torch.from_numpy(rng.integers(0, 1 << width, 4))
    for function in (kernels, lambda slots: by_row(slots)[:, some]):
        assert gradcheck(function, slots)
        assert gradgradcheck(function, slots)


def test_third_derivative_of_a_rotation():
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("a"), 0)
    kernels, _ = kernels_of(circuit, [SparsePauliOp("Z")])
    angle = torch.tensor([[0.3]], dtype=torch.float64, requires_grad=True)
    value = kernels(angle)
    for expected in (np.cos(0.3), -np.sin(0.3), -np.cos(0.3), np.sin(0.3), np.cos(0.3)):
        np.testing.assert_allclose(value.item(), expected, atol=1e-12)
        (value,) = grad(value.sum(), angle, create_graph=True)


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("reads_rows", [False, True])
def test_both_kinds_of_backward_pass_agree(create_graph, reads_rows):
    rng = np.random.default_rng(1)
    circuit, observables = random_circuit(rng, 7, 30), random_observables(rng, 7)
    kernels, num_slots = kernels_of(circuit, observables)
    if reads_rows:
        kernels = TensorKernels(lower(circuit))
    slots = torch.from_numpy(rng.normal(size=(3, num_slots))).requires_grad_()
    cotangent = torch.from_numpy(rng.normal(size=(3, 128 if reads_rows else 3)))
    (gradient,) = grad(kernels(slots), slots, cotangent, create_graph=create_graph)
    assert gradient.requires_grad == create_graph
    with torch.set_grad_enabled(not create_graph):  # by the other way
        other = kernels.pull_back(slots, cotangent)
    torch.testing.assert_close(gradient, other, rtol=0, atol=1e-12, check_device=True)


def penalty(function, x, weights):
    """Return the gradient penalty of WGAN-GP (arXiv 1704.00028)."""
    rows = torch.cat([x, weights.expand(len(x), -1)], 1)
    (by_input,) = grad(function(rows).sum(), x, create_graph=True)
    return ((by_input.norm(dim=1) - 1) ** 2).mean()


def test_gradient_penalty_against_finite_differences():
    circuit = critic()
    order = [f"x[{i}]" for i in range(3)] + [f"θ[{i}]" for i in range(circuit.num_parameters - 3)]
    names = [parameter.name for parameter in circuit.parameters]
    function = expectation(circuit, [SparsePauliOp(["ZII", "IXY"], [1.0, -0.4])])
    critic_of = lambda rows: function(rows[:, [order.index(name) for name in names]])  # noqa: E731
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(5, 3, dtype=torch.float64, generator=generator).requires_grad_()
    weights = torch.randn(len(order) - 3, dtype=torch.float64, generator=generator).requires_grad_()
    (gradient,) = grad(penalty(critic_of, x, weights), weights)
    step = 1e-5
    for number in range(len(weights)):
        shift = torch.zeros_like(weights)
        shift[number] = step
        slope = (penalty(critic_of, x, weights + shift) - penalty(critic_of, x, weights - shift)) / (2 * step)
        np.testing.assert_allclose(gradient[number].item(), slope.item(), atol=1e-8)


def saved_bytes(num_layers):
    x = Parameter("x")
    circuit = QuantumCircuit(7)
    for _ in range(num_layers):
        for qubit in range(7):
            circuit.ry(x, qubit)
            circuit.rz(x, qubit)
    kernels, _ = kernels_of(circuit, [SparsePauliOp("X" * 7)])
    saved = []

    def pack(tensor):
        saved.append(tensor.numel() * tensor.element_size())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        kernels(torch.zeros(4, 1, requires_grad=True))
    return sum(saved)


def test_what_the_first_derivative_keeps_does_not_grow_with_the_depth():
    states = 4 * 2**7 * 8
    assert states <= saved_bytes(1) == saved_bytes(20) < 2 * states


@pytest.mark.parametrize("width", [4, 10])
def test_nothing_goes_through_the_host(width):
    """Tensors of the device "meta" have no numbers: an operation that asks for one fails."""
    kernels, num_slots = kernels_of(critic(width), pauli_observables(width, "XYZ"))
    slots = torch.zeros(3, num_slots, device="meta", requires_grad=True)
    values = kernels(slots)
    grad(values.sum(), slots, retain_graph=True)
    by_row = TensorKernels(lower(critic(width)))(slots)
    (gradient,) = grad(values.sum() + by_row.sum(), slots, create_graph=True)
    (second,) = grad(gradient.sum(), slots)
    assert values.shape == (3, 3 * width)
    assert second.device.type == "meta"


@pytest.mark.gpu
@pytest.mark.parametrize("width", [4, 10])
def test_a_graphics_processor_agrees_with_the_processor(width):
    kernels, num_slots = kernels_of(critic(width), pauli_observables(width, "XYZ"))
    slots = torch.linspace(-3, 3, 3 * num_slots, dtype=torch.float64).reshape(3, num_slots).requires_grad_()
    found = []
    for device in ("cpu", "cuda"):
        values = kernels(slots.to(device))
        (gradient,) = grad(values.square().sum(), slots, create_graph=True)
        (second,) = grad(gradient.square().sum(), slots)
        found.append((values.cpu(), gradient, second))
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=1e-10)


@pytest.mark.parametrize("first_use", ["vmap", "jacrev", "vmap_jacrev", "inference"])
def test_transforms_of_functions_and_tables_that_were_made_within(first_use):
    kernels, num_slots = kernels_of(critic(), pauli_observables(3))
    slots = torch.linspace(-3, 3, 2 * num_slots, dtype=torch.float64).reshape(2, num_slots)
    single = lambda row: kernels(row[None])[0]  # noqa: E731
    jacobian = torch.stack([torch.autograd.functional.jacobian(single, row) for row in slots])
    uses = {
        "vmap": lambda f: torch.func.vmap(f)(slots[None])[0],
        "jacrev": lambda f: torch.func.jacrev(f)(slots)[range(2), :, range(2)],
        "vmap_jacrev": lambda f: torch.func.vmap(torch.func.jacrev(lambda row: f(row[None])[0]))(slots),
        "inference": torch.inference_mode()(lambda f: f(slots)),
    }
    fresh = copy.deepcopy(kernels)
    found = uses[first_use](fresh)
    expected = kernels(slots) if first_use in ("vmap", "inference") else jacobian
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    slots = slots.clone().requires_grad_()
    (gradient,) = grad(fresh(slots).sum(), slots)
    torch.testing.assert_close(gradient, jacobian.sum(1), rtol=0, atol=1e-12)


def test_second_derivatives_under_transforms():
    kernels, num_slots = kernels_of(critic(), pauli_observables(3))
    row = torch.linspace(-3, 3, num_slots, dtype=torch.float64)
    function = lambda row: kernels(row[None]).sum()  # noqa: E731
    hessian = torch.func.jacrev(torch.func.jacrev(function))(row)
    torch.testing.assert_close(hessian, torch.autograd.functional.hessian(function, row), rtol=0, atol=1e-12)


def test_copies():
    kernels, num_slots = kernels_of(critic(), pauli_observables(3))
    slots = torch.linspace(-3, 3, num_slots)[None]
    values = kernels(slots)
    for other in (copy.deepcopy(kernels), pickle.loads(pickle.dumps(kernels))):  # noqa: S301
        assert torch.equal(other(slots), values)
    assert len(pickle.dumps(kernels)) == len(pickle.dumps(copy.deepcopy(kernels)))


@pytest.mark.parametrize("num_qubits", [2, 8])
def test_circuits_without_parameters_and_batches_without_samples(num_qubits):
    circuit = QuantumCircuit(num_qubits)
    circuit.h(range(num_qubits))
    circuit.t(0)
    kernels, _ = kernels_of(circuit, [SparsePauliOp("X" * num_qubits)])
    values = kernels(torch.zeros(3, 0, dtype=torch.float64))
    np.testing.assert_allclose(values, np.full((3, 1), np.cos(np.pi / 4)), atol=1e-12)
    expected = Statevector(circuit).probabilities()
    program = lower(circuit)
    outcomes = program.outcomes(range(num_qubits))
    found = TensorKernels(program)(torch.zeros(1, 0, dtype=torch.float64))[0].numpy()
    np.testing.assert_allclose(found, expected[outcomes], atol=1e-12)
    kernels, num_slots = kernels_of(critic(num_qubits), [SparsePauliOp("X" * num_qubits)])
    slots = torch.zeros(0, num_slots, requires_grad=True)
    values = kernels(slots)
    (gradient,) = grad(values.sum(), slots)
    assert values.shape == (0, 1)
    assert gradient.shape == (0, num_slots)


def test_an_empty_circuit_and_observables_without_terms():
    kernels, _ = kernels_of(QuantumCircuit(2), [SparsePauliOp("ZZ"), SparsePauliOp("II")])
    values = kernels(torch.zeros(2, 0))
    assert values.tolist() == [[1, 0], [1, 0]]
    probabilities = TensorKernels(lower(QuantumCircuit(2)))(torch.zeros(2, 0))
    assert probabilities[:, 0].tolist() == [1, 1]


def test_every_sample_is_computed_alone():
    kernels, num_slots = kernels_of(style_ansatz(9, 2).circuit, pauli_observables(9))
    generator = torch.Generator().manual_seed(3)
    slots = torch.randn(5, num_slots, generator=generator)
    together = kernels(slots)
    alone = torch.cat([kernels(row[None]) for row in slots])
    torch.testing.assert_close(together, alone, rtol=0, atol=TOLERANCES[torch.float32])
