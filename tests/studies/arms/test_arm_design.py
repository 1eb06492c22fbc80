import pytest
import torch
from small_arms import LOW_DATA as SMALL
from small_arms import PLACEMENT as PLACED

from qiskit_qgen.models import HybridGANConfig, QuantumDiffusionConfig
from qiskit_qgen.networks.blocks import ClassicalBlock, QuantumBlock
from qiskit_qgen.networks.controls import DenseLayer
from qiskit_qgen.noise import DirichletMultinomialNoise, GaussianCopulaNoise, QuantumCircuitNoise, ShuffledNoise
from qiskit_qgen.studies.arms.design import LOW_DATA, PLACEMENT

GAN = HybridGANConfig.of(**PLACED["model"]).to_dict()
DIFFUSION = QuantumDiffusionConfig.of(**SMALL["model"]).to_dict()
KINDS = (ClassicalBlock, QuantumBlock, DenseLayer)


@pytest.mark.parametrize(
    ("arm", "generator", "discriminator"),
    [
        ("none", ClassicalBlock, ClassicalBlock),
        ("generator", QuantumBlock, ClassicalBlock),
        ("both", QuantumBlock, QuantumBlock),
        ("dense generator", DenseLayer, ClassicalBlock),
        ("dense both", DenseLayer, DenseLayer),
    ],
)
def test_a_control_stands_where_the_circuit_would(arm, generator, discriminator):
    model = PLACEMENT.build(GAN, (1, 8, 8), arm)
    for name, kind in (("generator", generator), ("discriminator", discriminator)):
        found = [each for each in model.get_submodule(name).modules() if isinstance(each, KINDS)]
        assert type(found[-1]) is kind  # the innermost


@pytest.mark.parametrize(
    ("arm", "kind"),
    [
        ("noise quantum", QuantumCircuitNoise),
        ("noise shuffled", ShuffledNoise),
        ("noise dirichlet", DirichletMultinomialNoise),
        ("noise copula", GaussianCopulaNoise),
    ],
)
def test_noise_is_exchanged_and_all_else_is_the_plain_network(arm, kind):
    model, plain = (LOW_DATA.build(DIFFUSION, (1, 8, 8), each) for each in (arm, "plain"))
    assert isinstance(model.config.noise, kind)
    assert {name: each.shape for name, each in model.state_dict().items()} == {
        name: each.shape for name, each in plain.state_dict().items()
    }


def test_rivals_have_the_marginals_of_the_circuit():
    def draw(arm):
        source = LOW_DATA.build(DIFFUSION, (1, 8, 8), arm).config.noise
        return source.sample(2000, torch.Generator().manual_seed(0)).double()

    circuit, shuffled, copula = (draw(f"noise {each}") for each in ("quantum", "shuffled", "copula"))

    def largest(rows):
        correlation = torch.corrcoef(rows.T)
        return float((correlation - torch.eye(len(correlation))).abs().max())

    assert largest(circuit) > 0.3  # neighbours on the ring
    assert largest(copula) == pytest.approx(largest(circuit), abs=0.1)
    assert largest(shuffled) < 0.12


def test_every_arm_that_is_named_can_be_built():
    for design, settings in ((PLACEMENT, GAN), (LOW_DATA, DIFFUSION)):
        assert {arm for pair in design.further for arm in pair} <= set(design.known)
        assert set(design.controls) < set(design.known)
        for arm in design.known:
            design.build(settings, (1, 8, 8), arm)
