"""The audit finds the published circuit's inert weights, detached inputs and barren plateaus, and nothing else."""

import numpy as np
import pytest
import torch
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, Statevector
from torch import nn

from qiskit_qgen import StyleQGAN
from qiskit_qgen.circuits import bottleneck_ansatz, strongly_entangling_ansatz
from qiskit_qgen.circuits.inert_gates import inert_reasons
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.studies import audit_gradients
from qiskit_qgen.training.gradient_audit import plateau_variance


def test_all_weights_of_the_published_bottleneck_are_inert_and_the_reason_is_told():
    report = audit_gradients(bottleneck_ansatz(published=True), num_draws=4)
    assert report.inert == [f"theta[{index}]" for index in range(48)]
    assert not report.sound
    for name in report.inert:
        assert "a diagonal gate (rz) before" in report.reasons[name]
        assert "diagonal observables" in report.reasons[name]
    assert report.detached == []
    assert "48 inert" in report.summary


def test_no_weight_of_the_repaired_bottleneck_is_flagged():
    report = audit_gradients(bottleneck_ansatz(), num_draws=4)
    weights = [finding for finding in report.findings if finding.kind == "weight"]
    assert len(weights) == 96
    assert {finding.verdict for finding in weights} <= {"ok", "weak"}
    # Uniform angles along a chain of CNOTs multiply many cosines: some gradients are small, none is zero.
    assert min(finding.largest for finding in weights) > 1e-5
    assert (report.inert, report.vanishing, report.detached) == ([], [], [])
    assert report.sound, report.summary


class Gate(nn.Module):
    """A classical layer before a quantum one, with a cut or without."""

    def __init__(self, cut):
        super().__init__()
        self.reduce = nn.Linear(3, 4)
        self.quantum = QuantumLayer(bottleneck_ansatz(4, 2))
        self.cut = cut

    def forward(self, x):
        angles = self.reduce(x)
        if self.cut == "input":
            angles = angles.detach()
        result = self.quantum(angles)
        return result.detach() if self.cut == "output" else result


def test_a_detached_input_is_found():
    report = audit_gradients(Gate("input"), inputs=torch.randn(4, 3))
    assert report.detached == [f"quantum.x[{index}]" for index in range(4)]
    assert "detached" in report.reasons["quantum.x[0]"]
    assert report.inert == []


def test_weights_behind_a_cut_are_found():
    report = audit_gradients(Gate("output"), inputs=torch.randn(4, 3))
    assert [name for name in report.detached if "theta" in name] == [f"quantum.theta[{index}]" for index in range(16)]


def test_a_whole_module_is_sound_and_left_as_it_was():
    module = Gate(None)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    report = audit_gradients(module, inputs=[torch.randn(4, 3)])
    assert report.sound, report.table
    assert module.training
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())


def test_an_input_that_is_meant_to_be_constant_is_not_detached():
    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.quantum = QuantumLayer(bottleneck_ansatz(2, 1))

        def forward(self, x):
            return x.sum() + self.quantum(torch.ones(2))

    assert audit_gradients(Constant(), inputs=torch.randn(4, 3)).detached == []


def test_gradients_of_a_deep_random_circuit_vanish_and_those_of_a_shallow_one_do_not():
    deep = audit_gradients(strongly_entangling_ansatz(10, 25), num_draws=6)
    # The gates of the first and last layers see no random circuit on one of their sides.
    names = {finding.name for finding in deep.findings}
    assert len(deep.vanishing) > 0.8 * len(names)
    middle = [finding.variance for finding in deep.findings][300:450]
    assert np.mean(middle) / plateau_variance(10) < 3
    assert "barren plateau" in deep.reasons[deep.vanishing[0]]
    shallow = audit_gradients(strongly_entangling_ansatz(10, 1), num_draws=16)
    assert shallow.vanishing == []


def test_the_plateau_is_that_of_random_unitaries():
    """Var over Haar-random U, V of d/da <0|V+ e^(iaZ/2) U+ Z U e^(-iaZ/2) V|0> on 3 qubits, by sampling."""
    from scipy.stats import unitary_group

    generator = np.random.default_rng(0)
    z = np.diag(np.kron([1, -1], np.ones(4)))
    gradients = []
    for first, second in zip(
        unitary_group.rvs(8, size=4000, random_state=generator),
        unitary_group.rvs(8, size=4000, random_state=generator),
        strict=True,
    ):
        state = first[:, 0]
        rotated = second.conj().T @ z @ second
        gradients.append(-(state.conj() @ rotated @ z @ state).imag * -1)
    assert np.var(gradients) == pytest.approx(plateau_variance(3), rel=0.08)


def circuits():
    a, b = Parameter("a"), Parameter("b")
    z = [SparsePauliOp("ZI"), SparsePauliOp("IZ")]
    x = [SparsePauliOp("XI"), SparsePauliOp("IX")]
    first = [SparsePauliOp("IZ")]

    def built(*gates):
        circuit = QuantumCircuit(2)
        for name, *arguments in gates:
            getattr(circuit, name)(*arguments)
        return circuit

    return {
        "rotated": (built(("h", 0), ("rz", a, 0), ("ry", b, 0), ("cx", 0, 1)), z, set()),
        "diagonal_end": (built(("rx", b, 0), ("cx", 0, 1), ("rz", a, 0), ("swap", 0, 1), ("cz", 0, 1)), z, {"a"}),
        "basis": (built(("x", 0), ("rz", a, 0), ("h", 0), ("rz", b, 0), ("h", 0)), z, {"a"}),
        "cone": (built(("ry", b, 0), ("ry", a, 1)), first, {"a"}),
        "axis": (built(("ry", b, 0), ("rx", a, 0), ("h", 1)), x, {"a"}),
        "h": (built(("ry", b, 0), ("rx", a, 0), ("h", 0)), z, {"a"}),
        "crz": (built(("ry", b, 0), ("h", 1), ("crz", a, 0, 1)), z, {"a"}),
        "twice": (built(("rz", a, 0), ("ry", b, 0), ("h", 0), ("rz", a, 0), ("h", 0)), z, set()),
        "rzz": (built(("ry", b, 0), ("h", 1), ("rzz", a, 0, 1), ("h", 1)), z, set()),
    }


@pytest.mark.parametrize("name", circuits())
def test_structural_reasons_are_right_and_numbers_agree(name):
    circuit, observables, expected = circuits()[name]
    assert {parameter.name for parameter in inert_reasons(circuit, observables)} == expected
    report = audit_gradients(
        QuantumLayer(circuit, observables=observables, input_params=[], weight_params=list(circuit.parameters))
    )
    assert set(report.inert) == expected
    # Qiskit's state vector says the same: what is inert changes nothing.
    rng = np.random.default_rng(1)
    parameters = list(circuit.parameters)
    for parameter in parameters:
        spread = 0.0
        for _ in range(4):
            values = dict(zip(parameters, rng.uniform(-3, 3, len(parameters)), strict=True))
            moved = {**values, parameter: values[parameter] + 0.7}
            states = [Statevector(circuit.assign_parameters(each)) for each in (values, moved)]
            for observable in observables:
                low, high = (state.expectation_value(observable).real for state in states)
                spread = max(spread, abs(high - low))
        assert (spread < 1e-9) == (parameter.name in expected)


def test_a_gradient_that_is_zero_for_another_reason_is_still_found():
    a, b = ParameterVector("p", 2)
    circuit = QuantumCircuit(1)
    circuit.ry(b, 0)
    circuit.ry(a, 0)
    circuit.ry(-a, 0)
    report = audit_gradients(circuit)
    assert report.inert == ["p[0]"]
    assert "no reason that the circuit's structure shows" in report.reasons["p[0]"]


def test_measured_circuits_and_many_outcomes_are_audited():
    circuit = QuantumCircuit(6)
    weights = ParameterVector("w", 12)
    for qubit in range(6):
        circuit.ry(weights[qubit], qubit)
        circuit.rz(weights[6 + qubit], qubit)
    circuit.measure_all()
    report = audit_gradients(circuit)
    assert report.inert == [f"w[{index}]" for index in range(6, 12)]


def test_a_model_is_audited_by_its_networks():
    report = audit_gradients(StyleQGAN(image_shape=(1, 8, 8), num_qubits=3, num_layers=1), num_draws=8)
    assert {finding.name.split(".")[0] for finding in report.findings} == {"generator"}
    assert report.detached == []
    # The last RZ of each qubit matters to X alone, the first RZ acts behind an RY: nothing is inert.
    assert report.inert == []


def test_the_same_seed_gives_the_same_report():
    first, second, third = (audit_gradients(bottleneck_ansatz(3, 1), seed=seed) for seed in (0, 0, 1))
    assert first == second
    assert first != third
    assert first.table.count("\n") == 1 + len(first.findings)


def test_bad_arguments_are_named():
    with pytest.raises(ArgumentTypeError, match="`target`"):
        audit_gradients("circuit")
    with pytest.raises(ArgumentError, match="`target`"):
        audit_gradients(nn.Linear(2, 2), inputs=torch.zeros(1, 2))
    with pytest.raises(ArgumentError, match="`inputs`"):
        audit_gradients(Gate(None))
    with pytest.raises(ArgumentError, match="`inputs`"):
        audit_gradients(bottleneck_ansatz(2, 1), inputs=torch.zeros(1, 2))
    with pytest.raises(ArgumentError, match="`num_draws`"):
        audit_gradients(bottleneck_ansatz(2, 1), num_draws=0)
