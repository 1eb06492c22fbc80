"""Circuits and whole training steps on a GPU: ``python -m benchmarks.gpu``.

First whole training steps of all three models on the device against the CPU, from the same seeds: losses are compared
before times are printed. Then the torch kernels against PennyLane:

Values, vector-Jacobian product and a gradient penalty (second derivatives) of layers of RY and RZ with a ring of CX,
read out by X and Z of each qubit; PennyLane's ``default.qubit`` on the same device, and ``lightning.gpu`` where it is
installed (no second derivatives, one sample at a time). All results are compared before their times are printed.

Unverified: no GPU was at hand when this was written. It was run with ``--device cpu`` alone, which shows that it works
and that the results agree; the times of that say nothing.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
import warnings

import numpy as np
import torch

from benchmarks.measuring import versions
from qiskit_qgen.circuits import pauli_observables
from qiskit_qgen.simulator import lower
from qiskit_qgen.simulator.tensors.kernels import TensorKernels

SIZES = ((5, 3, 64), (8, 8, 64), (8, 8, 4096), (12, 8, 64), (12, 8, 1024), (16, 4, 64), (20, 2, 8))
MAX_DIFFERENCE = 1e-3  # of single precision


MAX_LOSS_DIFFERENCE = 1e-2  # after two steps in single precision


def training_phases(device):
    """Yield a name and the phases of one training of each model on ``device``."""
    from qiskit_qgen import HybridGAN, QuantumDiffusion, StyleQGAN

    generator = torch.Generator().manual_seed(0)
    for kind, settings, batch_size in (
        (StyleQGAN, {"image_shape": (1, 28, 28)}, 128),
        (HybridGAN, {"image_shape": (3, 32, 32), "backbone": "conv"}, 32),
        (QuantumDiffusion, {"image_shape": (1, 28, 28)}, 64),
    ):
        model = kind(**settings).to(device)
        images = torch.rand(512, *model.image_shape, generator=generator)
        training = kind.training_class(batch_size=batch_size)
        yield kind.__name__, model._phases(images, None, training, 0, warm_start=False)


def time_training_steps(device, repeats):
    """Print the median time of a step of each phase on the CPU and on ``device``, and their ratio."""
    print("model             phase              CPU, ms   device, ms     ratio")
    for (name, ours), (_, theirs) in zip(training_phases(torch.device("cpu")), training_phases(device), strict=True):
        for first, second in zip(ours, theirs, strict=True):
            times = []
            losses = []
            for phase, where in ((first, torch.device("cpu")), (second, device)):
                phase.begin()
                kept = [phase.train_step(step) for step in range(2)]
                losses.append({key: float(value) for key, value in kept[-1].items()})
                steps = iter(range(2, 10_000))
                _, seconds, _ = measured(lambda phase=phase, steps=steps: phase.train_step(next(steps)), where, repeats)
                times.append(seconds)
            for key, value in losses[0].items():
                if abs(value - losses[1][key]) > MAX_LOSS_DIFFERENCE * max(1, abs(value)):
                    sys.exit(
                        f"`{key}` of {name}, {first.name}, is {value} on the CPU and {losses[1][key]} on {device}."
                    )
            print(f"{name:17} {first.name:14} {times[0] * 1e3:11.1f} {times[1] * 1e3:12.1f} {times[0] / times[1]:9.1f}")
    print()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--size", nargs=3, type=int, action="append", metavar=("QUBITS", "LAYERS", "BATCH"))
    parser.add_argument("--no-training", action="store_true", help="leave the training steps out")
    parser.add_argument("--no-peers", action="store_true", help="measure the torch kernels alone")
    return parser.parse_args()


def ours(n, layers):
    from qiskit.circuit import ParameterVector, QuantumCircuit

    circuit, angles = QuantumCircuit(n), iter(ParameterVector("a", 2 * n * (layers + 1)))
    for layer in range(layers + 1):
        for q in range(n):
            circuit.ry(next(angles), q)
            circuit.rz(next(angles), q)
        for q in range(n if layer < layers else 0):
            circuit.cx(q, (q + 1) % n)
    program = lower(circuit)
    terms, _ = program.terms(pauli_observables(n))
    kernels = TensorKernels(program, terms, 2 * n)
    columns = [list(program.parameters).index(expression) for expression in program.expressions]
    return lambda a: kernels(a[:, columns])


def pennylane(n, layers, device, method):
    import pennylane as qml

    @qml.qnode(qml.device(device, wires=n), interface="torch", diff_method=method)
    def circuit(a):
        number = 0
        for layer in range(layers + 1):
            for q in range(n):
                qml.RY(a[..., number], wires=q)
                qml.RZ(a[..., number + 1], wires=q)
                number += 2
            for q in range(n if layer < layers else 0):
                qml.CNOT(wires=[q, (q + 1) % n])
        return [qml.expval(pauli(q)) for pauli in (qml.PauliX, qml.PauliZ) for q in range(n)]

    if method == "adjoint":
        return lambda a: torch.stack([torch.stack(circuit(row)) for row in a])
    return lambda a: torch.stack(circuit(a), -1)


def first_order(function, angles, cotangent):
    a = angles.detach().requires_grad_()
    values = function(a)
    (gradient,) = torch.autograd.grad(values, a, cotangent.to(values))
    return values.detach(), gradient


def second_order(function, angles, cotangent):
    """Return the gradient penalty of WGAN-GP (arXiv 1704.00028) and its gradient."""
    a = angles.detach().requires_grad_()
    values = function(a)
    (by_angle,) = torch.autograd.grad(values, a, cotangent.to(values), create_graph=True)
    penalty = ((by_angle.norm(dim=1) - 1) ** 2).mean()
    (gradient,) = torch.autograd.grad(penalty, a)
    return penalty.detach(), gradient


def measured(run, device, repeats):
    """Return the results, the median of the seconds, and the most bytes that tensors took."""
    on_graphics = device.type == "cuda"
    if on_graphics:
        torch.cuda.reset_peak_memory_stats(device)
    seconds = []
    for _ in range(repeats + 2):  # two to warm up
        if on_graphics:
            torch.cuda.synchronize(device)
        start = time.perf_counter()
        results = run()
        if on_graphics:
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - start)
    most = torch.cuda.max_memory_allocated(device) if on_graphics else 0
    return results, float(np.median(seconds[2:])), most


def candidates(n, layers, no_peers):
    """Return for each implementation its function and which orders of derivatives it has."""
    found = {"torch kernels": (ours(n, layers), (1, 2))}
    if no_peers or importlib.util.find_spec("pennylane") is None:
        return found
    found["default.qubit"] = (pennylane(n, layers, "default.qubit", "backprop"), (1, 2))
    if importlib.util.find_spec("pennylane_lightning.lightning_gpu_ops") is not None:
        found["lightning.gpu"] = (pennylane(n, layers, "lightning.gpu", "adjoint"), (1,))
    return found


def compare(n, layers, batch, device, arguments):
    generator = torch.Generator().manual_seed(0)
    angles = (6 * torch.rand(batch, 2 * n * (layers + 1), generator=generator) - 3).to(device)
    cotangent = torch.randn(batch, 2 * n, generator=generator).to(device)
    for order, task in ((1, first_order), (2, second_order)):
        reference = None
        for name, (function, orders) in candidates(n, layers, arguments.no_peers).items():
            if order not in orders:
                continue
            try:
                results, seconds, most = measured(
                    lambda task=task, function=function: task(function, angles, cotangent), device, arguments.repeats
                )
            except torch.OutOfMemoryError:
                print(f"{n:6} {layers:6} {batch:6} {order:5}  {name:14} {'out of memory':>12}")
                continue
            reference = reference or (results, seconds)
            for expected, found in zip(reference[0], results, strict=True):
                difference = (expected - found.to(expected)).abs().max() / expected.abs().max().clamp(min=1)
                if difference > MAX_DIFFERENCE:
                    sys.exit(f"{name} differs by {difference:.1e} for {n} qubits and order {order}.")
            times = f"{seconds * 1e3:12.3f} {seconds / reference[1]:7.1f}"
            print(f"{n:6} {layers:6} {batch:6} {order:5}  {name:14} {times} {most / 1e6:9.0f}", flush=True)


def main():
    arguments = parse_arguments()
    device = torch.device(arguments.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        sys.exit("This benchmark needs a GPU that torch can use, but torch.cuda finds none.")
    warnings.filterwarnings("ignore")  # the peers' own
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else "the processor (times say nothing)"
    print(f"{where}; {versions('torch', 'pennylane', 'pennylane_lightning')}; float32\n")
    if not arguments.no_training:
        time_training_steps(device, arguments.repeats)
    print("qubits layers  batch order  implementation           ms  / ours        MB")
    for size in arguments.size or SIZES:
        compare(*size, device, arguments)


if __name__ == "__main__":
    main()
