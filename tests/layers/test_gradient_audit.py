"""The audit finds the published circuit's inert weights, detached inputs and barren plateaus, and nothing else."""

import numpy as np
import pytest
import torch
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit
from qiskit.circuit.library import XGate
from qiskit.quantum_info import SparsePauliOp, Statevector
from torch import nn

from qiskit_qgen import StyleQGAN
from qiskit_qgen.circuits import bottleneck_ansatz, strongly_entangling_ansatz
from qiskit_qgen.circuits.inert_gates import inert_reasons
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.layers.gradient_audit import audit_gradients
from qiskit_qgen.layers.gradient_audit.audit import plateau_variance


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


def open_control():
    return XGate().control(1, ctrl_state=0)


def misnamed():
    circuit = QuantumCircuit(1, name="rz")
    circuit.h(0)
    return circuit.to_gate()


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
        "control": (
            built(("ry", b, 0), ("rz", a, 0), ("cx", 0, 1), ("ry", Parameter("c"), 1)),
            z,
            {"a"},
        ),
        "control_before_h": (built(("ry", b, 0), ("h", 1), ("rz", a, 0), ("cx", 0, 1), ("h", 0)), z, set()),
        "target": (built(("ry", b, 1), ("h", 0), ("rz", a, 1), ("cx", 0, 1), ("ry", Parameter("c"), 1)), z, set()),
        "target_axis": (built(("ry", b, 1), ("h", 0), ("rx", a, 1), ("cx", 0, 1), ("h", 1)), z, {"a"}),
        "controlled": (built(("h", 0), ("ry", b, 0), ("cry", a, 0, 1)), first, {"a"}),
        "diagonal_half": (
            built(("ry", b, 0), ("ry", Parameter("d"), 1), ("rz", a, 0), ("crx", Parameter("c"), 0, 1)),
            z,
            {"a"},
        ),
        "open_control": (built(("ry", b, 0), ("rz", a, 0), ("append", open_control(), [0, 1]), ("h", 1)), z, {"a"}),
        "swapped": (built(("ry", b, 0), ("rz", a, 0), ("swap", 0, 1), ("h", 0)), z, {"a"}),
        "misnamed": (built(("ry", b, 0), ("rz", a, 0), ("append", misnamed(), [0])), first, set()),
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


def test_the_light_cone_is_that_of_what_is_measured():
    first, second = Parameter("p0"), Parameter("p1")
    circuit = QuantumCircuit(2, 1)
    circuit.ry(first, 0)
    circuit.ry(second, 1)
    circuit.measure(0, 0)
    report = audit_gradients(circuit)
    assert report.inert == ["p1"]
    assert "outside the light cone" in report.reasons["p1"]


def test_what_the_reason_says_of_the_gates_that_follow_is_true():
    angles = ParameterVector("p", 3)
    circuit = QuantumCircuit(2)
    circuit.ry(angles[0], 0)
    circuit.rz(angles[1], 0)
    circuit.cx(0, 1)
    plain = audit_gradients(circuit).reasons["p[1]"]
    assert plain == "a diagonal gate (rz) before diagonal gates, permutations and diagonal observables only"
    circuit.ry(angles[2], 1)
    report = audit_gradients(circuit)
    assert report.inert == ["p[1]"]
    assert "for its qubits, diagonal observables" in report.reasons["p[1]"]
    assert "permutations" not in report.reasons["p[1]"]


class Path(nn.Module):
    """A quantum layer between two classical ones, put to use as a function of module and input says."""

    def __init__(self, use):
        super().__init__()
        self.a, self.q, self.b = nn.Linear(3, 4), QuantumLayer(bottleneck_ansatz(4, 1)), nn.Linear(4, 2)
        self.use = use

    def forward(self, x):
        return self.use(self, x)


BATCH = torch.linspace(-1, 1, 12).reshape(4, 3)


def test_frozen_weights_are_told_and_are_no_fault():
    module = Path(lambda s, x: s.b(s.q(s.a(x).detach())))
    module.q.requires_grad_(False)
    report = audit_gradients(module, inputs=BATCH, num_draws=4)
    assert report.frozen == [f"q.theta[{index}]" for index in range(8)]
    assert report.detached == [f"q.x[{index}]" for index in range(4)]
    module.use = lambda s, x: s.b(s.q(s.a(x)))
    report = audit_gradients(module, inputs=BATCH, num_draws=4)
    assert report.sound
    assert report.summary == "All 12 quantum parameters and inputs but 8 frozen ones have gradients."
    assert len(audit_gradients(module.q, num_draws=4).frozen) == 8


@pytest.mark.parametrize(
    "returned", [lambda y: (y, None), lambda y: {"y": [y], "name": "text"}, lambda y: [3, (y,), None]]
)
def test_what_is_no_tensor_among_the_outputs_is_passed_over(returned):
    report = audit_gradients(Path(lambda s, x: returned(s.b(s.q(s.a(x))))), inputs=BATCH, num_draws=4)
    assert report.sound


@pytest.mark.parametrize("returned", [None, (None, "text"), {}])
def test_a_module_that_returns_no_tensor_is_refused(returned):
    with pytest.raises(ArgumentError, match=r"^Argument `target` must .* one tensor, but Path returns none"):
        audit_gradients(Path(lambda *_: returned), inputs=BATCH)


def test_a_layer_that_the_module_does_not_run_is_named():
    report = audit_gradients(Path(lambda s, x: s.b(s.a(x))), inputs=BATCH, num_draws=4)
    assert len(report.detached) == len(report.findings) == 12
    assert all("does not run the layer" in reason for reason in report.reasons.values())


def test_a_layer_whose_output_is_not_used_is_named():
    report = audit_gradients(Path(lambda s, x: (s.q(s.a(x)), s.b(s.a(x)))[1]), inputs=BATCH, num_draws=4)
    assert report.detached == [f"q.theta[{index}]" for index in range(8)]
    assert "no gradient reaches the weights" in report.reasons["q.theta[0]"]


@pytest.mark.parametrize("called", [lambda q, x: q(input_data=x), lambda q, x: q.forward(x)])
def test_however_a_layer_is_called_it_is_seen_to_run(called):
    report = audit_gradients(Path(lambda s, x: s.b(called(s.q, s.a(x)))), inputs=BATCH, num_draws=4)
    assert report.sound, report.table


def test_inputs_without_rows_are_refused():
    module = Path(lambda s, x: s.b(s.q(s.a(x))))
    for inputs in (BATCH[:0], [BATCH[:0]]):
        with pytest.raises(ArgumentError, match=r"^Argument `inputs` must have shape .*at least one row"):
            audit_gradients(module, inputs=inputs)


@pytest.mark.parametrize("num_draws", [1, 2])
def test_a_circuit_without_parameters_is_refused_in_one_sentence(num_draws):
    for target in (QuantumCircuit(2), QuantumLayer(QuantumCircuit(2))):
        with pytest.raises(ArgumentError, match=r"^Argument `target` must have at least one parameter"):
            audit_gradients(target, num_draws=num_draws)
    with pytest.raises(ArgumentError, match="must hold at least one QuantumLayer with parameters"):
        audit_gradients(nn.Sequential(QuantumLayer(QuantumCircuit(2))), inputs=torch.zeros(3, 0), num_draws=num_draws)


def test_one_draw_is_enough():
    report = audit_gradients(bottleneck_ansatz(2, 1), num_draws=1)
    assert report.sound
    assert all(finding.variance == pytest.approx(finding.largest**2) for finding in report.findings)


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
