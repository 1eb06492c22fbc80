"""The workloads on other simulators.

Each function here takes a :class:`~benchmarks.workloads.Workload` and returns a function ``(angles, cotangent) ->
(values, gradient)`` of numpy arrays: angles and gradient (B, num_angles), cotangent and values (B, num_observables).
The ways are those that each library documents as its fastest for batches: broadcasting where there is broadcasting,
adjoint differentiation where there is; and the workload's precision where a library lets one choose it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from benchmarks.piped_peers import PipedPeer, environment
from benchmarks.workloads import UnsupportedError


def pennylane_default(work):
    return _pennylane(work, "default.qubit", "backprop", batched=True)


def pennylane_lightning(work):
    # In complex64 its gradient is wrong by 1e-3 at 20 qubits.
    return _pennylane(work, "lightning.qubit", "adjoint", batched=False, c_dtype=np.complex128)


def _pennylane(work, device, method, *, batched, **options):
    import pennylane as qml

    gates = {"rx": qml.RX, "ry": qml.RY, "rz": qml.RZ, "cry": qml.CRY}
    paulis = {"X": qml.PauliX, "Y": qml.PauliY, "Z": qml.PauliZ}

    def string(term):
        return qml.prod(*(paulis[letter](q) for letter, q in term.paulis))

    def operator(terms):
        if work.is_single and len(terms[0].paulis) == 1:
            ((letter, q),) = terms[0].paulis
            return paulis[letter](q)
        return qml.dot([term.factor for term in terms], [string(term) for term in terms])

    @qml.qnode(qml.device(device, wires=work.num_qubits, **options), interface="torch", diff_method=method)
    def circuit(a):
        for gate in work.gates:
            if gate.angle is None:
                qml.CNOT(wires=gate.qubits)
            else:
                gates[gate.name](a[..., gate.angle], wires=gate.qubits)
        return [qml.expval(operator(terms)) for terms in work.observables]

    def run(angles, cotangent):
        a = torch.tensor(angles, requires_grad=True)
        values = torch.stack(circuit(a), -1) if batched else torch.stack([torch.stack(circuit(row)) for row in a])
        values.backward(torch.tensor(cotangent).to(values.dtype))
        return values.detach().numpy(), a.grad.numpy()

    return run


def deepquantum(work):
    import deepquantum as dq

    order = [gate.angle for gate in work.gates if gate.angle is not None]  # it takes angles in the gates' order
    terms = [(number, term) for number, terms in enumerate(work.observables) for term in terms]
    mixing = np.zeros((len(terms), len(work.observables)), work.dtype)  # its observables are single strings
    for row, (number, term) in enumerate(terms):
        mixing[row, number] = term.factor

    def run(angles, cotangent):
        a = torch.tensor(angles, requires_grad=True)
        circuit = dq.QubitCircuit(work.num_qubits)
        for name, qubits, angle in work.gates:
            if angle is None:
                circuit.cnot(*qubits)
            else:
                getattr(circuit, name)(*qubits, encode=True)
        for _, term in terms:
            circuit.observable([q for _, q in term.paulis], basis="".join(letter for letter, _ in term.paulis).lower())
        circuit.to(a.dtype)
        circuit(data=a[:, order])
        values = circuit.expectation()
        if not work.is_single:
            values = values @ torch.tensor(mixing)
        values.backward(torch.tensor(cotangent))
        return values.detach().numpy(), a.grad.numpy()

    return run


def pyqtorch(work):
    import pyqtorch as pyq
    from pyqtorch.utils import inner_prod

    if work.num_qubits >= 20:
        raise UnsupportedError("pyqtorch keeps too many states for 20 qubits")
    gates = {"rx": pyq.RX, "ry": pyq.RY, "rz": pyq.RZ, "cry": pyq.CRY}
    paulis = {"X": pyq.X, "Y": pyq.Y, "Z": pyq.Z}
    names = [f"angle{number}" for number in range(work.num_angles)]
    operations = [
        pyq.CNOT(*gate.qubits) if gate.angle is None else gates[gate.name](*gate.qubits, names[gate.angle])
        for gate in work.gates
    ]
    circuit = pyq.QuantumCircuit(work.num_qubits, operations)
    single = work.is_single and all(len(terms[0].paulis) == 1 for terms in work.observables)

    def string(term):
        factors = [paulis[letter](q) for letter, q in term.paulis]
        return (
            factors[0] if single else pyq.Scale(pyq.Sequence(factors), torch.tensor(term.factor, dtype=torch.float64))
        )

    observables = [
        pyq.Observable(string(terms[0]) if single else [string(term) for term in terms]) for terms in work.observables
    ]

    def run(angles, cotangent):
        a = torch.tensor(angles, dtype=torch.float64, requires_grad=True)  # it computes in complex128
        state = pyq.run(circuit, pyq.zero_state(work.num_qubits), {name: a[:, i] for i, name in enumerate(names)})
        values = torch.stack([inner_prod(state, observable(state)).real for observable in observables], -1)
        values.backward(torch.tensor(cotangent, dtype=values.dtype))
        return values.detach().numpy(), a.grad.numpy()

    return run


def qulacs(work):
    from qulacs import Observable, ParametricQuantumCircuit, QuantumState

    n = work.num_qubits
    circuit, order = ParametricQuantumCircuit(n), []
    rotations = {
        "rx": circuit.add_parametric_RX_gate,
        "ry": circuit.add_parametric_RY_gate,
        "rz": circuit.add_parametric_RZ_gate,
    }
    for name, qubits, angle in work.gates:
        if name == "cx":
            circuit.add_CNOT_gate(*qubits)
        elif name in rotations:
            rotations[name](*qubits, 0.0)
            order.append(angle)
        else:
            raise UnsupportedError(f"Qulacs has no parametric {name} gate")
    strings = [
        [(term.factor, " ".join(f"{letter} {q}" for letter, q in term.paulis)) for term in terms]
        for terms in work.observables
    ]
    observables = []
    for terms in strings:
        observables.append(Observable(n))
        for factor, word in terms:
            observables[-1].add_operator(factor, word)
    state = QuantumState(n)

    def run(angles, cotangent):
        values, gradient = np.zeros(cotangent.shape), np.zeros(angles.shape)
        for b, row in enumerate(angles):
            for k, angle in enumerate(-row[order]):  # its rotations turn the other way
                circuit.set_parameter(k, float(angle))
            state.set_zero_state()
            circuit.update_quantum_state(state)
            values[b] = [observable.get_expectation_value(state) for observable in observables]
            total = Observable(n)
            for weight, terms in zip(cotangent[b], strings, strict=True):
                for factor, word in terms:
                    total.add_operator(float(weight) * factor, word)
            gradient[b, order] = -np.array(circuit.backprop(total))
        return values, gradient

    return run


@dataclass(frozen=True)
class Peer:
    """Another simulator."""

    build: Callable
    """Makes the function of a workload."""
    precision: str = ""
    """That in which it computes, "float32" or "float64"; empty for the workload's."""
    module: str = ""
    """What it is imported by here; empty if it has an environment of its own."""
    environment: str = ""
    tolerance: float = 0.0
    """How far its values and gradients may be off, where that is more than rounding explains."""

    @property
    def is_installed(self):
        if self.environment:
            return environment(self.environment).exists()
        return importlib.util.find_spec(self.module) is not None


PEERS = {
    "TensorFlow Quantum (adjoint)": Peer(
        # Its gradients in single precision are off by 1e-4.
        partial(PipedPeer, "tfq"),
        "float32",
        environment="tfq",
        tolerance=5e-4,
    ),
    "Catalyst, lightning.qubit (adjoint)": Peer(partial(PipedPeer, "catalyst"), "float64", environment="catalyst"),
    "DeepQuantum": Peer(deepquantum, module="deepquantum"),
    "Qulacs": Peer(qulacs, "float64", module="qulacs"),
    "PennyLane default.qubit (backprop)": Peer(pennylane_default, module="pennylane"),
    "PennyLane lightning.qubit (adjoint)": Peer(pennylane_lightning, "float64", module="pennylane_lightning"),
    "pyqtorch": Peer(pyqtorch, "float64", module="pyqtorch"),
}
