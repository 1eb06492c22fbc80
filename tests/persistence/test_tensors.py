import json
import re

import pytest
import safetensors.torch
import torch
from safetensors import safe_open

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, CheckpointError
from qiskit_qgen.persistence import check_state, load_tensors, save_tensors
from qiskit_qgen.persistence.tensors import STORED_DTYPES

SEED = 20_411


def bits(tensor):
    return tensor.contiguous().reshape(-1).view(torch.uint8).tolist()


def example(dtype, shape):
    generator = torch.Generator().manual_seed(SEED)
    count = torch.Size(shape).numel() * dtype.itemsize
    content = torch.randint(0, 2 if dtype == torch.bool else 256, (count,), dtype=torch.uint8, generator=generator)
    return content.view(dtype).reshape(shape)


def same(first, second):
    return first.dtype == second.dtype and first.shape == second.shape and bits(first) == bits(second)


@pytest.mark.parametrize("dtype", sorted(STORED_DTYPES, key=str), ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1,), (3, 2, 2)], ids=str)
def test_round_trip_keeps_every_bit(tmp_path, dtype, shape):
    # Random bits: among the floating-point values are NaNs with payloads, infinities and subnormal numbers.
    tensor = example(dtype, shape)
    save_tensors(tmp_path / "state", {"a.b": tensor})
    loaded, metadata = load_tensors(tmp_path / "state")
    assert list(loaded) == ["a.b"]
    assert same(loaded["a.b"], tensor)
    assert metadata == {}


def test_special_values_keep_every_bit(tmp_path):
    tensor = torch.tensor([-0.0, 0.0, float("nan"), -float("nan"), float("inf"), 1e-45])
    save_tensors(tmp_path / "state", {"x": tensor})
    assert same(load_tensors(tmp_path / "state")[0]["x"], tensor)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x.t(),
        lambda x: x[:, ::2],
        lambda x: x.expand(3, *x.shape),
        lambda x: torch.nn.Parameter(x),
        lambda x: (x * 1j).to(torch.complex64).conj(),
        lambda x: torch.complex(x, x).conj().imag,
        lambda x: x.reshape(1, 2, 3, 1).to(memory_format=torch.channels_last),
    ],
    ids=["transposed", "strided", "expanded", "parameter", "conjugate", "negated view", "channels last"],
)
def test_any_layout_in_memory_is_stored_by_its_values(tmp_path, make):
    tensor = make(torch.arange(6.0).reshape(2, 3))
    save_tensors(tmp_path / "state", {"x": tensor})
    loaded = load_tensors(tmp_path / "state")[0]["x"]
    assert not loaded.requires_grad
    assert same(loaded, tensor.detach().resolve_conj().resolve_neg())


def test_tensors_that_share_memory_come_back_equal_and_apart(tmp_path):
    base = torch.arange(8.0)
    state = {"whole": base, "tied": base, "tail": base[4:], "parts": base.view(2, 4)}
    save_tensors(tmp_path / "state", state)
    loaded, _ = load_tensors(tmp_path / "state")
    assert loaded.keys() == state.keys()
    assert all(same(loaded[name], tensor) for name, tensor in state.items())
    loaded["whole"].zero_()
    assert same(loaded["tied"], base)


def test_loaded_tensors_are_independent_of_the_file(tmp_path):
    path = tmp_path / "state"
    save_tensors(path, {"x": torch.ones(1000)})
    loaded, _ = load_tensors(path)
    before = path.read_bytes()
    loaded["x"].fill_(5)
    assert path.read_bytes() == before
    path.write_bytes(b"\0" * len(before))
    assert loaded["x"].eq(5).all()


def test_other_tools_read_the_file(tmp_path):
    state = {"w": torch.arange(6.0).reshape(2, 3), "n": torch.tensor(7)}
    save_tensors(tmp_path / "state.safetensors", state, metadata={"step": 3})
    loaded = safetensors.torch.load_file(tmp_path / "state.safetensors")
    assert loaded.keys() == state.keys()
    assert all(same(loaded[name], tensor) for name, tensor in state.items())
    with safe_open(tmp_path / "state.safetensors", framework="pt") as file:
        checksum, _, text = file.metadata()["qiskit_qgen"].partition(" ")
    assert len(checksum) == 64
    assert json.loads(text) == {"step": 3}


def test_same_content_gives_the_same_bytes(tmp_path):
    first, second = {"a": torch.ones(3), "b": torch.zeros(2)}, {"b": torch.zeros(2), "a": torch.ones(3)}
    contents = set()
    for state in (first, second) * 8:
        save_tensors(tmp_path / "state", state, metadata={"k": 1, "l": 2})
        contents.add((tmp_path / "state").read_bytes())
    assert len(contents) == 1


def test_metadata_round_trip(tmp_path):
    metadata = {"step": 2**70, "loss": 0.1, "names": ["ä", None, True], "nested": {"": {}}, "tiny": 5e-324}
    save_tensors(tmp_path / "state", {}, metadata=metadata)
    state, loaded = load_tensors(tmp_path / "state")
    assert state == {}
    assert loaded == metadata


def test_tuples_in_metadata_become_lists(tmp_path):
    save_tensors(tmp_path / "state", {}, metadata={"shape": (1, 28, 28)})
    assert load_tensors(tmp_path / "state")[1] == {"shape": [1, 28, 28]}


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"loss": float("nan")}, "Argument `metadata.loss` must be finite to be stored as JSON, but is nan."),
        ({"a": [1, -float("inf")]}, "Argument `metadata.a[1]` must be finite to be stored as JSON, but is -inf."),
        ({1: "x"}, "Argument `metadata` must have text keys to be stored as JSON, but has 1."),
        (
            {"a": {"b": torch.ones(1)}},
            "Argument `metadata.a.b` must be a dict, list, text, number, boolean or None to be stored as JSON, "
            "but is of type Tensor.",
        ),
    ],
)
def test_metadata_that_json_cannot_hold_is_refused(tmp_path, metadata, message):
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        save_tensors(tmp_path / "state", {}, metadata=metadata)
    assert not (tmp_path / "state").exists()


def test_metadata_that_holds_itself_is_refused(tmp_path):
    metadata = {}
    metadata["self"] = metadata
    with pytest.raises(ArgumentError, match="must not be nested more than 50 levels deep"):
        save_tensors(tmp_path / "state", {}, metadata=metadata)


@pytest.mark.parametrize(
    ("tensors", "error", "message"),
    [
        (
            {"x": [1.0]},
            ArgumentTypeError,
            "Argument `tensors` must map text to tensors, but maps 'x' of type str to list.",
        ),
        ({3: torch.ones(1)}, ArgumentTypeError, "but maps 3 of type int to Tensor."),
        ({"x": torch.ones(2).to_sparse()}, ArgumentError, "Tensor `x` must be dense and hold data to be stored."),
        ({"x": torch.ones(2, device="meta")}, ArgumentError, "Tensor `x` must be dense and hold data to be stored."),
        (
            {"x": torch.ones(2, dtype=torch.complex128)},
            ArgumentError,
            "Tensor `x` has type torch.complex128, which cannot be stored; convert it first.",
        ),
    ],
)
def test_tensors_that_cannot_be_stored_are_refused(tmp_path, tensors, error, message):
    with pytest.raises(error, match=re.escape(message)):
        save_tensors(tmp_path / "state", tensors)
    assert not (tmp_path / "state").exists()


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"^File .*no/state could not be written: No such file or directory\.$"):
        save_tensors(tmp_path / "no" / "state", {})


def test_every_changed_byte_is_noticed(tmp_path):
    path = tmp_path / "state"
    save_tensors(path, {"w": torch.tensor([1.5, -2.0]), "n": torch.tensor(3)}, metadata={"step": 12})
    content = path.read_bytes()
    for position in range(len(content)):
        for mask in (0x01, 0x80):
            changed = bytearray(content)
            changed[position] ^= mask
            path.write_bytes(changed)
            with pytest.raises(CheckpointError, match=rf"^(File|The metadata of) {re.escape(str(path))} .*\.$"):
                load_tensors(path)


def test_every_truncation_and_addition_is_noticed(tmp_path):
    path = tmp_path / "state"
    save_tensors(path, {"w": torch.tensor([1.5, -2.0])}, metadata={"step": 12})
    content = path.read_bytes()
    for damaged in (*(content[:length] for length in range(len(content))), content + b"\0"):
        path.write_bytes(damaged)
        with pytest.raises(
            CheckpointError, match=rf"^File {re.escape(str(path))} is damaged or not a safetensors file"
        ):
            load_tensors(path)


def test_missing_and_foreign_files_are_named(tmp_path):
    path = tmp_path / "state"
    with pytest.raises(CheckpointError, match=r"^File .*/state does not exist\.$"):
        load_tensors(path)
    with pytest.raises(CheckpointError, match=r"does not exist\.$"):
        load_tensors(tmp_path)
    safetensors.torch.save_file({"x": torch.ones(1)}, path)
    with pytest.raises(CheckpointError, match="was not written by this package"):
        load_tensors(path)
    torch.save({"x": torch.ones(1)}, path)
    with pytest.raises(CheckpointError, match="is damaged or not a safetensors file"):
        load_tensors(path)
    path.write_bytes((2**40).to_bytes(8, "little") + b"{}")
    with pytest.raises(CheckpointError, match="is damaged or not a safetensors file"):
        load_tensors(path)


LIKE = {"a": torch.ones(2, 3), "b": torch.ones(1)}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"a": torch.ones(2, 3)}, "it lacks `b`."),
        ({**LIKE, "c": torch.ones(1)}, "it holds the unknown `c`."),
        ({"a": torch.ones(2, 3), "c": torch.ones(1)}, "it lacks `b` and holds the unknown `c`."),
        (
            {**LIKE, **{f"extra{index}": torch.ones(1) for index in range(5)}},
            "it holds the unknown `extra0`, `extra1`, `extra2` and 2 more.",
        ),
        ({**LIKE, "a": torch.ones(3, 2)}, "`a` must be float32 of shape (2, 3), but is float32 of shape (3, 2)."),
        (
            {**LIKE, "b": torch.ones(1, dtype=torch.float64)},
            "`b` must be float32 of shape (1,), but is float64 of shape (1,).",
        ),
    ],
)
def test_state_that_does_not_fit_is_refused(tmp_path, state, message):
    save_tensors(tmp_path / "state", state)
    expected = f"^File {re.escape(str(tmp_path / 'state'))} does not fit this model: {re.escape(message)}$"
    with pytest.raises(CheckpointError, match=expected):
        load_tensors(tmp_path / "state", like=LIKE)


def test_state_that_fits_is_loaded(tmp_path):
    save_tensors(tmp_path / "state", LIKE)
    loaded, _ = load_tensors(tmp_path / "state", like={name: torch.zeros_like(value) for name, value in LIKE.items()})
    assert all(same(loaded[name], tensor) for name, tensor in LIKE.items())
    check_state(loaded, LIKE, source="File state")
