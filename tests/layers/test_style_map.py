import copy

import numpy as np
import pytest
import torch

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.layers import StyleMap


def in_turn(noise_dim, num_angles, cyclic=True):
    return [k % noise_dim for k in range(num_angles)] if cyclic else None


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_full_map_is_w_z_plus_b():
    style = StyleMap(3, 5, generator=generator()).double()
    z = torch.randn(7, 3, dtype=torch.float64, generator=generator())
    expected = z.numpy() @ style.weight.detach().numpy().T + style.bias.detach().numpy()
    np.testing.assert_allclose(style(z).detach(), expected, atol=1e-14)
    assert torch.equal(style.dense_weight(), style.weight)


def test_each_angle_may_depend_on_one_component_alone():
    style = StyleMap(3, 5, components=[0, 1, 1, 2, 0], generator=generator()).double()
    z = torch.randn(7, 3, dtype=torch.float64, generator=generator())
    for k, component in enumerate([0, 1, 1, 2, 0]):
        expected = style.weight[k] * z[:, component] + style.bias[k]
        torch.testing.assert_close(style(z)[:, k], expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize(("noise_dim", "num_angles"), [(3, 5), (5, 3), (1, 4), (4, 4)])
@pytest.mark.parametrize("cyclic", [True, False])
def test_the_dense_weight_gives_the_same_map(noise_dim, num_angles, cyclic):
    components = in_turn(noise_dim, num_angles, cyclic)
    style = StyleMap(noise_dim, num_angles, components=components, generator=generator()).double()
    z = torch.randn(4, noise_dim, dtype=torch.float64, generator=generator())
    dense = style.dense_weight()
    assert dense.shape == (num_angles, noise_dim)
    assert not dense.requires_grad
    torch.testing.assert_close(z @ dense.T + style.bias, style(z), rtol=0, atol=1e-14)
    dense.zero_()
    assert style.weight.abs().sum() > 0  # a copy


@pytest.mark.parametrize(("cyclic", "count"), [(True, 2 * 6), (False, 6 * 4 + 6)])
def test_the_number_of_weights(cyclic, count):
    style = StyleMap(4, 6, components=in_turn(4, 6, cyclic))
    assert sum(parameter.numel() for parameter in style.parameters()) == count
    assert list(style.state_dict()) == ["weight", "bias"]


@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (0,)])
@pytest.mark.parametrize("cyclic", [True, False])
def test_leading_shapes(shape, cyclic):
    assert StyleMap(3, 5, components=in_turn(3, 5, cyclic))(torch.zeros(*shape, 3)).shape == (*shape, 5)


@pytest.mark.parametrize("cyclic", [True, False])
def test_gradients(cyclic):
    style = StyleMap(3, 5, components=in_turn(3, 5, cyclic), generator=generator()).double()
    z = torch.randn(4, 3, dtype=torch.float64, generator=generator(), requires_grad=True)
    assert torch.autograd.gradcheck(style, (z,))
    assert torch.autograd.gradgradcheck(lambda z: style(z).sin(), (z,))


def test_the_start_is_uniform_within_the_scales():
    style = StyleMap(50, 400, init_scale=0.2, bias_scale=1.5, generator=generator())
    for tensor, scale in ((style.weight, 0.2), (style.bias, 1.5)):
        assert tensor.abs().max() <= scale
        assert tensor.max() > 0.95 * scale
        assert tensor.min() < -0.95 * scale
    style = StyleMap(50, 400, init_scale=0.2, generator=generator())
    assert 0.15 < style.bias.abs().max() <= 0.2
    style = StyleMap(50, 400, init_scale=0.2, bias_scale=0, generator=generator())
    assert torch.equal(style.bias, torch.zeros(400))


def test_the_start_follows_the_generator():
    first, again, other = (StyleMap(3, 5, generator=generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first.weight, again.weight)
    assert torch.equal(first.bias, again.bias)
    assert not torch.equal(first.weight, other.weight)
    state = torch.get_rng_state()
    StyleMap(3, 5, generator=generator())
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(5)
    globally = StyleMap(3, 5)
    torch.manual_seed(5)
    assert torch.equal(StyleMap(3, 5).weight, globally.weight)


def test_copies_and_repr():
    style = StyleMap(3, 5, components=in_turn(3, 5))
    twin = copy.deepcopy(style)
    assert torch.equal(twin(torch.ones(3)), style(torch.ones(3)))
    assert repr(style) == "StyleMap(noise_dim=3, num_angles=5, full=False)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"noise_dim": 0}, "Argument `noise_dim` must be a positive integer, but is 0."),
        ({"num_angles": -3}, "Argument `num_angles` must be a positive integer, but is -3."),
        ({"init_scale": -0.1}, "Argument `init_scale` must be a number in [0, 1e+06], but is -0.1."),
        ({"init_scale": float("nan")}, "Argument `init_scale` must be a number in [0, 1e+06], but is nan."),
        ({"bias_scale": "1"}, "Argument `bias_scale` must be a number in [0, 1e+06], but is '1'."),
        ({"components": [0]}, "Argument `components` must have shape (3,), but has shape (1,)."),
        ({"components": [0, 1, 2]}, "Argument `components` must be an integer from 0 to 1, but is 2."),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises((ArgumentError, ArgumentTypeError)) as error:
        StyleMap(**{"noise_dim": 2, "num_angles": 3, **arguments})
    assert str(error.value) == message


@pytest.mark.parametrize("z", [torch.zeros(4, 3), torch.zeros(()), torch.zeros(2, 0)])
def test_bad_noise(z):
    with pytest.raises(ArgumentError) as error:
        StyleMap(2, 3)(z)
    assert str(error.value) == f"Argument `z` must have shape (..., 2), but has shape {tuple(z.shape)}."
