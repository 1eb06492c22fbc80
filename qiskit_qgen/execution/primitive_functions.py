"""Circuits on any V2 primitive as differentiable torch functions: one PUB in one job each way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import ClassicalRegister, QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen._checks import check_choice, check_float, check_int
from qiskit_qgen.exceptions import ArgumentError, GradientError
from qiskit_qgen.gradients.outcomes import read_outcomes
from qiskit_qgen.gradients.perturbation_rule import PerturbationRule
from qiskit_qgen.gradients.rule import AbstractGradientRule, ShiftedRows
from qiskit_qgen.gradients.shift_rule import ShiftRule

Gradient: TypeAlias = str | Callable[[QuantumCircuit], AbstractGradientRule]
"""A gradient rule by name, "param_shift" or "spsa", or what makes one: ``partial(PerturbationRule, epsilon=0.2)``."""
RULES: dict[str, Callable[[QuantumCircuit], AbstractGradientRule]] = {
    "param_shift": ShiftRule,
    "spsa": PerturbationRule,
}
_REGISTER = "outcome"
_NO_MAP = (
    "torch.func.vmap, which jacrev uses too, cannot map a circuit on a primitive, which would run it again for each "
    "slice: give it one batch of rows, and take Jacobians with torch.autograd.functional.jacobian."
)
_NO_FORWARD_MODE = "A circuit on a primitive has no forward-mode derivatives: use backward mode."


class PrimitiveFunction:
    """A circuit's results as a differentiable function of its parameters, (B, P) to (B, O).

    The forward pass runs one PUB in one job for the whole batch and all outputs. The backward pass runs one PUB in one
    job with the shifted rows, contracted with the cotangent at once. Second derivatives raise :class:`GradientError`.
    What the primitive raises comes out as it is.

    Args:
        rule: The gradient rule.
        run: Runs rows of values of the parameters of ``rule.circuit``, (N, num_columns), as one PUB in one job;
            returns their results, (N, num_outputs), as an array or a sparse matrix.
        num_outputs: The number of outputs.
        fused: Whether a forward pass that a gradient will follow runs the shifted rows too, in the same job.
    """

    def __init__(
        self,
        rule: AbstractGradientRule,
        run: Callable[[NDArray[np.float64]], Any],
        *,
        num_outputs: int,
        fused: bool = False,
    ) -> None:
        self._rule = rule
        self._run = run
        self._num_outputs = num_outputs
        self._fused = fused

    def __call__(self, parameters: torch.Tensor, *, columns: Sequence[int] | None = None) -> torch.Tensor:
        """Return the results.

        Args:
            parameters: Values of the circuit's parameters in Qiskit's order, (B, num_parameters).
            columns: The parameters that need a gradient; the others are not shifted, and their gradient is zero. None
                for all of them.

        Returns:
            (B, num_outputs), of the dtype and on the device of ``parameters``.

        Raises:
            GradientError: In a second backward pass, in forward mode, or mapped by ``torch.func.vmap``.
        """
        wanted = list(range(parameters.shape[1]) if columns is None else columns)
        fused = self._fused and torch.is_grad_enabled() and parameters.requires_grad
        return _Values.apply(parameters, _Call(self, wanted, fused))

    def compute(
        self, values: NDArray[np.float64], wanted: Sequence[int], *, fused: bool
    ) -> tuple[NDArray[np.float64], tuple[ShiftedRows, Any] | None]:
        """Return the results (B, num_outputs), and the shifted rows with theirs if ``fused``."""
        rows = self._rule.unshifted(values)
        if not fused or not len(values):
            return _dense(self._evaluate(rows)), None
        shifted = self._rule.shifted(values, wanted)
        both = self._evaluate(np.concatenate([rows, _flat(shifted.rows)]))
        return _dense(both[: len(rows)]), (shifted, both[len(rows) :])

    def pull_back(
        self,
        values: NDArray[np.float64],
        wanted: Sequence[int],
        cotangent: NDArray[np.float64],
        kept: tuple[ShiftedRows, Any] | None,
    ) -> NDArray[np.float64]:
        """Return the derivative by the parameters, (B, num_parameters), from that by the results."""
        gradient = np.zeros_like(values)
        if not wanted or not len(values):
            return gradient
        if kept is None:
            shifted = self._rule.shifted(values, wanted)
            kept = shifted, self._evaluate(_flat(shifted.rows))
        shifted, results = kept
        contracted = _contract(results, cotangent, shifted.rows.shape[1])
        gradient[:, wanted] = shifted.derivatives(contracted).reshape(len(values), len(wanted))
        return gradient

    def _evaluate(self, rows: NDArray[np.float64]) -> Any:
        return self._run(rows) if len(rows) else np.zeros((0, self._num_outputs))


def expectation_function(
    circuit: QuantumCircuit,
    observables: Sequence[SparsePauliOp],
    *,
    estimator: BaseEstimatorV2,
    precision: float | None = None,
    gradient: Gradient = "param_shift",
    prepare: Callable[[QuantumCircuit, list[SparsePauliOp]], tuple[QuantumCircuit, Sequence[SparsePauliOp]]]
    | None = None,
    fused: bool = False,
) -> PrimitiveFunction:
    """Return expectation values on an estimator as a differentiable function, (B, P) to (B, num_observables).

    Args:
        circuit: The circuit.
        observables: Operators on the circuit's qubits.
        estimator: Any V2 estimator.
        precision: The precision to ask for, forward and backward; None for the estimator's own.
        gradient: The gradient rule.
        prepare: Makes circuit and observables such as the estimator takes (a transpiled circuit, and the observables
            in its layout). Called once, here; it may rearrange the circuit's parameters but not add any.
        fused: Whether a forward pass that a gradient will follow runs the shifted rows too, in the same job.

    Returns:
        The function.

    Raises:
        ArgumentError: If ``precision`` is not positive or ``gradient`` unknown.
        GradientError: If the rule does not fit the circuit.
    """
    if precision is not None:
        check_float("precision", precision, minimum=0.0)
    rule = _rule(circuit, gradient)
    ready, operators = rule.circuit, list(observables)
    if prepare is not None:
        ready, prepared = prepare(ready, operators)
        operators = list(prepared)
    columns = _columns(rule.circuit, ready)
    array = ObservablesArray.coerce(operators).reshape(len(operators), 1)

    def run(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        job = estimator.run([(ready, array, rows[:, columns])], precision=precision)
        return np.asarray(job.result()[0].data.evs, np.float64).T

    return PrimitiveFunction(rule, run, num_outputs=len(operators), fused=fused)


def probability_function(
    circuit: QuantumCircuit,
    qubits: Sequence[int],
    *,
    sampler: BaseSamplerV2,
    shots: int | None = None,
    gradient: Gradient = "param_shift",
    prepare: Callable[[QuantumCircuit], QuantumCircuit] | None = None,
    fused: bool = False,
) -> PrimitiveFunction:
    """Return probabilities measured by a sampler as a differentiable function, (B, P) to (B, 2**len(qubits)).

    Args:
        circuit: The circuit, without the measurement of ``qubits``, which is added.
        qubits: The qubits to measure; bit i of an outcome is ``qubits[i]``.
        sampler: Any V2 sampler.
        shots: The number of shots of each row, forward and backward; None for the sampler's own.
        gradient: The gradient rule.
        prepare: Makes the measured circuit such as the sampler takes. Called once, here; it may rearrange the
            circuit's parameters but not add any.
        fused: Whether a forward pass that a gradient will follow runs the shifted rows too, in the same job.

    Returns:
        The function.

    Raises:
        ArgumentError: If ``shots`` is not positive or ``gradient`` unknown.
        GradientError: If the rule does not fit the circuit.
    """
    from scipy.sparse import csr_array

    if shots is not None:
        check_int("shots", shots, minimum=1)
    measured = circuit.copy()
    register = ClassicalRegister(len(qubits), _REGISTER)
    measured.add_register(register)
    measured.measure(list(qubits), register)
    rule = _rule(measured, gradient)
    ready = rule.circuit if prepare is None else prepare(rule.circuit)
    columns = _columns(rule.circuit, ready)

    def run(rows: NDArray[np.float64]) -> Any:
        job = sampler.run([(ready, rows[:, columns])], shots=shots)
        seen, found = read_outcomes(job.result()[0], _REGISTER)
        return csr_array((found.data, seen[found.indices], found.indptr), shape=(len(rows), 1 << len(qubits)))

    return PrimitiveFunction(rule, run, num_outputs=1 << len(qubits), fused=fused)


@dataclass
class _Call:
    """One call of a function, and what its forward pass leaves for the backward pass."""

    owner: PrimitiveFunction
    wanted: list[int]
    fused: bool
    kept: tuple[ShiftedRows, Any] | None = None


class _Values(torch.autograd.Function):
    @staticmethod
    def forward(parameters: torch.Tensor, call: _Call) -> torch.Tensor:
        results, call.kept = call.owner.compute(_numpy(parameters), call.wanted, fused=call.fused)
        return torch.from_numpy(results).to(parameters)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[torch.Tensor, _Call], output: torch.Tensor) -> None:  # noqa: ARG004
        parameters, ctx.call = inputs
        ctx.save_for_backward(parameters)

    @staticmethod
    def backward(ctx: Any, cotangent: torch.Tensor) -> tuple[torch.Tensor, None]:
        return _Gradient.apply(*ctx.saved_tensors, cotangent, ctx.call), None

    @staticmethod
    def vmap(*_: Any) -> Any:
        raise GradientError(_NO_MAP)

    @staticmethod
    def jvp(*_: Any) -> Any:
        raise GradientError(_NO_FORWARD_MODE)


class _Gradient(torch.autograd.Function):
    """The first derivative, tied to what it depends on, so that a second one is refused."""

    @staticmethod
    def forward(parameters: torch.Tensor, cotangent: torch.Tensor, call: _Call) -> torch.Tensor:
        found = call.owner.pull_back(_numpy(parameters), call.wanted, _numpy(cotangent), call.kept)
        return torch.from_numpy(found).to(parameters)

    @staticmethod
    def setup_context(*_: Any) -> None:
        pass

    @staticmethod
    def backward(*_: Any) -> Any:
        raise GradientError(
            "A circuit on a primitive has first derivatives only, but a second one was asked for, as a gradient "
            "penalty through a circuit does: use LocalExecution(), or a loss without it."
        )

    @staticmethod
    def vmap(*_: Any) -> Any:
        raise GradientError(_NO_MAP)

    @staticmethod
    def jvp(*_: Any) -> Any:
        raise GradientError(_NO_FORWARD_MODE)


def _rule(circuit: QuantumCircuit, gradient: Gradient) -> AbstractGradientRule:
    if callable(gradient):
        return gradient(circuit)
    return RULES[check_choice("gradient", gradient, RULES)](circuit)


def _columns(made: QuantumCircuit, prepared: QuantumCircuit) -> list[int]:
    """Return where the values of the prepared circuit's parameters are; it may have lost some."""
    place = {parameter: number for number, parameter in enumerate(made.parameters)}
    unknown = [parameter.name for parameter in prepared.parameters if parameter not in place]
    if unknown:
        raise ArgumentError(f"Argument `prepare` must not add parameters to the circuit, but added {unknown}.")
    return [place[parameter] for parameter in prepared.parameters]


def _numpy(tensor: torch.Tensor) -> NDArray[np.float64]:
    return tensor.detach().to("cpu", torch.float64).numpy()


def _flat(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return rows.reshape(-1, rows.shape[-1]) if rows.size else rows.reshape(rows.shape[0] * rows.shape[1], -1)


def _dense(results: Any) -> NDArray[np.float64]:
    return np.ascontiguousarray(results if isinstance(results, np.ndarray) else results.toarray())


def _contract(results: Any, cotangent: NDArray[np.float64], rows_per_sample: int) -> NDArray[np.float64]:
    """Return sum_o results[b k, o] cotangent[b, o], (B * K,)."""
    if isinstance(results, np.ndarray):
        return np.einsum("no,no->n", results, np.repeat(cotangent, rows_per_sample, 0))
    entries = results.tocoo()
    row, outcome = entries.coords
    weights = entries.data * cotangent[row // rows_per_sample, outcome]
    return np.bincount(row, weights, minlength=results.shape[0]).astype(np.float64, copy=False)
