"""The U-Nets: published sizes, what each bottleneck trains, and what their inputs decide."""

import pytest
import torch

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution import AerExecution, LocalExecution
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.networks import ChannelGate, PublishedUNet, UNet
from qiskit_qgen.networks.bottleneck_gates import (
    FrozenSqueezeExcitation,
    PlainBottleneck,
    PublishedBottleneck,
    QuantumBottleneck,
    SqueezeExcitation,
)
from qiskit_qgen.studies import audit_gradients

GATES = {
    kind.kind: kind
    for kind in (PlainBottleneck, SqueezeExcitation, FrozenSqueezeExcitation, QuantumBottleneck, PublishedBottleneck)
}


def count(network):
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def made(kind=UNet, **options):
    """A network with weights of one seed, whose zero layers are filled so that all parts matter."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        gate = GATES[options.pop("bottleneck", "quantum")]
        sizes = (
            {"num_qubits": 3} if issubclass(gate, QuantumBottleneck) else {"width": 3} if gate.kind != "plain" else {}
        )
        network = kind(bottleneck=gate(**sizes), **options)
        for name, parameter in network.named_parameters():
            if name.startswith("last") or name.endswith("second.weight"):
                torch.nn.init.normal_(parameter, std=0.1)
    return network


@pytest.mark.parametrize(
    ("channels", "bottleneck", "parameters"),
    [
        (1, "plain", 445_985),
        (3, "plain", 447_715),
        (1, "quantum_published", 445_985 + 4_288),
        (1, "quantum", 445_985 + 4_336),
        (1, "se", 445_985 + 4_240),
        (1, "se_frozen", 445_985 + 2_176),
    ],
)
def test_the_published_network_has_the_published_numbers_of_parameters(channels, bottleneck, parameters):
    assert count(PublishedUNet(channels, bottleneck=GATES[bottleneck]())) == parameters


def test_arms_of_the_default_differ_by_the_gate_alone():
    plain = count(UNet(bottleneck=PlainBottleneck()))
    added = {name: count(UNet(bottleneck=kind())) - plain for name, kind in GATES.items() if name != "plain"}
    assert added == {"se": 4_240, "se_frozen": 2_176, "quantum": 4_336, "quantum_published": 4_288}


@pytest.mark.parametrize("kind", [UNet, PublishedUNet])
@pytest.mark.parametrize("shape", [(2, 1, 28, 28), (1, 3, 8, 12), (3, 4, 4, 4)])
def test_images_keep_their_shape(kind, shape):
    network = made(kind, channels=shape[1])
    assert network(torch.randn(shape), torch.zeros(shape[0], dtype=torch.int64)).shape == shape


@pytest.mark.parametrize("kind", [UNet, PublishedUNet])
@pytest.mark.parametrize("bottleneck", ["plain", "se", "se_frozen", "quantum"])
def test_every_trained_weight_has_a_gradient(kind, bottleneck):
    network = made(kind, bottleneck=bottleneck, num_classes=3)
    x = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    network(x, torch.tensor([0, 10, 500, 999]), torch.tensor([0, 1, 2, 3])).square().sum().backward()
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name
        else:
            assert name.startswith("gate.down")
            assert bottleneck == "se_frozen"


@pytest.mark.parametrize("kind", [UNet, PublishedUNet])
def test_images_do_not_see_one_another_but_their_step_and_label(kind):
    network = made(kind, num_classes=2).eval()
    x, steps, labels = network.example_inputs(4, torch.Generator().manual_seed(1))
    with torch.no_grad():
        whole = network(x, steps, labels)
        for row in range(4):
            alone = network(x[row : row + 1], steps[row : row + 1], labels[row : row + 1])
            torch.testing.assert_close(alone, whole[row : row + 1], rtol=1e-4, atol=1e-5)
        assert (network(x, 999 - steps, labels) - whole).abs().amax((1, 2, 3)).min() > 1e-4
        assert (network(x, steps, 1 - labels) - whole).abs().amax((1, 2, 3)).min() > 1e-4


def test_all_pixels_reach_each_other_only_through_the_bottlenecks_gate_and_norms():
    network = made(PublishedUNet, bottleneck="quantum").eval()
    x = torch.zeros(1, 1, 64, 64).requires_grad_()
    network(x, torch.zeros(1, dtype=torch.int64))[0, 0, 0, 0].backward()
    assert x.grad[0, 0, 63, 63] != 0
    network = made(PublishedUNet, bottleneck="plain").eval()
    x = torch.zeros(1, 1, 64, 64).requires_grad_()
    network(x, torch.zeros(1, dtype=torch.int64))[0, 0, 0, 0].backward()
    assert x.grad[0, 0, 63, 63] == 0


def test_a_gate_of_zero_is_the_plain_network():
    gated, plain = made(bottleneck="quantum"), made(bottleneck="plain")
    plain.load_state_dict({name: value for name, value in gated.state_dict().items() if not name.startswith("gate")})
    torch.nn.init.zeros_(gated.gate.up.weight)
    torch.nn.init.zeros_(gated.gate.up.bias)
    x, steps = gated.example_inputs(2, torch.Generator().manual_seed(0))
    torch.testing.assert_close(gated(x, steps), plain(x, steps))


@pytest.mark.parametrize("kind", [UNet, PublishedUNet])
def test_the_audit_sees_what_the_bottlenecks_circuits_can_learn(kind):
    report = audit_gradients(made(kind, bottleneck="quantum"), num_draws=8)
    assert report.sound, report.summary
    assert len(report.findings) == 3 + 18
    published = audit_gradients(made(kind, bottleneck="quantum_published"), num_draws=8)
    assert published.inert == [f"gate.core.theta[{index}]" for index in range(9)]
    assert "inert" in repr(made(kind, bottleneck="quantum_published"))
    assert "inert" not in repr(made(kind, bottleneck="quantum"))


@pytest.mark.parametrize("execution", [LocalExecution(dtype=torch.float64), AerExecution(seed=0)])
def test_the_gate_runs_on_any_execution(execution):
    gate = ChannelGate(QuantumBottleneck(num_qubits=3), 5)
    h = torch.randn(2, 5, 4, 4)
    with torch.no_grad():
        expected = gate(h)
        gate.core.execution = execution
        torch.testing.assert_close(gate(h), expected, rtol=1e-4, atol=1e-5)


def test_the_circuit_is_one_batched_call():
    calls = []
    network = made(bottleneck="quantum")
    (layer,) = [part for part in network.modules() if isinstance(part, QuantumLayer)]
    layer.register_forward_hook(lambda _, arguments, __: calls.append(arguments[0].shape))
    network(torch.randn(7, 1, 8, 8), torch.zeros(7, dtype=torch.int64))
    assert calls == [(7, 3)]


def test_bad_arguments_are_named():
    for options, name in [({"channels": 0}, "channels"), ({"num_classes": 0}, "num_classes")]:
        with pytest.raises(ArgumentError, match=f"`{name}`"):
            UNet(**options)
    steps = torch.zeros(1, dtype=torch.int64)
    with pytest.raises(ArgumentError, match="`labels`"):
        made()(torch.randn(1, 1, 8, 8), steps, steps)
    with pytest.raises(ArgumentError, match="`labels`"):
        made(num_classes=2)(torch.randn(1, 1, 8, 8), steps)
