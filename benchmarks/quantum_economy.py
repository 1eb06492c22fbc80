"""Circuits, PUBs, jobs and QPU seconds of a generator step on a device: ours against stock qiskit-machine-learning.

    python -m benchmarks.quantum_economy

Stock: an `EstimatorQNN` with `ParamShiftEstimatorGradient`. What it sends is counted on small networks, with an
estimator that counts what it is asked, and the counts are held against the formula that gives those of the real size:
a PUB for each observable forward, two for each sample, observable and angle backward, and a measured circuit for each
sample of a PUB. Ours: the cost estimates of `RuntimeExecution`, whose counts are counted on the small networks too. QPU
seconds: repetition delay plus duration for each shot, on the same device with the same transpiled circuit.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from qiskit.primitives import StatevectorEstimator
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient
from qiskit_machine_learning.neural_networks import EstimatorQNN

from benchmarks.measuring import versions
from qiskit_qgen.circuits import pauli_observables, style_ansatz
from qiskit_qgen.execution import RuntimeExecution
from qiskit_qgen.execution.primitive_functions import expectation_function
from qiskit_qgen.execution.runtime.cost import JobLimits, count_bases

SMALL = ((2, 1, 2), (3, 1, 3), (2, 2, 1))
"""Qubits, layers and samples of the networks on which PUBs are counted."""


class CountingEstimator(StatevectorEstimator):
    """An exact estimator that counts jobs, PUBs, and circuits: a circuit for each group of observables and row."""

    def __init__(self):
        super().__init__()
        self.jobs = self.pubs = self.circuits = 0

    def run(self, pubs, **options):
        pubs = list(pubs)
        self.jobs += 1
        self.pubs += len(pubs)
        for circuit, observables, *values in pubs:
            pub = EstimatorPub.coerce((circuit, observables, *values))
            self.circuits += count_bases(pub.observables, pub.parameter_values.shape)
        return super().run(pubs, **options)

    @property
    def counts(self):
        return {"jobs": self.jobs, "PUBs": self.pubs, "circuits": self.circuits}


def stock_counts(angles, outputs, samples):
    """Return what a stock network sends in a forward and a backward pass."""
    backward = 2 * samples * outputs * angles
    return {"jobs": 2, "PUBs": outputs + backward, "circuits": samples * outputs + backward}


def count_stock(qubits, layers, samples):
    """Return what it really sends."""
    ansatz, observables = style_ansatz(qubits, layers), pauli_observables(qubits, "XZ")
    estimator = CountingEstimator()
    network = EstimatorQNN(
        circuit=ansatz.circuit,
        observables=observables,
        input_params=list(ansatz.input_params),
        weight_params=[],
        estimator=estimator,
        gradient=ParamShiftEstimatorGradient(estimator),
        input_gradients=True,
        default_precision=0.0,
    )
    inputs = np.full((samples, ansatz.num_inputs), 0.3)
    network.forward(inputs, [])
    network.backward(inputs, [])
    return ansatz.num_inputs, len(observables), estimator.counts


def count_ours(qubits, layers, samples, gradient):
    """Return what our functions really send."""
    ansatz, observables = style_ansatz(qubits, layers), pauli_observables(qubits, "XZ")
    estimator = CountingEstimator()
    function = expectation_function(ansatz.circuit, observables, estimator=estimator, gradient=gradient)
    angles = torch.full((samples, ansatz.num_inputs), 0.3, dtype=torch.float64, requires_grad=True)
    function(angles).sum().backward()
    return estimator.counts


def check_small():
    """Hold the formula, and our estimates, against what is sent."""
    for qubits, layers, samples in SMALL:
        angles, outputs, counted = count_stock(qubits, layers, samples)
        expected = stock_counts(angles, outputs, samples)
        if counted != expected:
            raise SystemExit(f"Stock sends {counted}, and the formula says {expected}.")
        for gradient in ("spsa", "param_shift"):
            found = count_ours(qubits, layers, samples, gradient)
            rows = samples * (1 + (2 if gradient == "spsa" else 2 * angles))
            if found != {"jobs": 2, "PUBs": 2, "circuits": 2 * rows}:
                raise SystemExit(f"With {gradient} we send {found}.")
        print(f"{qubits} qubits, {layers} layers, {samples} samples: stock {counted}; ours as estimated")


def table(options):
    """Return what a generator step costs in each way."""
    ansatz, observables = style_ansatz(options.qubits, options.layers), pauli_observables(options.qubits, "XZ")
    rows = {}
    for gradient in ("spsa", "param_shift"):
        execution = RuntimeExecution(options.device, shots=options.shots, gradient=gradient)
        cost = execution.estimate_cost(ansatz.circuit, observables, options.batch, gradient=True)
        rows[f"ours, {gradient}"] = {
            "jobs": cost.jobs,
            "PUBs": cost.pubs,
            "circuits": cost.circuits,
            "QPU seconds": cost.qpu_seconds,
        }
        seconds = cost.qpu_seconds / cost.circuits
    counts = stock_counts(ansatz.num_inputs, len(observables), options.batch)
    backward = -(-counts["circuits"] * options.shots // JobLimits().max_executions)
    rows["stock, parameter shift"] = counts | {"jobs": 1 + backward, "QPU seconds": counts["circuits"] * seconds}
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--qubits", type=int, default=12)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--batch", type=int, default=64, help="samples in a generator step")
    parser.add_argument("--shots", type=int, default=1024)
    parser.add_argument("--device", default="fake_torino")
    parser.add_argument("--out", type=Path, default=Path("runs/quantum-economy.json"))
    options = parser.parse_args()
    check_small()
    rows = table(options)
    print(f"\n{options.qubits} qubits, {options.layers} layers, X and Z of each, {options.batch} samples, ", end="")
    print(f"{options.shots} shots, {options.device}\n")
    print("Jobs by the limits of one; stock itself sends two, whatever their size.\n")
    print("| forward and backward pass | jobs | PUBs | measured circuits | QPU seconds |\n|---|---|---|---|---|")
    for name, row in rows.items():
        print(f"| {name} | {row['jobs']:,} | {row['PUBs']:,} | {row['circuits']:,} | {row['QPU seconds']:,.0f} |")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    record = {"options": {name: str(value) for name, value in vars(options).items()}, "rows": rows}
    record["versions"] = versions("qiskit_qgen", "qiskit", "qiskit_machine_learning", "qiskit_ibm_runtime")
    options.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
