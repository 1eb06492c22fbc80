import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import efficient_su2, real_amplitudes
from qiskit.quantum_info import SparsePauliOp

from qiskit_qgen.circuits import pauli_observables
from qiskit_qgen.simulator import ExpectationValues, lower
from qiskit_qgen.simulator.cpu import batches


def value_and_gradient(function, rows, cotangent):
    rows = rows.clone().requires_grad_()
    values = function(rows)
    (gradient,) = torch.autograd.grad(values, rows, cotangent)
    return values.detach(), gradient


@pytest.fixture
def workload(monkeypatch):
    """A circuit, its observables, and enough samples for many chunks, which go to several threads."""
    monkeypatch.setattr(batches, "_SERIAL_WORK", 0)
    circuit = efficient_su2(6, reps=3)
    generator = torch.Generator().manual_seed(4)
    rows = torch.empty(600, circuit.num_parameters).uniform_(-3, 3, generator=generator)
    cotangent = torch.empty(600, 12).normal_(generator=generator)
    return circuit, pauli_observables(6), rows, cotangent


def assert_same_bits(first, second):
    for left, right in zip(first, second, strict=True):
        assert torch.equal(left, right)


def test_the_same_bits_each_time_and_with_any_number_of_threads(workload):
    circuit, observables, rows, cotangent = workload
    once = value_and_gradient(ExpectationValues(lower(circuit), observables, threads=1), rows, cotangent)
    for threads in (1, 2, 3, None):
        function = ExpectationValues(lower(circuit), observables, threads=threads)
        assert_same_bits(value_and_gradient(function, rows, cotangent), once)
        assert_same_bits(value_and_gradient(function, rows, cotangent), once)


@pytest.mark.parametrize("limits", [{"_KEPT_BYTES": 0}, {"_TASK_BYTES": 1}, {"_KEPT_BYTES": 0, "_TASK_BYTES": 1}])
def test_less_memory_gives_the_same_bits(workload, monkeypatch, limits):
    circuit, observables, rows, cotangent = workload
    function = ExpectationValues(lower(circuit), observables, threads=2)
    expected = value_and_gradient(function, rows, cotangent)
    for name, limit in limits.items():
        monkeypatch.setattr(batches, name, limit)
    assert_same_bits(value_and_gradient(function, rows, cotangent), expected)


def test_several_python_threads_at_once(workload):
    circuit, observables, rows, cotangent = workload
    function = ExpectationValues(lower(circuit), observables, threads=2)
    expected = value_and_gradient(function, rows, cotangent)
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(value_and_gradient, function, rows, cotangent) for _ in range(8)]
        for job in jobs:
            assert_same_bits(job.result(), expected)


FORK_SCRIPT = """
import multiprocessing, threading
import torch
from qiskit.circuit.library import real_amplitudes
from qiskit_qgen.circuits import pauli_observables
from qiskit_qgen.simulator import ExpectationValues, lower
from qiskit_qgen.simulator.cpu import batches

batches._SERIAL_WORK = 0
function = ExpectationValues(lower(real_amplitudes(4, reps=2)), pauli_observables(4), threads=2)
rows = torch.linspace(-2, 2, 40 * 12).reshape(40, 12).double().requires_grad_()

def compute(results):
    values = function(rows)
    results.append((values.detach(), torch.autograd.grad(values.sum(), rows)[0]))

def child(queue):
    results = []
    compute(results)
    queue.put([part.tolist() for part in results[0]])

results = []
threads = [threading.Thread(target=compute, args=(results,)) for _ in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
compute(results)  # now the pool has run, whose threads a fork does not copy
fork = multiprocessing.get_context("fork")
queue = fork.SimpleQueue()
process = fork.Process(target=child, args=(queue,))
process.start()
answer = queue.get()
process.join()
compute(results)
assert len(results) == 4
assert all(torch.equal(part, first) for result in results for part, first in zip(result, results[0]))
assert answer == [part.tolist() for part in results[0]]
"""


def test_first_use_from_two_threads_then_a_fork():
    subprocess.run([sys.executable, "-c", FORK_SCRIPT], check=True, timeout=90)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_empty_batch(dtype):
    function = ExpectationValues(lower(real_amplitudes(3, reps=1)), pauli_observables(3))
    values, gradient = value_and_gradient(function, torch.zeros(0, 6, dtype=dtype), torch.zeros(0, 6, dtype=dtype))
    assert values.shape == (0, 6)
    assert values.dtype == dtype
    assert gradient.shape == (0, 6)


def test_no_observables_give_no_values():
    function = ExpectationValues(lower(real_amplitudes(2, reps=1)), [])
    assert function(torch.zeros(3, 4)).shape == (3, 0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("num_rows", [2, 20])
def test_a_number_that_is_not_finite_spoils_its_own_sample_alone(bad, num_rows):
    circuit = real_amplitudes(3, reps=1)
    function = ExpectationValues(lower(circuit), pauli_observables(3))
    rows = torch.linspace(-1, 1, num_rows * 6, dtype=torch.float64).reshape(num_rows, 6)
    cotangent = torch.ones(num_rows, 6, dtype=torch.float64)
    expected = value_and_gradient(function, rows, cotangent)
    rows[1, 0] = bad
    found = value_and_gradient(function, rows, cotangent)
    for good, spoilt in zip(expected, found, strict=True):
        assert spoilt[1].isnan().any()
        assert torch.equal(good[[0, *range(2, num_rows)]], spoilt[[0, *range(2, num_rows)]])


def test_a_nan_cotangent_gives_a_nan_gradient():
    function = ExpectationValues(lower(real_amplitudes(3, reps=1)), pauli_observables(3))
    _, gradient = value_and_gradient(function, torch.full((1, 6), 0.3), torch.full((1, 6), torch.nan))
    assert gradient.isnan().all()


def test_views_and_expanded_rows_are_read_right():
    circuit = real_amplitudes(3, reps=1)
    function = ExpectationValues(lower(circuit), pauli_observables(3))
    rows = torch.linspace(-1, 1, 60, dtype=torch.float64).reshape(6, 10).t()  # (10, 6), not contiguous
    assert torch.equal(function(rows), function(rows.contiguous()))
    one = rows[:1].clone().requires_grad_()
    function(one.expand(10, -1)).sum().backward()
    alone = rows[:1].clone().requires_grad_()
    function(alone).sum().backward()
    torch.testing.assert_close(one.grad, 10 * alone.grad, rtol=0, atol=1e-12)
    values = function(rows.clone().requires_grad_())
    assert values.sum().requires_grad
    assert not function(rows).requires_grad


def test_backward_twice_gives_the_same_gradient():
    function = ExpectationValues(lower(real_amplitudes(2, reps=1)), [SparsePauliOp("ZX")])
    rows = torch.full((3, 4), 0.4, requires_grad=True)
    values = function(rows).sum()
    (first,) = torch.autograd.grad(values, rows, retain_graph=True)
    (second,) = torch.autograd.grad(values, rows)
    assert torch.equal(first, second)


def test_constant_circuits_have_values_without_parameters():
    circuit = QuantumCircuit(2)
    circuit.ry(0.3, 0)
    circuit.cx(0, 1)
    values = ExpectationValues(lower(circuit), [SparsePauliOp("ZZ"), SparsePauliOp("IZ")])(torch.zeros(5, 0))
    np.testing.assert_allclose(values, np.tile([1, np.cos(0.3)], (5, 1)), atol=1e-6)
