"""qiskit-machine-learning's own examples, as they are and with this package's parts in place.

    python -m benchmarks.qml_examples                  all, a few steps each

Each example is trained in three ways from the same weights on the same data:

- *stock*: ``EstimatorQNN`` or ``SamplerQNN`` with their default primitives (exact) and parameter-shift gradients, in a
  ``TorchConnector``;
- *ours in place*: the same networks and the same connector with ``estimator=BatchedStatevectorEstimator()`` and
  ``gradient=ReverseEstimatorGradient()``, or ``sampler=BatchedStatevectorSampler()`` and
  ``gradient=ReverseSamplerGradient()``;
- *QuantumLayer*: the stock network's ``QuantumLayer.from_qnn`` in the connector's place.

*No circuit* is a module that computes nothing in the same place: what the rest of a step takes, however fast the
circuit is.

Losses and gradients are compared step by step, each step from the stock run's weights, for L-BFGS divides differences
of gradients by each other, which enlarges rounding errors: where they differ by more than 1e-4 (relative to the largest
that is compared, if that is above 1), the run fails. Both compute in float64, but connectors and optimizers in float32.

The examples follow two tutorials of qiskit-machine-learning. "Torch connector and hybrid QNNs": classification with an
EstimatorQNN, with a SamplerQNN, regression (20 points each, L-BFGS), and a convolutional network with a QNN of two
qubits for the digits 0 and 1 (batches of one, Adam). "PyTorch qGAN": a SamplerQNN of six qubits learns a normal
distribution in two dimensions of eight values each. The digits are scikit-learn's, enlarged to 28 x 28 pixels.
"""

from __future__ import annotations

import argparse
import json
import os
import warnings
from pathlib import Path

import numpy as np
import torch
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.circuit.library import efficient_su2, real_amplitudes, zz_feature_map
from qiskit_machine_learning.connectors import TorchConnector
from qiskit_machine_learning.neural_networks import EstimatorQNN, SamplerQNN
from qiskit_machine_learning.primitives import QMLEstimator, QMLSampler
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from benchmarks.measuring import limit_threads, processor, time_alternating, versions
from qiskit_qgen.execution import LocalExecution
from qiskit_qgen.gradients import ReverseEstimatorGradient, ReverseSamplerGradient
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.primitives import BatchedStatevectorEstimator, BatchedStatevectorSampler

STOCK, OURS, LAYER, FLOOR = "stock", "ours in place", "QuantumLayer", "no circuit"
TOLERANCE = 1e-4
RATIO = 20  # stock over ours, to reach
LIBRARIES = ("qiskit_qgen", "torch", "qiskit", "qiskit_machine_learning", "numba")


class NoCircuit(nn.Module):
    """A module with the weights and the shapes of a network, and nothing to compute."""

    def __init__(self, network, initial_weights):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(initial_weights, dtype=torch.float32))
        self.num_outputs = network.output_shape[0]

    def forward(self, x):
        rows = x.sum(-1, keepdim=True) if len(x) else torch.ones(1)
        return (rows * self.weight.mean()).expand(*rows.shape[:-1], self.num_outputs)


class Parts:
    """How an example gets its quantum modules: one of the ways."""

    def __init__(self, way):
        self.way = way

    def estimator_module(self, initial_weights, **options):
        if self.way == OURS:
            options |= {
                "estimator": BatchedStatevectorEstimator(dtype=torch.float64),
                "gradient": ReverseEstimatorGradient(dtype=torch.float64),
            }
        else:
            options |= {"estimator": QMLEstimator()}
        network = EstimatorQNN(default_precision=0.0, **options)
        return self._module(network, initial_weights)

    def sampler_module(self, initial_weights, **options):
        if self.way == OURS:
            options |= {
                "sampler": BatchedStatevectorSampler(default_shots=None, dtype=torch.float64),
                "gradient": ReverseSamplerGradient(dtype=torch.float64),
            }
        else:
            options |= {"sampler": QMLSampler()}
        network = SamplerQNN(**options)
        return self._module(network, initial_weights)

    def _module(self, network, initial_weights):
        if self.way == LAYER:
            execution = LocalExecution(dtype=torch.float64)
            return QuantumLayer.from_qnn(network, execution=execution, initial_weights=initial_weights)
        if self.way == FLOOR:
            return NoCircuit(network, initial_weights)
        return TorchConnector(network, initial_weights=initial_weights)


def _points(seed=42, count=20):
    """Points of the square whose class is the sign of the sum of their coordinates."""
    x = 2 * np.random.default_rng(seed).random((count, 2)) - 1
    return x, x.sum(1) >= 0


def _full_batch(model, loss, x, y):
    """Return a function that takes one step of L-BFGS on all points, and returns the loss before it."""
    # one gradient a step, so that steps can be compared
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=1)

    def closure():
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        return value

    return lambda: float(optimizer.step(closure))


def estimator_classifier(parts):

    x, upper = _points()
    features, ansatz = zz_feature_map(2), real_amplitudes(2)
    model = parts.estimator_module(
        0.1 * (2 * np.random.default_rng(1).random(ansatz.num_parameters) - 1),
        circuit=features.compose(ansatz),
        input_params=features.parameters,
        weight_params=ansatz.parameters,
    )
    x = torch.tensor(x, dtype=torch.float32)
    y = torch.tensor(2.0 * upper - 1, dtype=torch.float32)[:, None]
    return model, _full_batch(model, torch.nn.MSELoss(reduction="sum"), x, y), model, x


def sampler_classifier(parts):

    x, upper = _points()
    features, ansatz = zz_feature_map(2), real_amplitudes(2)
    model = parts.sampler_module(
        0.1 * (2 * np.random.default_rng(1).random(ansatz.num_parameters) - 1),
        circuit=features.compose(ansatz),
        input_params=features.parameters,
        weight_params=ansatz.parameters,
        interpret=lambda outcome: outcome.bit_count() % 2,
        output_shape=2,
    )
    x = torch.tensor(x, dtype=torch.float32)
    return model, _full_batch(model, torch.nn.CrossEntropyLoss(), x, torch.tensor(upper).long()), model, x


def regression(parts):

    rng = np.random.default_rng(42)
    x = 2 * np.pi * rng.random((20, 1)) - np.pi
    y = np.sin(x) + 0.2 * (2 * rng.random(x.shape) - 1)
    value, weight = Parameter("x"), Parameter("y")
    circuit = QuantumCircuit(1)
    circuit.ry(value, 0)
    circuit.ry(weight, 0)
    model = parts.estimator_module(
        0.1 * (2 * rng.random(1) - 1), circuit=circuit, input_params=[value], weight_params=[weight]
    )
    x, y = (torch.tensor(values, dtype=torch.float32) for values in (x, y))
    return model, _full_batch(model, torch.nn.MSELoss(reduction="sum"), x, y), model, x


def digits(parts, batch=1):
    """A convolutional network whose last but one layer is a QNN, on the digits 0 and 1."""
    images, labels = load_digits(n_class=2, return_X_y=True)
    small = torch.tensor(images[:100].reshape(-1, 1, 8, 8) / 16, dtype=torch.float32)
    images = functional.interpolate(small, (28, 28), mode="bilinear")
    labels = torch.tensor(labels[:100])
    features, ansatz = zz_feature_map(2), real_amplitudes(2, reps=1)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk = nn.Sequential(
                *(nn.Conv2d(1, 2, 5), nn.ReLU(), nn.MaxPool2d(2)),
                *(nn.Conv2d(2, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
                *(nn.Dropout2d(), nn.Flatten(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 2)),
            )
            self.head = nn.Linear(1, 1)
            self.quantum = parts.estimator_module(  # last: a QuantumLayer draws from the generator
                2 * np.random.default_rng(1).random(ansatz.num_parameters) - 1,
                circuit=features.compose(ansatz),
                input_params=features.parameters,
                weight_params=ansatz.parameters,
                input_gradients=True,
            )

        def forward(self, x):
            x = self.head(self.quantum(self.trunk(x)))
            return torch.cat((x, 1 - x), -1)

    torch.manual_seed(0)
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    state = {"step": 0}

    def step():
        torch.manual_seed(state["step"])  # of the dropout
        chosen = (torch.arange(batch) + batch * state["step"]) % len(images)
        state["step"] += 1
        optimizer.zero_grad(set_to_none=True)
        loss = functional.nll_loss(model(images[chosen]), labels[chosen])
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return model, step, model.quantum, torch.rand(batch, 2).requires_grad_()


def normal_on_a_grid():
    """Return points of the plane (64, 2) and the normal distribution's probability of each (64, 1)."""
    values = np.linspace(-2, 2, 8)
    grid = np.stack(np.meshgrid(values, values), -1).reshape(-1, 2)
    density = np.exp(-(grid**2).sum(1) / 2)
    return torch.tensor(grid, dtype=torch.float32), torch.tensor(density / density.sum(), dtype=torch.float32)[:, None]


def qgan(parts):
    """A SamplerQNN without inputs against a small discriminator, on a grid of 8 x 8 points."""
    grid, density = normal_on_a_grid()
    circuit = QuantumCircuit(6)
    circuit.h(range(6))
    circuit.compose(efficient_su2(6, reps=6), inplace=True)
    generator = parts.sampler_module(
        np.random.default_rng(123456).random(circuit.num_parameters),
        circuit=circuit,
        input_params=[],
        weight_params=circuit.parameters,
    )
    torch.manual_seed(0)
    discriminator = nn.Sequential(nn.Linear(2, 20), nn.LeakyReLU(0.2), nn.Linear(20, 1), nn.Sigmoid())
    settings = {"lr": 0.01, "betas": (0.7, 0.999), "weight_decay": 0.005}
    optimizers = [torch.optim.Adam(module.parameters(), **settings) for module in (generator, discriminator)]

    def loss(found, real, weights):
        return -(weights * torch.log(found if real else 1 - found)).sum()

    def step():
        fake = generator(torch.tensor([])).reshape(-1, 1)
        of_generator = loss(discriminator(grid), True, fake)
        optimizers[0].zero_grad()
        of_generator.backward()
        optimizers[0].step()
        found = discriminator(grid)
        of_discriminator = (loss(found, True, density) + loss(found, False, fake.detach())) / 2
        optimizers[1].zero_grad()
        of_discriminator.backward()
        optimizers[1].step()
        return float(of_generator.detach()) + float(of_discriminator.detach())

    return nn.ModuleList([generator, discriminator]), step, generator, torch.tensor([])


def digits_in_batches(parts):
    return digits(parts, batch=32)


EXAMPLES = {
    "classifier, EstimatorQNN (2 qubits, 20 points)": estimator_classifier,
    "classifier, SamplerQNN (2 qubits, 20 points)": sampler_classifier,
    "regression, EstimatorQNN (1 qubit, 20 points)": regression,
    "digits, CNN and EstimatorQNN (2 qubits, batch 1)": digits,
    "digits, the same with batch 32": digits_in_batches,
    "qGAN, SamplerQNN (6 qubits, 84 weights, 64 outcomes)": qgan,
}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--steps", type=int, default=5, help="steps that are compared")
    parser.add_argument("--repeats", type=int, default=5, help="alternating timed runs")
    parser.add_argument("--only", action="append", metavar="NAME", help="the examples whose names begin so")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def train(step, model, weights):
    """Take a step from each of ``weights``, or from where the model is if they are None.

    Returns:
        The loss and the gradient of each step, and the weights after each.
    """
    record, trained = [], []
    for start in weights:
        if start is not None:
            vector_to_parameters(start.clone(), model.parameters())
        loss = step()
        gradient = torch.cat([parameter.grad.flatten() for parameter in model.parameters()])
        record.append((torch.tensor(loss), gradient.clone()))
        trained.append(parameters_to_vector(model.parameters()).detach().clone())
    return record, trained


def compare(build, steps, repeats):
    """Train an example in all ways.

    Returns:
        The largest difference from the stock run, and the median seconds of a step and of the quantum module alone, one
        forward and one backward pass, of each way.
    """
    records, step_of, module_of = {}, {}, {}
    weights = [None] * steps
    for way in (STOCK, OURS, LAYER, FLOOR):
        model, step, module, x = build(Parts(way))
        records[way], trained = train(step, model, weights)
        if way == STOCK:
            weights = [None, *trained[:-1]]
        step_of[way] = step
        module_of[way] = lambda module=module, x=x: module(x).sum().backward()
    del module_of[FLOOR]
    worst = float(np.max([difference(records[way], records[STOCK]) for way in (OURS, LAYER)]))
    medians = (time_alternating(functions, repeats)[0] for functions in (step_of, module_of))
    return worst, *medians


def difference(record, reference):
    """Return the largest difference of losses and gradients, relative to the largest where that is above 1."""
    return np.max(
        [
            (found - expected).abs().max() / max(1.0, expected.abs().max())
            for step, steps in zip(record, reference, strict=True)
            for found, expected in zip(step, steps, strict=True)
        ]
    )


def main():
    options = parse_arguments()
    limit_threads(options.threads)
    warnings.simplefilter("ignore")
    print(f"{processor()}, {options.threads} threads\n")
    print(", ".join(f"{name} {version}" for name, version in versions(*LIBRARIES).items()) + "\n")
    print("Seconds of a training step, and in brackets of the quantum module alone (one forward and one backward")
    print(f"pass); medians of {options.repeats} alternating runs. Losses and gradients were compared in")
    print(f"{options.steps} steps.\n")
    columns = [
        "example",
        STOCK,
        OURS,
        LAYER,
        FLOOR,
        f"{STOCK} / {OURS}",
        f"{STOCK} / {LAYER}",
        "to reach",
        "difference",
    ]
    print("| " + " | ".join(columns) + " |")
    print("|---" * len(columns) + "|")
    rows = []
    for name, build in EXAMPLES.items():
        if options.only and not name.startswith(tuple(options.only)):
            continue
        worst, steps, alone = compare(build, options.steps, options.repeats)
        if not worst < TOLERANCE:  # nan is an error too
            raise SystemExit(f"{name}: losses or gradients differ from the stock run's by {worst:.1e}.")
        cells = [f"{steps[way]:.5f} ({alone[way]:.5f})" for way in alone] + [f"{steps[FLOOR]:.5f}"]
        cells += [f"{steps[STOCK] / steps[way]:.0f} ({alone[STOCK] / alone[way]:.0f})" for way in (OURS, LAYER)]
        print(f"| {name} | " + " | ".join(cells) + f" | {RATIO} | {worst:.0e} |", flush=True)
        rows.append({"example": name, "step_seconds": steps, "module_seconds": alone, "difference": worst})
    if options.json:
        record = {"processor": processor(), "threads": options.threads, "versions": versions(*LIBRARIES)}
        options.json.write_text(json.dumps(record | {"rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
