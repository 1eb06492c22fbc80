import hashlib
import json
import re
import struct

import pytest
import safetensors.torch
import torch
from qiskit import QuantumCircuit, qpy
from qiskit.circuit import ParameterVector

from qiskit_qgen import __version__
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, CheckpointError
from qiskit_qgen.persistence import (
    FORMAT_VERSION,
    load_circuit,
    load_model_config,
    load_model_folder,
    load_tensors,
    save_model_folder,
)
from qiskit_qgen.persistence.json_text import parse_json

CONFIG = {"class_name": "StyleQGAN", "config": {"image_shape": (1, 8, 8), "num_qubits": 3, "lr": 1e-4, "name": None}}
STATE = {"style.weight": torch.tensor([[1.5, -0.0], [float("nan"), 2.0]]), "steps": torch.tensor(7)}


def example_circuit():
    z, theta = ParameterVector("z", 2), ParameterVector("θ", 3)
    circuit = QuantumCircuit(2, name="style", metadata={"reps": 1})
    circuit.ry(theta[0] * z[1] + theta[2], 0)
    circuit.cx(0, 1)
    circuit.rz(z[0].sin() - theta[1] / 3, 1)
    return circuit


@pytest.fixture
def folder(tmp_path):
    save_model_folder(tmp_path / "model", config=CONFIG, state=STATE, circuit=example_circuit())
    return tmp_path / "model"


def change_config(folder, change):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


def replace_circuit(folder, content):
    """Put other bytes in the place of the circuit, with their right checksum, as an attacker would."""
    (folder / "circuit.qpy").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    change_config(folder, lambda config: config["files"].update({"circuit.qpy": digest}))


def test_round_trip(folder):
    config, state = load_model_folder(folder)
    assert config == {
        "format_version": FORMAT_VERSION,
        "package_version": __version__,
        "class_name": "StyleQGAN",
        "config": {"image_shape": [1, 8, 8], "num_qubits": 3, "lr": 1e-4, "name": None},
    }
    assert state.keys() == STATE.keys()
    for name, tensor in STATE.items():
        assert state[name].dtype == tensor.dtype
        assert state[name].numpy().tobytes() == tensor.numpy().tobytes()


def test_circuit_round_trip(folder):
    circuit, original = load_circuit(folder), example_circuit()
    assert circuit.name == original.name
    assert circuit.metadata == original.metadata
    assert [parameter.name for parameter in circuit.parameters] == [parameter.name for parameter in original.parameters]
    values = [0.1, -0.2, 0.3, 0.4, 0.5]
    assert circuit.assign_parameters(values) == original.assign_parameters(values)


def test_a_model_without_a_circuit(tmp_path):
    save_model_folder(tmp_path / "model", config=CONFIG, state={}, circuit=None)
    assert load_circuit(tmp_path / "model") is None
    assert load_model_folder(tmp_path / "model")[1] == {}
    assert sorted(file.name for file in (tmp_path / "model").iterdir()) == ["config.json", "model.safetensors"]


def test_other_tools_read_the_folder(folder):
    assert json.loads((folder / "config.json").read_text())["class_name"] == "StyleQGAN"
    assert safetensors.torch.load_file(folder / "model.safetensors").keys() == STATE.keys()
    with (folder / "circuit.qpy").open("rb") as file:
        assert len(qpy.load(file)) == 1


def test_saving_again_replaces_every_file(folder):
    save_model_folder(folder, config={**CONFIG, "class_name": "Other"}, state={"x": torch.zeros(0)}, circuit=None)
    config, state = load_model_folder(folder)
    assert config["class_name"] == "Other"
    assert list(state) == ["x"]
    assert load_circuit(folder) is None
    assert [entry.name for entry in folder.parent.iterdir()] == ["model"]


def test_further_keys_of_the_configuration_are_kept(tmp_path):
    save_model_folder(tmp_path / "model", config={**CONFIG, "training": {"steps": 1500}}, state={}, circuit=None)
    assert load_model_folder(tmp_path / "model")[0]["training"] == {"steps": 1500}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"config": {}}, "Argument `config` must hold `class_name`, the name of a class, but holds None."),
        ({"class_name": "../x", "config": {}}, "must hold `class_name`, the name of a class, but holds '../x'."),
        ({"class_name": "A"}, "Argument `config` must hold `config`, a dict of settings."),
        ({**CONFIG, "format_version": 1}, "must not hold the key `format_version`, which is added when saving."),
        ({**CONFIG, "x": float("nan")}, "Argument `config.x` must be finite to be stored as JSON, but is nan."),
        ({**CONFIG, "x": {1, 2}}, "Argument `config.x` must be a dict, list, text, number, boolean or None"),
    ],
)
def test_configurations_that_cannot_be_saved_leave_the_old_model(folder, config, message):
    with pytest.raises(ArgumentError, match=re.escape(message)):
        save_model_folder(folder, config=config, state={}, circuit=None)
    assert load_model_folder(folder)[0]["class_name"] == "StyleQGAN"


def test_arguments_of_other_types_leave_the_old_model(folder):
    with pytest.raises(ArgumentTypeError, match="`circuit` must be a QuantumCircuit or None, but is of type str"):
        save_model_folder(folder, config=CONFIG, state={}, circuit="circuit")
    with pytest.raises(ArgumentTypeError, match="Argument `config` must be a dict, but is of type list"):
        save_model_folder(folder, config=[], state={}, circuit=None)
    with pytest.raises(ArgumentTypeError, match="Argument `tensors` must map text to tensors"):
        save_model_folder(folder, config=CONFIG, state={"x": 1}, circuit=None)
    assert load_model_folder(folder)[1].keys() == STATE.keys()


def test_folders_of_another_origin_are_not_replaced(tmp_path, folder):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.tex").write_text("precious")
    with pytest.raises(CheckpointError, match=r"holds 'thesis\.tex', which is not part of a saved model"):
        save_model_folder(tmp_path / "work", config=CONFIG, state={}, circuit=None)
    assert (tmp_path / "work" / "thesis.tex").read_text() == "precious"
    (folder / "config.json").unlink()
    (folder / "config.json").mkdir()
    with pytest.raises(CheckpointError, match=r"holds 'config\.json', which is not part of a saved model"):
        save_model_folder(folder, config=CONFIG, state={}, circuit=None)
    (tmp_path / "file").write_text("precious")
    with pytest.raises(CheckpointError, match="a file of that name exists"):
        save_model_folder(tmp_path / "file", config=CONFIG, state={}, circuit=None)
    assert (tmp_path / "file").read_text() == "precious"


def test_an_empty_folder_is_taken(tmp_path):
    save_model_folder(tmp_path, config=CONFIG, state=STATE, circuit=None)
    assert load_model_folder(str(tmp_path))[1].keys() == STATE.keys()


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "circuit.qpy"])
def test_missing_files_are_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=f"^Folder .*/model is .*{name}"):
        load_circuit(folder) if name == "circuit.qpy" else load_model_folder(folder)


def test_a_missing_folder_is_named(tmp_path):
    for load in (load_model_folder, load_circuit):
        with pytest.raises(CheckpointError, match=r"^Folder .*/nothing does not exist\.$"):
            load(tmp_path / "nothing")


@pytest.mark.parametrize("name", ["model.safetensors", "circuit.qpy"])
def test_every_changed_byte_is_noticed(folder, name):
    content = (folder / name).read_bytes()
    load = load_circuit if name == "circuit.qpy" else load_model_folder
    for position in range(0, len(content), 7):
        changed = bytearray(content)
        changed[position] ^= 0x10
        (folder / name).write_bytes(changed)
        with pytest.raises(CheckpointError, match=f"^File .*{name} is damaged: it does not match its checksum"):
            load(folder)


def test_files_of_two_models_are_not_mixed(folder, tmp_path):
    save_model_folder(tmp_path / "other", config=CONFIG, state={"x": torch.ones(1)}, circuit=QuantumCircuit(1))
    for name in ("model.safetensors", "circuit.qpy"):
        (tmp_path / "other" / name).replace(folder / name)
    for load in (load_model_folder, load_circuit):
        with pytest.raises(CheckpointError, match="does not match its checksum"):
            load(folder)


def test_a_newer_format_is_refused_with_the_remedy(folder):
    change_config(folder, lambda config: config.update(format_version=FORMAT_VERSION + 1, package_version="9.1"))
    message = (
        f"has the newer format version {FORMAT_VERSION + 1}, but this is qiskit_qgen {__version__}, which reads "
        f"version {FORMAT_VERSION}: install qiskit_qgen 9.1."
    )
    for load in (load_model_folder, load_circuit):
        with pytest.raises(CheckpointError, match=f"^File .*config.json {re.escape(message)}$"):
            load(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is damaged or was not written by this package: Expecting value"),
        (b"\x80\x04\x95", "is damaged or was not written by this package: 'utf-8' codec"),
        (b"[1, 2]", "must hold a JSON object, but holds a list."),
        (b"null", "must hold a JSON object, but holds a NoneType."),
        (b"{}", "must hold `format_version`, a positive integer, but holds None."),
        (b'{"format_version": true}', "must hold `format_version`, a positive integer, but holds True."),
        (b'{"format_version": -1}', "must hold `format_version`, a positive integer, but holds -1."),
        (b'{"format_version": "1"}', "must hold `format_version`, a positive integer, but holds '1'."),
        (b'{"format_version": NaN}', "it holds NaN, which is not JSON."),
        (b'{"format_version": 1e999}', "it holds the number 1e999, which is too large."),
        (b'{"format_version": ' + b"9" * 5000 + b"}", "is damaged or was not written by this package: Exceeds"),
        (b"[" * 100_000, "is damaged or was not written by this package: it is nested too deeply."),
        (b" " * (2**22 + 1), "is not a model's configuration: it has more than 4194304 bytes."),
        (b'{"format_version": 1}', "has the older format version 1, but this is qiskit_qgen"),
        (b'{"format_version": 2}', "must hold `files`, the checksums of the other files."),
        (b'{"format_version": 2, "files": []}', "must hold `files`, the checksums of the other files."),
        (b'{"format_version": 2, "files": {"model.safetensors": 0}}', "must hold `class_name`"),
        (
            b'{"format_version": 2, "files": {"model.safetensors": 0}, "class_name": "os.system", "config": {}}',
            "must hold `class_name`, the name of a class, but holds 'os.system'.",
        ),
        (
            b'{"format_version": 2, "files": {"model.safetensors": 0}, "class_name": "A", "config": []}',
            "must hold `config`, a dict of settings.",
        ),
    ],
    ids=range(19),
)
def test_hostile_configurations_are_refused(folder, content, message):
    (folder / "config.json").write_bytes(content)
    for load in (load_model_folder, load_circuit):
        with pytest.raises(CheckpointError, match=f"^File .*config.json .*{re.escape(message)}"):
            load(folder)


def test_checksums_of_another_type_match_nothing(folder):
    change_config(folder, lambda config: config["files"].update({"model.safetensors": None, "circuit.qpy": [1]}))
    for load in (load_model_folder, load_circuit):
        with pytest.raises(CheckpointError, match="does not match its checksum"):
            load(folder)


@pytest.mark.parametrize("version", [13, 17])
def test_circuits_of_supported_versions_are_read(folder, version, tmp_path):
    with (tmp_path / "circuit").open("wb") as file:
        qpy.dump(example_circuit(), file, version=version)
    content = (tmp_path / "circuit").read_bytes()
    assert content[6] == version
    replace_circuit(folder, content)
    assert load_circuit(folder).num_qubits == 2


def test_circuits_are_stored_in_the_version_that_every_supported_qiskit_reads(folder):
    assert (folder / "circuit.qpy").read_bytes()[:7] == b"QISKIT\x11"


def test_circuits_of_versions_that_evaluate_text_are_not_read(folder):
    content = bytearray((folder / "circuit.qpy").read_bytes())
    content[6] = 12
    replace_circuit(folder, bytes(content))
    with pytest.raises(CheckpointError, match=r"circuit.qpy is not a QPY file of version 13 or newer\.$"):
        load_circuit(folder)


@pytest.mark.parametrize("content", [b"", b"QISKIT", b"\x80\x04cos\nsystem\n", b"PK\x03\x04" + b"\0" * 100])
def test_files_that_are_no_circuits_are_refused(folder, content):
    replace_circuit(folder, content)
    with pytest.raises(CheckpointError, match="is not a QPY file"):
        load_circuit(folder)


def test_truncated_circuits_with_a_right_checksum_are_refused(folder):
    content = (folder / "circuit.qpy").read_bytes()
    refused = 0
    for length in range(7, len(content), 11):
        replace_circuit(folder, content[:length])
        with pytest.raises(CheckpointError, match=r"circuit.qpy cannot be read by this version of Qiskit: .*\."):
            load_circuit(folder)
        refused += 1
    assert refused > 10


def test_a_file_of_two_circuits_is_refused(folder, tmp_path):
    with (tmp_path / "circuits").open("wb") as file:
        qpy.dump([QuantumCircuit(1), QuantumCircuit(1)], file, version=17)
    replace_circuit(folder, (tmp_path / "circuits").read_bytes())
    with pytest.raises(CheckpointError, match="must hold exactly one circuit, but holds 2 programs"):
        load_circuit(folder)


class Panic(BaseException):
    """What Qiskit's compiled code raises when it gives up is not an Exception either."""


def test_a_panic_of_the_reader_is_an_error_as_any_other(folder, monkeypatch):
    def panic(_):
        raise Panic("called `unwrap()`")

    monkeypatch.setattr(qpy, "load", panic)
    with pytest.raises(CheckpointError, match="cannot be read by this version of Qiskit: called"):
        load_circuit(folder)


def test_a_file_of_gigabytes_is_not_read(folder):
    with (folder / "circuit.qpy").open("r+b") as file:
        file.truncate(2**40)
    with pytest.raises(CheckpointError, match=r"circuit\.qpy is damaged: it has more bytes than the model needs"):
        load_circuit(folder)
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(2**43)
    with pytest.raises(CheckpointError, match=r"model\.safetensors is damaged: it has more bytes than the model"):
        load_model_folder(folder, maximum=2**20)
    with pytest.raises(CheckpointError, match="has more bytes than fit in memory"):
        load_tensors(folder / "model.safetensors")
    assert load_model_config(folder)["class_name"] == "StyleQGAN"


def test_a_circuit_of_millions_of_qubits_is_refused(folder):
    content = (folder / "circuit.qpy").read_bytes()
    place = content.index(struct.pack("!II", 2, 0), 20)
    replace_circuit(folder, content[:place] + struct.pack("!I", 2**31) + content[place + 4 :])
    with pytest.raises(CheckpointError, match="a circuit has more than 100,000 bits, each of which takes memory"):
        load_circuit(folder)


def test_json_is_bounded_in_depth_and_may_have_a_byte_order_mark():
    assert parse_json("\ufeff[1]", "It") == parse_json(b"\xef\xbb\xbf[1]", "It") == [1]
    assert parse_json("[" * 50 + "]" * 50, "It")
    for text in ("[" * 51 + "]" * 51, '{"a":' * 500 + "1" + "}" * 500, "[" * 100_000):
        with pytest.raises(CheckpointError, match="nested too deeply"):
            parse_json(text, "It")
    with pytest.raises(CheckpointError, match="It is damaged"):
        parse_json("9" * 5_000, "It")
