"""The reference workload on other simulators.

n qubits, L layers of (RY, RZ on each qubit, ring of CX), then RY, RZ on each qubit; <X_q> and <Z_q> of each qubit are
read out. Each function here returns a function ``(angles, cotangent) -> (values, gradient)`` with angles (B, L + 1,
n, 2), values and cotangent (B, 2 n), gradient of the shape of the angles, all float32 numpy arrays. The ways are
those that each library documents as its fastest for batches: broadcasting where there is broadcasting, adjoint
differentiation where there is.
"""

from __future__ import annotations

import numpy as np
import torch


def pennylane_default(n, L):
    return _pennylane(n, L, "default.qubit", "backprop", batched=True)


def pennylane_lightning(n, L):
    return _pennylane(n, L, "lightning.qubit", "adjoint", batched=False)


def _pennylane(n, L, device, method, *, batched):
    import pennylane as qml

    @qml.qnode(qml.device(device, wires=n), interface="torch", diff_method=method)
    def circuit(a):
        for layer in range(L + 1):
            for q in range(n):
                qml.RY(a[..., layer, q, 0], wires=q)
                qml.RZ(a[..., layer, q, 1], wires=q)
            if layer < L:
                for q in range(n):
                    qml.CNOT(wires=[q, (q + 1) % n])
        return [qml.expval(pauli(q)) for pauli in (qml.PauliX, qml.PauliZ) for q in range(n)]

    def run(angles, cotangent):
        a = torch.tensor(angles, requires_grad=True)
        values = torch.stack(circuit(a), -1) if batched else torch.stack([torch.stack(circuit(row)) for row in a])
        values.backward(torch.tensor(cotangent).to(values.dtype))
        return values.detach().numpy(), a.grad.numpy()

    return run


def deepquantum(n, L):
    import deepquantum as dq

    def run(angles, cotangent):
        a = torch.tensor(angles.reshape(len(angles), -1), requires_grad=True)
        circuit = dq.QubitCircuit(n)
        for layer in range(L + 1):
            for q in range(n):
                circuit.ry(q, encode=True)
                circuit.rz(q, encode=True)
            if layer < L:
                for q in range(n):
                    circuit.cnot(q, (q + 1) % n)
        for basis in "xz":
            for q in range(n):
                circuit.observable(q, basis=basis)
        circuit(data=a)
        values = circuit.expectation()
        values.backward(torch.tensor(cotangent))
        return values.detach().numpy(), a.grad.numpy().reshape(angles.shape)

    return run


def pyqtorch(n, L):
    import pyqtorch as pyq
    from pyqtorch.utils import inner_prod

    gates, names = [], []
    for layer in range(L + 1):
        for q in range(n):
            names += [f"y{layer}_{q}", f"z{layer}_{q}"]
            gates += [pyq.RY(q, names[-2]), pyq.RZ(q, names[-1])]
        if layer < L:
            gates += [pyq.CNOT(q, (q + 1) % n) for q in range(n)]
    circuit = pyq.QuantumCircuit(n, gates)
    observables = [pyq.Observable(pauli(q)) for pauli in (pyq.X, pyq.Z) for q in range(n)]

    def run(angles, cotangent):
        a = torch.tensor(angles.reshape(len(angles), -1).astype(np.float64), requires_grad=True)
        state = pyq.run(circuit, pyq.zero_state(n), {name: a[:, i] for i, name in enumerate(names)})
        values = torch.stack([inner_prod(state, observable(state)).real for observable in observables], -1)
        values.backward(torch.tensor(cotangent, dtype=values.dtype))
        return values.detach().numpy(), a.grad.numpy().reshape(angles.shape)

    return run


def qulacs(n, L):
    from qulacs import Observable, ParametricQuantumCircuit, QuantumState

    circuit = ParametricQuantumCircuit(n)
    for layer in range(L + 1):
        for q in range(n):
            circuit.add_parametric_RY_gate(q, 0.0)
            circuit.add_parametric_RZ_gate(q, 0.0)
        if layer < L:
            for q in range(n):
                circuit.add_CNOT_gate(q, (q + 1) % n)
    labels = [f"{pauli} {q}" for pauli in "XZ" for q in range(n)]
    observables = []
    for label in labels:
        observables.append(Observable(n))
        observables[-1].add_operator(1.0, label)
    state = QuantumState(n)

    def run(angles, cotangent):
        values, gradient = np.zeros(cotangent.shape), np.zeros((len(angles), angles[0].size))
        for b, row in enumerate(angles):
            for k, angle in enumerate(-row.reshape(-1)):  # its rotations turn the other way
                circuit.set_parameter(k, float(angle))
            state.set_zero_state()
            circuit.update_quantum_state(state)
            values[b] = [observable.get_expectation_value(state) for observable in observables]
            total = Observable(n)
            for weight, label in zip(cotangent[b], labels, strict=True):
                total.add_operator(float(weight), label)
            gradient[b] = -np.array(circuit.backprop(total))
        return values, gradient.reshape(angles.shape)

    return run


PEERS = {
    "PennyLane default.qubit (backprop)": ("pennylane", pennylane_default),
    "PennyLane lightning.qubit (adjoint)": ("pennylane_lightning", pennylane_lightning),
    "DeepQuantum": ("deepquantum", deepquantum),
    "pyqtorch": ("pyqtorch", pyqtorch),
    "Qulacs": ("qulacs", qulacs),
}
