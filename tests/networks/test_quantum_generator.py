import math

import pytest
import torch
from qiskit.quantum_info import Statevector

from qiskit_qgen.circuits import pauli_observables, style_ansatz
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.execution import LocalExecution
from qiskit_qgen.networks import QuantumStyleGenerator
from qiskit_qgen.networks.quantum_generator import last_rotations


def make(circuit=None, **options):
    torch.manual_seed(0)
    circuit = circuit or style_ansatz(2, 2)
    observables = options.pop("observables", pauli_observables(circuit.num_qubits))
    return QuantumStyleGenerator(circuit, **{"noise_dim": 4, "observables": observables, **options})


@pytest.mark.parametrize("cyclic", [False, True])
@pytest.mark.parametrize("init", ["gaussian", "uniform"])
def test_samples_are_the_expectation_values_of_the_bound_circuit(init, cyclic):
    generator = make(init=init, init_scale=0.7, cyclic=cyclic, readout_std=0.25)
    z = torch.randn(3, 4)
    samples, angles = generator(z), generator.style(z).detach().double().numpy()
    for row, sample in zip(angles, samples, strict=True):
        state = Statevector(generator.layer.circuit.assign_parameters(row))
        expected = [state.expectation_value(operator).real / 0.25 for operator in pauli_observables(2)]
        assert sample.tolist() == pytest.approx(expected, abs=2e-5)


def test_a_gaussian_start_makes_nearly_independent_normal_read_outs():
    generator = make(style_ansatz(4, 3), noise_dim=8, readout_std=0.25, init_scale=0.02)
    with torch.no_grad():
        samples = generator(torch.randn(4000, 8))
    # X = -sin(b) cos(a) and Z = -sin(a) for a, b ~ N(0, 0.25^2): the spread is 0.23 to 0.25.
    assert samples.mean(0).abs().max() < 0.15
    assert ((samples.std(0) > 0.85) & (samples.std(0) < 1.05)).all()
    correlations = torch.corrcoef(samples.T) - torch.eye(8)
    assert correlations.abs().max() < 0.2


def test_a_gaussian_start_sets_the_last_rotations_of_each_qubit():
    circuit = style_ansatz(2, 1, rotations=("ry", "rz", "ry", "rz"))
    # Per layer 2 qubits with 4 angles; the last layer holds angles 8 to 15.
    assert last_rotations(circuit) == [10, 11, 14, 15]
    generator = make(circuit, readout_std=0.3, noise_dim=3)
    assert generator.style.bias[[10, 11, 14, 15]].tolist() == pytest.approx([math.pi / 2] * 4)
    assert generator.style.bias[:10].abs().max() == 0
    expected = torch.zeros(4, 3)
    expected[range(4), [0, 1, 2, 0]] = 0.3
    assert torch.equal(generator.style.weight[[10, 11, 14, 15]].detach(), expected)
    published = style_ansatz(3, 1, rotations=("ry", "rz", "ry", "rz"), entangler="cry", final_rotations=("ry",))
    assert last_rotations(published) == [15, 16, 17]


@pytest.mark.parametrize("rotations", [("rz", "rx"), ("ry", "rx"), ("rz",)])
def test_other_endings_need_a_uniform_start(rotations):
    circuit = style_ansatz(2, 1, rotations=rotations)
    with pytest.raises(ArgumentError, match=r"must end with RY, or RY and RZ, .* but qubit 0 does not"):
        make(circuit)
    assert make(circuit, init="uniform")(torch.randn(2, 4)).shape == (2, 4)


@pytest.mark.parametrize("cyclic", [False, True])
def test_weights_get_the_gradient_of_finite_differences(cyclic):
    generator = make(cyclic=cyclic, init_scale=0.5, execution=LocalExecution(dtype=torch.float64)).double()
    z = torch.randn(3, 4, dtype=torch.float64)

    def loss():
        return generator(z).pow(2).sum()

    weight = generator.style.weight
    (gradient,) = torch.autograd.grad(loss(), weight)
    flat = weight.data.view(-1)
    for index in range(0, flat.numel(), max(flat.numel() // 5, 1)):
        values = []
        for shift in (1e-6, -1e-6):
            flat[index] += shift
            values.append(loss().item())
            flat[index] -= shift
        assert gradient.view(-1)[index].item() == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-6, abs=1e-8)


def test_it_runs_on_another_execution():
    generator = make()
    z = torch.randn(5, 4)
    first = generator(z).detach()
    generator.execution = LocalExecution(dtype=torch.float64)
    assert generator.execution == LocalExecution(dtype=torch.float64)
    assert torch.allclose(generator(z), first, atol=1e-5)
    with pytest.raises(ArgumentTypeError, match="`execution` must be an execution"):
        generator.execution = "aer"


def test_bad_arguments_are_refused():
    for options, text in [
        ({"noise_dim": 0}, "`noise_dim` must be a positive integer"),
        ({"readout_std": 0}, "`readout_std` must be a number in"),
        ({"init": "zero"}, "`init` must be one of 'gaussian', 'uniform', but is 'zero'"),
        ({"init_scale": -1}, "`init_scale` must be a number in"),
    ]:
        with pytest.raises(ArgumentError, match=text):
            make(**options)
