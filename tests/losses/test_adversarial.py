import numpy as np
import pytest
import torch
from torch.nn import functional as F

from qiskit_qgen.circuits import hardware_efficient_ansatz, pauli_observables
from qiskit_qgen.execution import LocalExecution
from qiskit_qgen.losses import (
    bce_discriminator_loss,
    bce_generator_loss,
    gradient_penalty,
    hinge_discriminator_loss,
    hinge_generator_loss,
)
from qiskit_qgen.networks import ModuleBackbone, QuantumBlock, TransferDiscriminator

REAL, FAKE = torch.tensor([2.0, -0.5, 0.25]), torch.tensor([-3.0, 0.5, -0.25])


def test_cross_entropy_is_torchs_with_labels_one_and_zero():
    expected = F.binary_cross_entropy_with_logits(REAL, torch.ones(3))
    expected = expected + F.binary_cross_entropy_with_logits(FAKE, torch.zeros(3))
    assert torch.allclose(bce_discriminator_loss(REAL, FAKE), expected)
    assert torch.allclose(bce_generator_loss(FAKE), F.binary_cross_entropy_with_logits(FAKE, torch.ones(3)))
    assert bce_discriminator_loss(torch.tensor([200.0]), torch.tensor([300.0])) == 300


def test_hinge_is_its_formula():
    real, fake = REAL.numpy(), FAKE.numpy()
    expected = np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + fake).mean()
    assert float(hinge_discriminator_loss(REAL, FAKE)) == pytest.approx(expected)
    assert float(hinge_generator_loss(FAKE)) == pytest.approx(-fake.mean())


@pytest.fixture
def discriminator():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        block = QuantumBlock(
            hardware_efficient_ansatz(5, 3),
            observables=pauli_observables(5, "Z"),
            squash=True,
            execution=LocalExecution(dtype=torch.float64),
        )
        backbone = ModuleBackbone(torch.nn.Flatten(), 12, name="pixels")
        return TransferDiscriminator(backbone, (3, 2, 2), block, width=6).double()


def test_the_gradient_of_the_penalty_through_a_quantum_block_equals_finite_differences(discriminator):
    randomness = torch.Generator().manual_seed(3)
    real, fake = torch.randn(2, 4, 12, generator=randomness, dtype=torch.float64)
    weights = dict(discriminator.named_parameters())

    def penalty():
        return gradient_penalty(discriminator, real, fake, generator=torch.Generator().manual_seed(5))

    penalty().backward()
    for name in ("block.layer.weight", "neck.3.weight", "head.weight"):
        parameter = weights[name]
        for index in range(min(15, parameter.numel())):
            flat, found = parameter.detach().view(-1), float(parameter.grad.view(-1)[index])
            values = []
            for sign in (1, -1):
                flat[index] += sign * 1e-5
                values.append(float(penalty().detach()))
                flat[index] -= sign * 1e-5
            assert found == pytest.approx((values[0] - values[1]) / 2e-5, abs=1e-6), (name, index)
    assert (weights["block.layer.weight"].grad.abs() > 1e-8).all()
