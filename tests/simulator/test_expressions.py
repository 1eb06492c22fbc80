import pickle

import numpy as np
import pytest
import torch
from qiskit.circuit import Parameter, ParameterVector

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.simulator.programs.expressions import SlotEvaluator

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
    2**A,
    1 / (2**A).sin(),
    3 / (A * B),
    3 - (A + B),
    (A + B) ** (A - B),
    (A**B).gradient(A),
    (A**B).gradient(B),
    abs(A - B).gradient(B),
    (A * 1j) ** 2,
    abs(A + 2j),
    (A * 1j).exp() * (B * 1j).exp() * ((A + B) * -1j).exp(),
    (A * B).subs({B: A.tan()}),
    (A * 1j).conjugate() * 1j,
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
    parameters, expressions = [A, B, *V], [BARE, A * B, B, A.sin(), V[1] * A, V[3], V[2].sin()]
    rows = torch.linspace(-1, 1, 28, dtype=torch.float64).reshape(2, 14)
    values = SlotEvaluator(parameters, expressions)(rows)
    for row, found in zip(rows.tolist(), values, strict=True):
        numbers = dict(zip(parameters, row, strict=True))
        bound = [expression.bind(numbers, allow_unknown_parameters=True) for expression in expressions]
        expected = [complex(number).real for number in bound]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)


UNARY = ("sin", "cos", "tan", "arcsin", "arccos", "arctan", "exp", "log", "abs", "conjugate")


def random_expression(rng, depth):
    """Return an expression of all of Qiskit's functions, or a number."""
    kind = rng.integers(20)
    if depth == 0 or kind < 2:
        numbers = [rng.normal(), int(rng.integers(1, 4)), complex(*rng.normal(size=2))]
        return V[rng.integers(4)] if rng.random() < 0.7 else numbers[rng.integers(3)]
    left, right = (random_expression(rng, depth - 1) for _ in range(2))
    if kind < 8:
        return getattr(left + 0 * V[0], UNARY[rng.integers(len(UNARY))])()
    forms = [lambda: left + right, lambda: left - right, lambda: left * right, lambda: left / right, lambda: -left]
    return [*forms, lambda: left**right][rng.integers(6)]()


def test_random_expressions_agree_with_qiskit():
    """Real values agree to 1e-10, and what is complex is refused."""
    real = refused = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        numbers = dict(zip(V, rng.uniform(-1.5, 1.5, 12), strict=True))
        try:
            expression = random_expression(rng, 4) + 0 * V[1]
            used = {parameter: numbers[parameter] for parameter in expression.parameters}
            expected = complex(expression.bind(used).numeric())
        except (ZeroDivisionError, RuntimeError, TypeError):  # infinite: Qiskit refuses it
            continue
        evaluate = SlotEvaluator(list(V), [expression])
        row = torch.tensor([list(numbers.values())], dtype=torch.float64)
        if abs(expected.imag) > 1e-9 * (1 + abs(expected)):
            with pytest.raises(ArgumentError, match="must give every gate a real angle"):
                evaluate(row)
            refused += 1
        elif np.isfinite(expected):
            value = evaluate(row).item()
            assert value == pytest.approx(expected.real, rel=1e-10, abs=1e-10), f"seed {seed}: {expression}"
            real += 1
    assert real > 150
    assert refused > 50


def test_a_complex_angle_is_named_with_its_row():
    with pytest.raises(ArgumentError) as error:
        SlotEvaluator([A], [A * 2, (A - 1).log()])(torch.tensor([[2.0], [0.5]], dtype=torch.float64))
    assert str(error.value) == (
        "Argument `parameters` must give every gate a real angle, but log(-1 + a) is -0.6931+3.142j in row 1."
    )


@pytest.mark.parametrize(
    "expression",
    [(A * B).sin() * A.exp(), (A + B) ** 1.5 / B, 2**A * B.arctan(), abs(A + 2j * B), A.arcsin() * B.log()],
)
def test_second_derivatives(expression):
    rows = torch.tensor([[0.3, 0.7], [0.6, 0.2]], dtype=torch.float64, requires_grad=True)
    evaluate = SlotEvaluator([A, B], [expression, A * B, B])
    assert torch.autograd.gradcheck(evaluate, rows)
    assert torch.autograd.gradgradcheck(evaluate, rows)


def test_what_is_complex_in_between_is_derived_as_a_real_function():
    """Qiskit's own derivative of the absolute value has the wrong sign here."""
    rows = torch.tensor([[0.3]], dtype=torch.float64, requires_grad=True)
    values = SlotEvaluator([A], [abs((A - 5) ** 0.5)])(rows)
    values.sum().backward()
    assert values.item() == pytest.approx(4.7**0.5, abs=1e-14)
    assert rows.grad.item() == pytest.approx(-0.5 / 4.7**0.5, abs=1e-14)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_number_type_is_kept(dtype):
    rows = torch.tensor([[0.3, 0.7]], dtype=dtype)
    values = SlotEvaluator([A, B], [A.sin() * 2, abs(A + 2j), 2**B, B, A - A])(rows)
    assert values.dtype == dtype
    np.testing.assert_allclose(values, [[np.sin(0.3) * 2, abs(0.3 + 2j), 2**0.7, 0.7, 0]], rtol=1e-6)


def test_expressions_of_one_form_are_evaluated_together():
    """The pairwise angles of a feature map need as many tensor operations as one of them."""
    angles = [2 * (np.pi - V[i]) * (np.pi - V[j]) for i in range(12) for j in range(i)]
    rows = torch.linspace(-1, 1, 24, dtype=torch.float64).reshape(2, 12)

    def count(expressions):
        with torch.autograd.profiler.profile() as profile:
            SlotEvaluator(list(V), expressions)(rows)
        return sum(event.name in ("aten::mul", "aten::rsub") for event in profile.function_events)

    assert count(angles) == count(angles[:1]) > 0
    expected = [[2 * (np.pi - r[i]) * (np.pi - r[j]) for i in range(12) for j in range(i)] for r in rows.tolist()]
    np.testing.assert_allclose(SlotEvaluator(list(V), angles)(rows), expected, rtol=1e-15)


def test_an_evaluator_can_be_pickled_and_mapped():
    evaluate = SlotEvaluator([A, B], [A.log() * B, abs(A + 2j * B), B])
    rows = torch.tensor([[0.3, 0.7], [0.6, 0.2]], dtype=torch.float64)
    values = evaluate(rows)
    copy = pickle.loads(pickle.dumps(evaluate))  # noqa: S301
    assert torch.equal(copy(rows), values)
    assert torch.equal(torch.func.vmap(lambda row: evaluate(row[None])[0])(rows), values)


def test_columns_are_picked_if_all_expressions_are_parameters():
    rows = torch.arange(6.0).reshape(2, 3)
    assert torch.equal(SlotEvaluator([A, B, V[0]], [V[0], A])(rows), rows[:, [2, 0]])
    assert SlotEvaluator([A, B, V[0]], [A, B, V[0]])(rows) is rows
    assert SlotEvaluator([A, B, V[0]], [])(rows).shape == (2, 0)
