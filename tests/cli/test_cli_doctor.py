import importlib.util
import re
import time
from pathlib import Path

import pytest
from qiskit import qasm2, qasm3, qpy
from qiskit.circuit import Gate, Parameter, QuantumCircuit

from qiskit_qgen.circuits import style_ansatz
from qiskit_qgen.cli.circuit_report import duration


def saved(path, *circuits):
    with Path(path).open("wb") as file:
        qpy.dump(list(circuits), file)
    return path


def findings(result):
    return [tuple(line.split(maxsplit=1)) for line in result.stdout.splitlines()]


@pytest.fixture
def style(tmp_path):
    circuit = style_ansatz(3, 2).circuit
    circuit.measure_all()
    return saved(tmp_path / "style.qpy", circuit)


def test_a_circuit_of_a_file(qgen, style):
    result = qgen("doctor", "--circuit", style, "--batch-size", 32)
    assert result.exit_code == 0, result.stderr
    found = dict(findings(result))
    assert list(found) == ["circuit", "gates", "lowered", "split", "fused", "simulated", "memory", "time"]
    assert found["circuit"].startswith("style_ansatz: 3 qubits, 18 parameters, depth ")
    assert found["gates"].startswith("ry 9, rz 9, cx 6, measure 3")
    # The last RZ of a qubit does nothing to Z, but to X; permutations are not operations.
    assert found["lowered"] == "rotations 9, phases 9; 0 of them constant, 18 distinct expressions"
    # Before the last layer, X and Z are measured: RY turns one into the other.
    assert found["split"].startswith(
        "6 operations make the product state that it starts from, 6 run, 3 turn the observables"
    )
    assert found["split"].endswith(", 3 change none (Z of each qubit)")
    assert re.match(r"\d+ blocks on the CPU, 6 diagonals", found["fused"])
    assert found["simulated"] == "3 of 3 qubits, 8 amplitudes"
    assert found["memory"].startswith("batch 32: about ")
    assert re.fullmatch(r"batch 32: [\d.]+ ms for Z of each qubit and its gradient, measured", found["time"])


def circuit_of_a_few_gates():
    circuit = QuantumCircuit(4, 1)
    circuit.h(0)
    circuit.rzz(0.3, 0, 1)
    circuit.cry(0.2, 1, 0)
    circuit.measure(0, 0)
    return circuit


@pytest.mark.parametrize("write", [qasm2.dump, qasm3.dump])
def test_languages(qgen, tmp_path, write):
    path = tmp_path / "circuit.qasm"
    with path.open("w") as file:
        write(circuit_of_a_few_gates(), file)
    result = qgen("doctor", "--circuit", path)
    assert result.exit_code == 0, result.stderr
    found = dict(findings(result))
    assert found["gates"] == "h 1, rzz 1, cry 1, measure 1"
    assert found["simulated"] == "2 of 4 qubits, 4 amplitudes; 2 without a gate that does anything"


def test_several_circuits_in_a_file(qgen, tmp_path):
    result = qgen("doctor", "--circuit", saved(tmp_path / "two.qpy", QuantumCircuit(1), circuit_of_a_few_gates()))
    assert [title for title, _ in findings(result)].count("circuit") == 2


def test_refused_gates_are_all_named_with_a_remedy(qgen, tmp_path):
    circuit = circuit_of_a_few_gates()
    circuit.initialize([0.6, 0.8], 2)
    circuit.h(1)
    circuit.reset(1)
    circuit.append(Gate("mystery", 1, [Parameter("a")]), [2])
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(3)
    result = qgen("doctor", "--circuit", saved(tmp_path / "refused.qpy", circuit))
    assert result.exit_code == 2
    texts = [text for title, text in findings(result) if title == "refused"]
    assert [re.search("`(.*?)`", text)[1] for text in texts] == ["reset", "mystery", "if_else"]
    assert all("Aer" in text or "define" in text for text in texts)
    assert "time" not in dict(findings(result))


def test_what_is_wrong_with_the_whole_circuit_is_said_once(qgen, tmp_path):
    large = QuantumCircuit(30)
    large.h(range(30))
    late = QuantumCircuit(1, 1)
    late.measure(0, 0)
    late.x(0)
    result = qgen("doctor", "--circuit", saved(tmp_path / "wrong.qpy", large, late))
    texts = [text for title, text in findings(result) if title == "refused"]
    assert len(texts) == 2
    assert "1 to 24 qubits, but this one has 30" in texts[0]
    assert "`x` follows one of qubit 0" in texts[1]


def test_a_large_circuit_is_estimated(qgen, tmp_path):
    circuit = QuantumCircuit(12)
    for _ in range(20):
        circuit.ry(Parameter(f"a{len(circuit.data)}"), range(12))
        circuit.cx(range(11), range(1, 12))
    result = qgen("doctor", "--circuit", saved(tmp_path / "large.qpy", circuit), "--batch-size", 1_000_000)
    assert re.search(r"min for .*, estimated from \d+ of them", dict(findings(result))["time"])


def test_kernels_of_both_precisions_are_compiled_once(qgen):
    first, again = (qgen("doctor", "--compile") for _ in range(2))
    assert re.findall(r"(float\d+): compiled", first.stdout) == ["float32", "float64"]
    assert again.stdout.count("compiled before and found in") == 2
    refused = qgen("doctor", "--compile", "--audit", "model")
    assert refused.exit_code == 2
    assert refused.stderr == "Error: Options --audit and --compile exclude each other: give one of them.\n"


def test_a_large_batch_is_estimated_in_about_a_second(qgen, style):
    start = time.perf_counter()
    result = qgen("doctor", "--circuit", style, "--batch-size", 10**9)
    assert time.perf_counter() - start < 30  # a busy machine; the kernels may have to be compiled
    (samples,) = re.findall(r"estimated from (\d+) of them", dict(findings(result))["time"])
    assert 1000 <= int(samples) <= 200_000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0123, "12.3 ms"), (1.5, "1.5 s"), (119, "119 s"), (150, "2.5 min"), (3600, "60 min"), (10_000, "2.78 h")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_a_batch_without_a_circuit_is_refused(qgen):
    result = qgen("doctor", "--batch-size", 8)
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "Error: `--batch-size` must come with `--circuit`, whose cost it is about: add it."
    ]


def test_names_cannot_write_to_the_terminal(qgen, tmp_path):
    circuit = QuantumCircuit(1, name="a\x1b[31m\nrefused b")
    result = qgen("doctor", "--circuit", saved(tmp_path / "name.qpy", circuit))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].startswith("circuit     a?[31m?refused b: 1 qubits")


def damaged(path):
    data = path.read_bytes()
    return {
        "cut.qpy": data[: len(data) // 2],
        "other.qpy": data[:60] + bytes(255 - byte for byte in data[60:]),
        "empty.qasm": b"",
        "binary.qasm": bytes(range(128, 256)),
        "language.qasm": b"import os",
        "two.qasm": b"OPENQASM 2.0;\nqreg q[999999999999];",
        "gate.qasm": b'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[1];\nnothing q[0];',
        "three.qasm": b"OPENQASM 3.0;\nqubit[2] q;\nnothing q[0];",
        "deep.qasm": b"OPENQASM 3.0;\nqubit q; U(" + b"(" * 1000 + b"0" + b")" * 1000 + b",0,0) q;",
    }


@pytest.mark.parametrize(
    "name",
    [
        *("cut.qpy", "other.qpy", "empty.qasm", "binary.qasm", "language.qasm", "two.qasm", "gate.qasm", "three.qasm"),
        *("deep.qasm", "missing.qpy"),
    ],
)
def test_broken_files_get_one_sentence(qgen, tmp_path, style, name):
    path = tmp_path / name
    if name != "missing.qpy":
        path.write_bytes(damaged(style)[name])
    result = qgen("doctor", "--circuit", path)
    assert result.exit_code == 2
    assert not result.stdout
    lines = result.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"Error: {path}")
    assert lines[0].endswith((".", ";`."))


def test_a_package_that_is_missing_is_named(qgen, tmp_path, monkeypatch):
    original = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if "qasm3" in name else original(name, *more)
    )
    path = tmp_path / "three.qasm"
    path.write_text(qasm3.dumps(circuit_of_a_few_gates()))
    result = qgen("doctor", "--circuit", path)
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: Reading OpenQASM 3 needs `qiskit-qasm3-import`: pip install qiskit-qasm3-import, "
        f"or save {path} as QPY.\n"
    )
