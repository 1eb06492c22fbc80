"""Style mixing: which angles follow which noise."""

import pytest
import torch
from qiskit.circuit.library import efficient_su2

from qiskit_qgen import AerExecution
from qiskit_qgen.circuits import ParametrizedCircuit
from qiskit_qgen.exceptions import ArgumentError
from tests.models.small import style


def noises(model, number=3):
    return torch.randn(2, number, model.noise_dim, generator=torch.Generator().manual_seed(1))


def test_all_layers_follow_the_other_noise_or_none():
    model = style(num_layers=2)
    noise, other = noises(model)
    torch.testing.assert_close(model.mix_styles(noise, other, layers=range(3)), model.sample(noise=other))
    mixed = model.mix_styles(noise, other, layers=[1])
    assert not torch.allclose(mixed, model.sample(noise=noise))
    torch.testing.assert_close(mixed, model.mix_styles(other, noise, layers=[0, 2]))
    torch.testing.assert_close(model.mix_styles(noise, other, layers=[1], execution=AerExecution()), mixed)


def test_mixed_angles_are_those_of_either_noise(monkeypatch):
    model = style(entangler="cry", num_layers=1, num_qubits=3, entanglement="ring", observables="Z", rotations=("ry",))
    generator, (noise, other) = model.get_submodule("generator"), noises(model, 1)
    seen = []
    monkeypatch.setattr(type(generator), "of_angles", lambda _, angles: seen.append(angles) or torch.zeros(1, 3))
    model.mix_styles(noise, other, layers=[1])  # 3 RY, 3 CRY; then the last layer's 3 RY
    model.mix_styles(noise, other, angles=[0, 4])
    one, two = generator.style(noise), generator.style(other)
    assert torch.equal(seen[0], torch.cat([one[:, :6], two[:, 6:]], 1))
    follows = torch.tensor([True, False, False, False, True, *[False] * 4])
    assert torch.equal(seen[1], torch.where(follows, two, one))


def test_an_own_circuit_is_mixed_by_angles():
    circuit = efficient_su2(2, reps=1)
    ansatz = ParametrizedCircuit(circuit, tuple(circuit.parameters))
    model = style(ansatz=ansatz, init="uniform", num_layers=8)
    noise, other = noises(model)
    torch.testing.assert_close(model.mix_styles(noise, other, angles=range(8)), model.sample(noise=other))
    with pytest.raises(ArgumentError, match="`layers` must be None for an ansatz of your own: give `angles`"):
        model.mix_styles(noise, other, layers=[0])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "Exactly one of the arguments `layers` and `angles` must be given"),
        ({"layers": [0], "angles": [0]}, "Exactly one of the arguments `layers` and `angles` must be given"),
        ({"layers": [2]}, r"`layers\[0\]` must be an integer from 0 to 1, but is 2"),
        ({"angles": [0, 8]}, r"`angles\[1\]` must be an integer from 0 to 7, but is 8"),
        ({"layers": []}, "`layers` must hold distinct values, at least one"),
    ],
)
def test_what_is_refused(options, sentence):
    model = style()
    with pytest.raises(ArgumentError, match=sentence):
        model.mix_styles(*noises(model), **options)
    with pytest.raises(
        ArgumentError, match=r"`other` must have shape \(3, 4\), that of `noise`, but has shape \(2, 4\)"
    ):
        model.mix_styles(noises(model)[0], noises(model)[1][:2], layers=[0])
    with pytest.raises(ArgumentError, match="which a StyleQGAN with generator='classical' lacks"):
        style("classical").mix_styles(*noises(model), layers=[0])
