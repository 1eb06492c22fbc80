import pytest
import torch
from small import hybrid

from qiskit_qgen.execution import LocalExecution
from qiskit_qgen.layers.gradient_audit import audit_gradients
from qiskit_qgen.losses import gradient_penalty


@pytest.mark.parametrize("place", ["discriminator", "both"])
@pytest.mark.parametrize("backbone", ["conv", "efficientnet-lite0"])
def test_penalty_gradients_are_finite_differences(place, backbone):
    if backbone != "conv":
        pytest.importorskip("efficientnet_lite_pytorch")
    model = hybrid(place, backbone=backbone)
    network = model.networks["discriminator"].double()
    layer = network.block.layer
    layer.execution = LocalExecution(dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    real, fake = (network.example_inputs(4, generator)[0].double() for _ in range(2))

    def penalty():
        return gradient_penalty(network, real, fake, generator=torch.Generator().manual_seed(1))

    parameters = [layer.weight, network.neck[3].weight, network.head.weight, *list(network.tail.parameters())[:1]]
    gradients = torch.autograd.grad(penalty(), parameters)
    step = 1e-7  # a wider one crosses kinks of the rectifiers, where slopes jump
    for parameter, gradient in zip(parameters, gradients, strict=True):
        for number in torch.randperm(parameter.numel(), generator=generator)[:15].tolist():
            index = tuple(int(part) for part in torch.unravel_index(torch.tensor(number), parameter.shape))
            value = parameter.data[index].item()
            parameter.data[index] = value + step
            above = float(penalty().detach())
            parameter.data[index] = value - step
            below = float(penalty().detach())
            parameter.data[index] = value
            assert float(gradient[index]) == pytest.approx((above - below) / (2 * step), rel=1e-4, abs=1e-8)
    assert (gradients[0].abs() > 1e-9).all()


def audited(model):
    report = audit_gradients(model, num_draws=8)
    return report.inert + report.detached


@pytest.mark.parametrize("place", ["generator", "discriminator", "both"])
def test_no_quantum_parameter_is_inert_or_detached(place):
    assert audited(hybrid(place)) == []


def test_an_inert_or_detached_parameter_would_be_found(monkeypatch):
    inert = hybrid(rotations=("rz",), encoding="ry", num_layers=3)
    assert len([name for name in audited(inert) if "theta" in name]) == 30
    squashed = torch.atan
    monkeypatch.setattr(torch, "atan", lambda x: squashed(x).detach())
    assert len(audited(hybrid("discriminator"))) == 5
