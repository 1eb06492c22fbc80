"""Files of circuits that would exhaust memory or time, or read what is not beside them."""

import io
import tracemalloc

import pytest
from qiskit import QuantumCircuit, qpy

from qiskit_qgen.cli.circuit_report import read_circuits
from qiskit_qgen.exceptions import ArgumentError

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'


def doubling(levels):
    gates = "".join(f"gate g{level + 1} a {{ g{level} a; g{level} a; }}\n" for level in range(levels))
    return f"{HEAD}gate g0 a {{ x a; }}\n{gates}qreg q[1];\ng{levels} q[0];\n"


def nested(levels):
    circuit = QuantumCircuit(1)
    circuit.x(0)
    for _ in range(levels):
        outer = QuantumCircuit(1)
        for _ in range(2):
            outer.append(circuit.to_gate(), [0])
        circuit = outer
    return circuit


def qpy_bytes(*circuits, version=17):
    stream = io.BytesIO()
    qpy.dump(list(circuits), stream, version=version)
    return stream.getvalue()


def refused(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    tracemalloc.start()
    with pytest.raises(ArgumentError) as caught:
        read_circuits(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**26
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "OPENQASM 2.0;\nqreg q[50000000];\n",
        "OPENQASM 2.0;\ncreg c [ 99999999999999999999 ];\n",
        "OPENQASM 2.0;\n" + "".join(f"qreg q{index}[60000];\n" for index in range(2)),
        "OPENQASM 3.0;\nqubit[50000000] q;\n",
        "OPENQASM 3.0;\nbit [50000000] c;\n",
        "OPENQASM 3.0;\nqubit /* of // mine */ [0x2FA_F080] q;\n",
        "OPENQASM 2.0;\nqreg // the\nq[50000000];\n",
    ],
)
def test_more_bits_than_a_device_has(tmp_path, text):
    assert refused(tmp_path / "a.qasm", text).endswith("a.qasm declares more than 100,000 bits.")


@pytest.mark.parametrize("version", [13, 15, 17])
def test_more_bits_in_a_small_qpy_file(tmp_path, version):
    content = qpy_bytes(QuantumCircuit(3, 2), version=version)
    assert read_circuits(_written(tmp_path / "good.qpy", content))[0].num_clbits == 2
    place = content.index((3).to_bytes(4, "big") + (2).to_bytes(4, "big"), 20)
    for offset in (0, 4):
        changed = bytearray(content)
        changed[place + offset : place + offset + 4] = (2**31).to_bytes(4, "big")
        assert refused(tmp_path / "a.qpy", bytes(changed)).endswith("each of which takes memory.")


def _written(path, content):
    path.write_bytes(content)
    return path


def test_gates_of_gates_of_gates(tmp_path):
    sentence = "defines gates by gates that make more than 4,194,304 of them."
    assert refused(tmp_path / "a.qasm", doubling(40)).endswith(sentence)
    (tmp_path / "b.qasm").write_text(doubling(10))
    assert read_circuits(tmp_path / "b.qasm")[0].num_qubits == 1
    assert read_circuits(_written(tmp_path / "c.qpy", qpy_bytes(nested(6))))[0].num_qubits == 1


@pytest.mark.parametrize(
    "name", ["{}/secret.inc", "/{}/secret.inc", "../secret.inc", "link.inc", "self.inc", "missing.inc", "sub/a.inc"]
)
def test_nothing_is_included_but_what_lies_beside(tmp_path, name):
    folder = tmp_path / "circuits"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "secret.inc").write_text("the secret")
    (folder / "sub" / "a.inc").write_text("")
    (folder / "link.inc").symlink_to(tmp_path / "secret.inc")
    (folder / "self.inc").write_text('include "self.inc";')
    for quote in "\"'":
        text = f"OPENQASM 2.0;\ninclude {quote}{name.format(tmp_path)}{quote};\nqreg q[1];\n"
        message = refused(folder / "a.qasm", text)
        assert "may include files beside it alone, each once." in message
        assert "the secret" not in message


def test_gates_of_a_file_beside_and_a_byte_order_mark(tmp_path):
    (tmp_path / "mine.inc").write_text("// don't mind 'that'\ngate mine a { x a; }\n")
    text = f'\ufeff{HEAD}// include "/etc/hostname"\ninclude "mine.inc";\nqreg q[1]; mine q[0];'
    (tmp_path / "a.qasm").write_text(text, encoding="utf-8")
    assert dict(read_circuits(tmp_path / "a.qasm")[0].count_ops()) == {"mine": 1}
