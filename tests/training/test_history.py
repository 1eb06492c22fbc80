import json

import pytest

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.training import History


@pytest.fixture
def history():
    result = History()
    for step in range(1, 4):
        result.record("autoencoder", step, {"loss": 1 / 3**step})
    result.record("adversarial", 1, {"critic_loss": -0.1})
    result.record("adversarial", 2, {"critic_loss": -0.2, "score": 7.0})
    result.add_seconds("autoencoder", 1.5)
    result.add_seconds("autoencoder", 0.5)
    return result


def test_records_are_read_back(history):
    assert history.phases == ("autoencoder", "adversarial")
    assert history.names("adversarial") == ("critic_loss", "score")
    assert history.names("other") == ()
    assert history.steps("adversarial", "score") == [2]
    assert history.values("autoencoder", "loss") == [1 / 3, 1 / 9, 1 / 27]
    assert history.last("adversarial", "critic_loss") == -0.2
    assert history.seconds == {"autoencoder": 2.0}


def test_json_and_tensors_give_the_same_numbers_back(history, tmp_path):
    history.save(tmp_path / "history.json")
    loaded = History.load(tmp_path / "history.json")
    assert loaded == history
    assert loaded.seconds == history.seconds
    assert json.loads((tmp_path / "history.json").read_text())["phases"]["adversarial"]["score"]["values"] == [7.0]
    tensors, description = history.to_tensors()
    assert History.from_tensors(tensors, json.loads(json.dumps(description))) == history
    assert History.from_tensors(tensors, description).phases == history.phases


def test_equality_looks_at_every_number_but_not_at_times(history):
    other = History.from_dict(history.to_dict())
    other.add_seconds("adversarial", 3)
    assert other == history
    other.record("adversarial", 3, {"critic_loss": 0.0})
    assert other != history
    assert history != "history"


def test_what_is_returned_is_a_copy(history):
    history.values("autoencoder", "loss").append(5.0)
    assert len(history.values("autoencoder", "loss")) == 3


def test_steps_must_rise(history):
    with pytest.raises(ArgumentError, match=r"`step` must be greater than 2, the last step .* but is 2"):
        history.record("adversarial", 2, {"critic_loss": 1.0})
    with pytest.raises(ArgumentError, match=r"`step` must be .* but is -1"):
        history.record("adversarial", -1, {"critic_loss": 1.0})


def test_a_missing_record_names_those_there_are(history):
    with pytest.raises(
        ArgumentError, match="no record adversarial/loss; it has: autoencoder/loss, adversarial/critic_loss"
    ):
        history.values("adversarial", "loss")
    with pytest.raises(ArgumentError, match="it has: none"):
        History().last("a", "b")


def test_files_that_are_no_history_are_refused(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ArgumentError, match="is not one"):
        History.load(tmp_path / "a.json")
    (tmp_path / "a.json").write_text("[1]")
    with pytest.raises(ArgumentError, match=r"what `History\.to_dict` returns"):
        History.load(tmp_path / "a.json")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"phases": {"a": {"loss": {"steps": [1, 2], "values": [1]}}}, "seconds": {}}',
        b'{"phases": {"a": {"loss": {"steps": [1e300], "values": [1]}}}, "seconds": []}',
        b'{"phases": {"a": 3}, "seconds": {}}',
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b"9" * 5_000,
    ],
    ids=range(8),
)
def test_files_of_another_form_are_refused_in_a_sentence(tmp_path, content):
    (tmp_path / "history.json").write_bytes(content)
    with pytest.raises(ArgumentError, match=r"^Argument `(path|content)` must [^\n]*\.$"):
        History.load(tmp_path / "history.json")


def test_a_byte_order_mark_is_no_fault(tmp_path, history):
    history.save(tmp_path / "history.json")
    content = (tmp_path / "history.json").read_bytes()
    (tmp_path / "history.json").write_bytes(b"\xef\xbb\xbf" + content)
    assert History.load(tmp_path / "history.json") == history
