"""Every network and the torch kernels, forward and backward on the `meta` device: sizes and devices without values."""

import inspect

import pytest
import torch
from qiskit.circuit import ParameterVector, QuantumCircuit
from torch import nn

from qiskit_qgen import networks
from qiskit_qgen.circuits import hardware_efficient_ansatz, pauli_observables, style_ansatz
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.losses import gradient_penalty
from qiskit_qgen.networks.blocks import ClassicalBlock, QuantumBlock
from qiskit_qgen.networks.bottleneck_gates import (
    FrozenSqueezeExcitation,
    PlainBottleneck,
    PublishedBottleneck,
    QuantumBottleneck,
    SqueezeExcitation,
)
from qiskit_qgen.networks.unet import UNetConfig

SHAPE = (1, 8, 8)
GATES = [
    QuantumBottleneck(num_qubits=2),
    PublishedBottleneck(num_qubits=2),
    SqueezeExcitation(),
    FrozenSqueezeExcitation(),
]


def meta(*shape):
    return torch.randn(*shape, device="meta", requires_grad=True)


def steps(count):
    return torch.zeros(count, dtype=torch.int64, device="meta")


def _block():
    return QuantumBlock(hardware_efficient_ansatz(3, 1), observables=pauli_observables(3, "Z"))


NETWORKS = {
    "DenseLayer": lambda: [(networks.DenseLayer(3, 4), (meta(5, 3),))],
    "FourierSurrogate": lambda: [(networks.FourierSurrogate(hardware_efficient_ansatz(3, 1), 4), (meta(5, 3),))],
    "ConvAutoencoder": lambda: [(networks.ConvAutoencoder(SHAPE, 4), (meta(5, *SHAPE),))],
    "VariationalAutoencoder": lambda: [(networks.VariationalAutoencoder(SHAPE, 4), (meta(5, *SHAPE),))],
    "LastAutoencoder": lambda: [(networks.LastAutoencoder(SHAPE, 4), (meta(5, *SHAPE),))],
    "Critic": lambda: [(networks.Critic(4), (meta(5, 4),))],
    "ConvCritic": lambda: [(networks.ConvCritic(4), (meta(5, 4),))],
    "ClassicalGenerator": lambda: [(networks.ClassicalGenerator(3, 4), (meta(5, 3),))],
    "QuantumStyleGenerator": lambda: [
        (
            networks.QuantumStyleGenerator(
                style_ansatz(2, 1), noise_dim=3, observables=pauli_observables(2), style=style
            ),
            (meta(5, 3),),
        )
        for style in ("full", "cyclic")
    ],
    "QuantumBlock": lambda: [(_block(), (meta(5, 3),))],
    "ClassicalBlock": lambda: [(ClassicalBlock(3, 3, 15), (meta(5, 3),))],
    "UpsamplingGenerator": lambda: [(networks.UpsamplingGenerator(_block(), (3, 8, 12)), (meta(5, 3),))],
    "TransferDiscriminator": lambda: [
        (
            networks.TransferDiscriminator(networks.ConvBackbone(SHAPE), SHAPE, _block(), spectral_normalization=norm),
            (meta(5, *SHAPE),),
        )
        for norm in (False, True)
    ],
    "ChannelGate": lambda: [(networks.ChannelGate(gate, 8), (meta(5, 8, 4, 4),)) for gate in GATES],
    "UNet": lambda: [
        (
            networks.UNet(1, UNetConfig(width=8), bottleneck=GATES[0], num_classes=3),
            (meta(5, *SHAPE), steps(5), steps(5)),
        ),
        (networks.UNet(1, UNetConfig(width=8), bottleneck=PlainBottleneck()), (meta(5, *SHAPE), steps(5))),
    ],
    "PublishedUNet": lambda: [(networks.PublishedUNet(1, bottleneck=GATES[0]), (meta(5, *SHAPE), steps(5)))],
    "PatchDiscriminator": lambda: [(networks.PatchDiscriminator(1, 4), (meta(5, *SHAPE),))],
    "LatentNormalizer": lambda: [(networks.LatentNormalizer(4), (meta(5, 4),))],
    "RangeNormalizer": lambda: [(networks.RangeNormalizer(4), (meta(5, 4),))],
    "PowerNormalizer": lambda: [(networks.PowerNormalizer(4), (meta(5, 4),))],
    "QuantileNormalizer": lambda: [(networks.QuantileNormalizer(4), (meta(5, 4),))],
}


def test_every_network_is_tested():
    exported = {
        name
        for name, kind in vars(networks).items()
        if inspect.isclass(kind) and issubclass(kind, nn.Module) and not name.startswith("Abstract")
    }
    fitted = {"Categories", "PrincipalComponents"}  # on the CPU, and without a gradient
    assert exported == {*NETWORKS, *fitted}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_runs_forward_and_backward_where_it_is(name):
    for network, inputs in NETWORKS[name]():
        network.to("meta")
        if hasattr(network, "fit") and name not in ("PowerNormalizer", "FourierSurrogate"):  # fitted on the CPU
            network.fit(inputs[0])
        output = network(*inputs)
        assert output.device.type == "meta"
        output.sum().backward()
        weights = [each for each in network.parameters() if each.requires_grad and each.numel()]
        assert all(each.grad is not None and each.grad.device.type == "meta" for each in weights)
        assert inputs[0].grad.shape == inputs[0].shape


def test_circuits_run_on_the_device_of_their_inputs_with_second_derivatives():
    angles = ParameterVector("a", 4)
    circuit = QuantumCircuit(3)
    circuit.rx(angles[2], 0)
    circuit.cry(angles[0] * angles[1], 0, 1)
    circuit.ccx(0, 1, 2)
    circuit.rzz(angles[3], 1, 2)
    for options in ({"observables": pauli_observables(3)}, {"interpret": lambda k: k % 3, "output_shape": 3}):
        layer = QuantumLayer(circuit, weight_params=list(angles[:1]), **options).to("meta")
        x = meta(6, 3)
        output = layer(x)
        assert output.shape == (6, layer.num_outputs)
        assert output.device.type == "meta"
        (first,) = torch.autograd.grad(output.sum(), x, create_graph=True)
        first.norm().backward()
        assert layer.weight.grad.device.type == x.grad.device.type == "meta"


def test_a_gradient_penalty_through_a_circuit_stays_on_the_device():
    layer = QuantumLayer(hardware_efficient_ansatz(3, 1)).to("meta")
    penalty = gradient_penalty(
        lambda x: layer(x).sum(1), meta(4, 3), meta(4, 3), generator=torch.Generator().manual_seed(0)
    )
    penalty.backward()
    assert layer.weight.grad.device.type == "meta"


@pytest.mark.gpu
def test_a_training_on_a_gpu_gives_what_the_cpu_gives():
    from qiskit_qgen.models import StyleQGAN

    images = torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    samples = []
    for device in ("cpu", "cuda"):
        model = StyleQGAN(image_shape=SHAPE, num_qubits=2, num_layers=1, autoencoder_width=4, critic_width=8).to(device)
        model.fit(images, steps=2, batch_size=8, seed=0, callbacks=[])
        assert model.device.type == device
        samples.append(model.sample(5, seed=1))
    torch.testing.assert_close(*samples, atol=1e-2, rtol=0)
