import math

import numpy as np
import pytest
import torch
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, Statevector

from qiskit_qgen.circuits import pauli_observables, style_ansatz
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.execution import LocalExecution
from qiskit_qgen.networks import QuantumStyleGenerator
from qiskit_qgen.networks.controls import CircuitControl
from qiskit_qgen.networks.quantum_generator import last_rotations, noise_components


def make(circuit=None, **options):
    torch.manual_seed(0)
    circuit = circuit or style_ansatz(2, 2)
    observables = options.pop("observables", pauli_observables(circuit.num_qubits))
    return QuantumStyleGenerator(circuit, **{"noise_dim": 4, "observables": observables, **options})


@pytest.mark.parametrize("style", ["full", "cyclic", "cyclic-shared"])
@pytest.mark.parametrize("init", ["gaussian", "uniform"])
def test_samples_are_the_expectation_values_of_the_bound_circuit(init, style):
    generator = make(init=init, init_scale=0.7, style=style, readout_std=0.25)
    z = torch.randn(3, 4)
    samples, angles = generator(z), generator.style(z).detach().double().numpy()
    for row, sample in zip(angles, samples, strict=True):
        state = Statevector(generator.layer.circuit.assign_parameters(row))
        expected = [state.expectation_value(operator).real / 0.25 for operator in pauli_observables(2)]
        assert sample.tolist() == pytest.approx(expected, abs=2e-5)


def moments(samples):
    correlations = torch.corrcoef(samples.T) - torch.eye(samples.shape[1])
    return samples.mean(0).abs().max(), samples.var(0), correlations.abs().max()


@pytest.mark.parametrize("control", ["unentangled", "frozen", "fourier"])
def test_controls_start_as_near_to_normal_numbers_as_the_circuit(control):
    generator = make(style_ansatz(4, 3), noise_dim=8, readout_std=0.25, control=CircuitControl(control=control))
    with torch.no_grad():
        samples = generator(torch.randn(8000, 8, generator=torch.Generator().manual_seed(1)))
    mean, variances, correlation = moments(samples)
    # A frozen circuit's values are scaled by 512 draws: standard errors of 0.044 of a mean and 6 % of a variance.
    assert mean < 0.2
    assert ((variances > 0.75) & (variances < 1.3)).all()
    assert correlation < 0.5
    weights = {name for name, weight in generator.named_parameters() if weight.requires_grad and weight.numel()}
    expected = {"frozen": {"readout.weight", "readout.bias"}}.get(control, {"style.weight", "style.bias"})
    if control == "fourier":
        expected |= {"layer.coefficients.weight", "layer.coefficients.bias"}
    assert weights == expected


def test_an_unentangled_generator_reads_each_qubit_as_if_it_were_alone():
    generator = make(style_ansatz(2, 2), init="uniform", init_scale=1.0, control=CircuitControl(control="unentangled"))
    angles = generator.style(torch.randn(1, 4)).detach().double().numpy()[0]
    values = generator.layer(torch.from_numpy(angles)[None].float())[0]
    for qubit in (0, 1):
        alone = QuantumCircuit(1)
        for layer in range(3):
            ry, rz = angles[4 * layer + 2 * qubit : 4 * layer + 2 * qubit + 2]
            alone.ry(ry, 0)
            alone.rz(rz, 0)
        state = Statevector(alone)
        for place, letter in ((qubit, "X"), (2 + qubit, "Z")):
            assert values[place].item() == pytest.approx(state.expectation_value(SparsePauliOp(letter)).real, abs=1e-5)


@pytest.mark.parametrize(
    ("num_qubits", "num_layers", "options"),
    [
        (12, 1, {"entanglement": "brick"}),
        (12, 8, {"entanglement": "brick"}),
        (12, 16, {"entanglement": "ring"}),
        (8, 16, {"entanglement": "full"}),  # nearly all angles turn the last qubit
        (4, 8, {"entangler": ("cry", "crz"), "rotations": ("ry", "rz", "ry", "rz")}),
        (3, 1, {"entangler": "rxx"}),
        (1, 16, {}),
    ],
)
def test_a_gaussian_start_is_near_normal_at_any_depth(num_qubits, num_layers, options):
    circuit = style_ansatz(num_qubits, num_layers, **options)
    generator = make(circuit, noise_dim=2 * num_qubits, readout_std=0.25)
    with torch.no_grad():
        samples = generator(torch.randn(8000, 2 * num_qubits, generator=torch.Generator().manual_seed(1)))
    mean, variances, correlation = moments(samples)
    # Of 8,000 samples the standard errors are 0.011 of a mean or a correlation, and 1.6 % of a variance.
    assert mean < 0.05
    assert ((variances > 0.9) & (variances < 1.1)).all()
    assert correlation < 0.1


@pytest.mark.parametrize(("num_layers", "continuous", "count"), [(1, 14, 10), (16, 24, 20)])
def test_categories_change_the_start_little_and_reach_every_angle_but_the_last(num_layers, continuous, count):
    circuit = style_ansatz(12, num_layers, entanglement="brick")
    generator = make(circuit, noise_dim=continuous + count, readout_std=0.25, num_categories=count)
    columns = generator.style.weight[:, continuous:]
    last = last_rotations(circuit)
    assert columns[last].abs().max() == 0
    others = [k for k in range(circuit.num_inputs) if k not in last]
    assert columns[others].abs().min() > 0
    lengths = columns.square().sum(0).sqrt()
    assert lengths.tolist() == pytest.approx([0.2] * count, rel=0.4)
    source = torch.Generator().manual_seed(1)
    kinds = torch.randint(count, (6000,), generator=source)
    z = torch.cat([torch.randn(6000, continuous, generator=source), torch.eye(count)[kinds]], 1)
    with torch.no_grad():
        mean, variances, _ = moments(generator(z))
    assert mean < 0.1
    assert ((variances > 0.9) & (variances < 1.1)).all()


@pytest.mark.parametrize("std", [0.05, 0.25, 0.5, 1.0])
def test_the_last_rotations_alone_give_the_variance_of_the_closed_form(std):
    generator = make(readout_std=std, init_scale=0.0, execution=LocalExecution(dtype=torch.float64)).double()
    # Gauss-Hermite nodes of two independent normal numbers: E f(a, b) exactly, except for the last digits.
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    z = torch.tensor(np.stack([each.ravel() for each in np.meshgrid(nodes, nodes)], 1))
    density = torch.tensor(np.outer(weights, weights).ravel() / (2 * math.pi))
    with torch.no_grad():
        samples = generator(torch.cat([z, torch.zeros_like(z)], 1))[:, [0, 2]]  # X and Z of the first qubit
    expected = min(std, 0.5) ** 2 / std**2
    assert (density @ samples).abs().max() < 1e-6  # pi/2 in float32
    assert (density @ samples.square()).tolist() == pytest.approx([expected] * 2, rel=1e-7)
    assert abs(float(density @ samples.prod(1))) < 1e-6


def test_the_small_angles_of_a_gaussian_start_have_one_size_together():
    for num_layers, cyclic in ((1, False), (9, False), (9, True)):
        circuit = style_ansatz(4, num_layers)
        generator = make(circuit, noise_dim=8, readout_std=0.25, init_scale=0.3, style="cyclic" if cyclic else "full")
        powers = generator.style.dense_weight().square().sum(1)  # of each angle, over normal noise
        last = powers[last_rotations(circuit)]
        assert math.sqrt(float((powers.sum() - last.sum()) / last.min())) == pytest.approx(0.3, rel=0.2)


def test_a_gaussian_start_sets_the_last_rotations_of_each_qubit():
    circuit = style_ansatz(2, 1, rotations=("ry", "rz", "ry", "rz"))
    # Per layer 2 qubits with 4 angles; the last layer holds angles 8 to 15.
    assert last_rotations(circuit) == [10, 11, 14, 15]
    generator = make(circuit, readout_std=0.3, noise_dim=3)
    assert generator.style.bias[[10, 11, 14, 15]].tolist() == pytest.approx([math.pi / 2] * 4)
    assert generator.style.bias[:10].abs().max() == 0
    ry, rz = math.sqrt(-math.log(1 - 0.18) / 2), math.sqrt(-math.log(1 - 0.18 / 0.91) / 2)
    expected = torch.zeros(4, 3)
    expected[range(4), [0, 1, 2, 0]] = torch.tensor([ry, rz, ry, rz])
    torch.testing.assert_close(generator.style.weight[[10, 11, 14, 15]].detach(), expected)
    published = style_ansatz(3, 1, rotations=("ry", "rz", "ry", "rz"), entangler="cry", final_rotations=("ry",))
    assert last_rotations(published) == [15, 16, 17]


@pytest.mark.parametrize("rotations", [("rz", "rx"), ("ry", "rx"), ("rz",)])
def test_other_endings_need_a_uniform_start(rotations):
    circuit = style_ansatz(2, 1, rotations=rotations)
    with pytest.raises(ArgumentError, match=r"must end with RY, or RY and RZ, .* but qubit 0 does not"):
        make(circuit)
    assert make(circuit, init="uniform")(torch.randn(2, 4)).shape == (2, 4)


@pytest.mark.parametrize("style", ["full", "cyclic", "cyclic-shared"])
def test_weights_get_the_gradient_of_finite_differences(style):
    generator = make(style=style, init_scale=0.5, execution=LocalExecution(dtype=torch.float64)).double()
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
        ({"num_categories": -1}, "`num_categories` must be"),
        ({"noise_dim": 3, "num_categories": 3}, "`noise_dim` must be an integer of at least 4, but is 3"),
        ({"num_categories": 2, "style": "cyclic"}, "`style` must be 'full' for noise with categories"),
    ]:
        with pytest.raises(ArgumentError, match=text):
            make(**options)


STYLE_QGAN = {"entangler": "cry", "final_rotations": ("ry",)}


@pytest.mark.parametrize(
    ("noise_dim", "expected"),
    [
        (3, [0, 1, 1, 2, 0, 1, 1, 2, 0, 1, 1, 2, 0, 1, 2, 0, 1]),
        (5, [0, 1, 1, 2, 3, 4, 4, 0, 1, 2, 2, 3, 4, 0, 1, 2, 3]),
    ],
)
def test_the_tutorials_rule_shares_a_component_between_second_and_third_rotation(noise_dim, expected):
    pairs = [[(0, 1), (0, 2)], [(1, 2), (2, 0)]]
    circuit = style_ansatz(3, 1, rotations=("ry", "rz", "ry", "rz"), entanglement=pairs, **STYLE_QGAN)
    assert noise_components(circuit, noise_dim, "cyclic-shared") == expected


def test_the_published_scripts_rule_takes_components_in_turn_by_half_layers():
    pairs = [[], [(0, 1), (0, 2)], [], [(1, 2), (2, 0)]]
    circuit = style_ansatz(3, 2, rotations=("ry", "rz"), entanglement=pairs, **STYLE_QGAN)
    assert noise_components(circuit, 5, "cyclic") == [*range(5)] * 3 + [0, 1]
    assert noise_components(circuit, 5, "full") is None
    with pytest.raises(ArgumentError, match="`style` must be one of 'full', 'cyclic', 'cyclic-shared', but is 'ring'"):
        noise_components(circuit, 5, "ring")


def test_a_uniform_start_draws_weights_and_biases():
    style = make(style_ansatz(4, 8), init="uniform", init_scale=0.15).style
    for tensor in (style.weight, style.bias):
        assert 0.13 < tensor.abs().max() <= 0.15
