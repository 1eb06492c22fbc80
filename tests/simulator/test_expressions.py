import numpy as np
import pytest
import torch
from qiskit.circuit import Parameter, ParameterVector

from qiskit_qgen.simulator.expressions import SlotEvaluator

A, B = Parameter("a"), Parameter("b")
V = ParameterVector("v", 12)  # v[10] comes after v[2] in Qiskit's order, not in the alphabet's
BARE = sum((p - p for p in V), start=B)  # a bare symbol, one of its thirteen parameters

EXPRESSIONS = [
    A + B,
    BARE,
    A * B - 2,
    2 - A,
    A / B,
    A**2,
    A**0.5,
    A**-1,
    A**B,
    -A,
    abs(A - 1),
    A.sign() * B,
    (A - 1).sign(),
    (A * B).sin(),
    A.cos(),
    A.tan(),
    (A / 3).arcsin(),
    (A / 3).arccos(),
    A.arctan(),
    A.exp(),
    A.log(),
    A.conjugate(),
    (A * B.sin()).assign(B, 2),
    (A + B.exp()).assign(B, 1),
    (A * abs(B)).assign(B, -3),
    A * np.pi,
    A * np.float64(0.3),
    (A * A.exp()).gradient(A),
    V[10] * V[2] + V[0],
    0 * A,
    A - A,
    A.sin() ** 2 + A.cos() ** 2,
    *(Parameter(name) * 2 + 1 for name in ("lambda", "θ", "pi", "E", "I", "S", "gamma", "x y", "$\\theta_1$", "v[0]")),
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_values_and_derivatives_agree_with_qiskit(expression):
    parameters = sorted(expression.parameters, key=lambda parameter: parameter.name)
    rows = np.random.default_rng(3).uniform(0.4, 1.3, (4, len(parameters)))
    tensor = torch.tensor(rows, requires_grad=True)
    values = SlotEvaluator(parameters, [expression])(tensor)
    (gradient,) = torch.autograd.grad(values.sum() + 0 * tensor.sum(), tensor)
    for row, value, derivatives in zip(rows, values[:, 0], gradient, strict=True):
        numbers = dict(zip(parameters, row, strict=True))
        assert value.item() == pytest.approx(complex(expression.bind(numbers)).real, abs=1e-13)
        for parameter, derivative in zip(parameters, derivatives, strict=True):
            if "sign" in str(expression) or "conj" in str(expression):  # Qiskit does not derive these
                continue
            slope = expression.gradient(parameter)
            slope = slope.bind(numbers, allow_unknown_parameters=True) if hasattr(slope, "bind") else slope
            assert derivative.item() == pytest.approx(complex(slope).real, abs=1e-12)


def test_several_expressions_at_once():
    parameters, expressions = [A, B, *V], [BARE, A * B, B, A.sin()]
    rows = torch.linspace(-1, 1, 28, dtype=torch.float64).reshape(2, 14)
    values = SlotEvaluator(parameters, expressions)(rows)
    for row, found in zip(rows.tolist(), values, strict=True):
        numbers = dict(zip(parameters, row, strict=True))
        bound = [expression.bind(numbers, allow_unknown_parameters=True) for expression in expressions]
        expected = [complex(number).real for number in bound]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)


def test_columns_are_picked_without_sympy_if_all_expressions_are_parameters():
    rows = torch.arange(6.0).reshape(2, 3)
    assert torch.equal(SlotEvaluator([A, B, V[0]], [V[0], A])(rows), rows[:, [2, 0]])
    assert SlotEvaluator([A, B, V[0]], [A, B, V[0]])(rows) is rows
    assert SlotEvaluator([A, B, V[0]], [])(rows).shape == (2, 0)
