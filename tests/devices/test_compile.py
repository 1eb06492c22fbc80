"""``torch.compile`` of the networks: classical ones whole, those with a circuit around it."""

import pytest
import torch

from qiskit_qgen.models import HybridGAN, QuantumDiffusion, StyleQGAN

pytestmark = pytest.mark.filterwarnings("ignore")  # torch's own, while it traces
MODELS = {
    "style": lambda: StyleQGAN(image_shape=(1, 8, 8), num_qubits=2, num_layers=1, autoencoder_width=4),
    "hybrid": lambda: HybridGAN(image_shape=(1, 8, 8), backbone="conv", quantum_in="none"),
    "diffusion": lambda: QuantumDiffusion(image_shape=(1, 8, 8), num_qubits=2, architecture_width=8),
}
NETWORKS = [("style", "critic", True), ("style", "generator", False), ("hybrid", "generator", True)]
NETWORKS += [("hybrid", "discriminator", True), ("diffusion", "denoiser", False)]


@pytest.mark.parametrize(("model", "name", "whole"), NETWORKS)
def test_a_compiled_network_gives_the_same_values_and_gradients(model, name, whole):
    network = MODELS[model]().get_submodule(name).eval()
    inputs = {"critic": (torch.rand(3, 4),), "denoiser": (torch.rand(3, 1, 8, 8), torch.tensor([0, 5, 9]))}
    if name not in inputs:
        inputs[name] = network.example_inputs(3, torch.Generator().manual_seed(0))
    torch.compiler.reset()
    compiled = torch.compile(network, backend="eager", fullgraph=whole)
    expected, found = network(*inputs[name]), compiled(*inputs[name])
    torch.testing.assert_close(found, expected)
    weights = [each for each in network.parameters() if each.requires_grad and each.numel()]
    torch.testing.assert_close(
        torch.autograd.grad(found.sum(), weights, allow_unused=True),
        torch.autograd.grad(expected.sum(), weights, allow_unused=True),
    )
