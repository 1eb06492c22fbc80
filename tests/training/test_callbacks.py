import csv
import inspect
import logging
import struct
import time
import warnings
from pathlib import Path

import pytest
import torch
from PIL import Image
from toy import LinePhase

from qiskit_qgen import training
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.optionals import HAS_TENSORBOARD, HAS_WANDB
from qiskit_qgen.training import (
    AbstractCallback,
    Checkpoint,
    CSVLogger,
    EarlyStopping,
    ProgressBar,
    ProgressLog,
    SampleDiscrepancy,
    SampleGrid,
    Scores,
    TensorBoard,
    Trainer,
    WeightsAndBiases,
)


def run(*callbacks, **options):
    return Trainer([LinePhase(**options)], seed=0, config={}, callbacks=callbacks).run()


def loggers(folder):
    return ProgressLog(), CSVLogger(folder / "metrics.csv"), TensorBoard(folder / "tb")


def test_every_hook_of_every_callback_has_the_signature_of_the_base():
    classes = [getattr(training, name) for name in training.__all__]
    callbacks = [c for c in classes if isinstance(c, type) and issubclass(c, AbstractCallback)]
    assert len(callbacks) == 11
    for callback in callbacks:
        for name, method in inspect.getmembers(callback, inspect.isfunction):
            if name.startswith("on_"):
                assert list(inspect.signature(method).parameters) == ["self", "state"], (callback, name)
                assert hasattr(AbstractCallback, name), (callback, name)


def test_callbacks_do_not_change_the_result(tmp_path):
    scores = Scores({"weight": lambda state: state.phase.module.weight.sum().item()}, every=3)
    history = run(ProgressBar(), scores, SampleGrid(tmp_path, 4), *loggers(tmp_path), EarlyStopping("loss"))
    assert history.values("line", "loss") == run().values("line", "loss")


def test_the_bar_shows_steps_losses_and_scores(capsys):
    run(Scores({"answer": lambda _: 42.0}, every=5), ProgressBar(every=5))
    text = capsys.readouterr().err
    assert "line" in text
    assert "10/10" in text
    assert "loss=" in text
    assert "answer=42" in text


@pytest.mark.slow
def test_a_notebook_without_widgets_has_a_line_of_text_that_moves():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    source = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
sys.modules["ipywidgets"] = None  # which cannot be imported then
from toy import LinePhase
from qiskit_qgen.models.base.run_settings import choose_callbacks
from qiskit_qgen.training import Trainer
Trainer([LinePhase()], seed=0, config={{}}, callbacks=choose_callbacks(None, None, 100)).run();
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the client's own event loop
        nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = notebook.cells[0].outputs
    assert {output.name for output in outputs} == {"stdout"}, outputs  # without a warning
    text = "".join(output.text for output in outputs)
    assert "10/10" in text
    assert "loss=" in text


def test_a_bar_without_a_terminal_is_silent_if_asked_to_be(capsys):
    run(ProgressBar(disable=None))
    assert capsys.readouterr().err == ""


def test_a_log_has_a_line_for_each_tenth_and_no_more(caplog):
    caplog.set_level(logging.INFO)
    run(Scores({"answer": lambda _: 42.0}, every=5), ProgressLog(), num_steps=40)
    lines = [record.getMessage() for record in caplog.records]
    assert [line.split()[3] for line in lines] == [f"{step}/40:" for step in range(4, 41, 4)]
    assert all("loss " in line and "answer 42" in line for line in lines)


def test_a_log_has_a_line_when_its_time_has_passed():
    lines = []
    run(ProgressLog(1e-9, write=lines.append), num_steps=40)
    assert len(lines) == 40


def test_scores_are_recorded_at_the_start_every_so_often_and_at_the_end(caplog):
    scores = Scores({"step": lambda state: state.step, "none": lambda _: None, "nan": lambda _: float("nan")}, 4)
    history = run(scores)
    assert history.steps("line", "step") == [0, 4, 8, 10]
    assert history.values("line", "step") == [0, 4, 8, 10]
    assert history.names("line") == ("step", "loss")
    assert "Score 'nan' is nan at step 4 of phase 'line' and is not recorded." in caplog.text


def test_a_discrepancy_has_nothing_to_say_about_other_phases():
    history = run(Scores({"discrepancy": SampleDiscrepancy(torch.rand(9, 1, 2, 2))}, 5))
    assert history.names("line") == ("loss",)


@pytest.mark.parametrize(("higher", "expected"), [(False, 7), (True, 3)])
def test_early_stopping_waits_for_its_patience(higher, expected):
    # Falls until step 5, then rises: two stale records end it at 7; taken as "higher is better" it never improves.
    curve = Scores({"curve": lambda state: abs(state.step - 5)}, every=1)
    stopping = EarlyStopping("curve", patience=2, higher_is_better=higher)
    history = run(curve, stopping, num_steps=20)
    assert history.steps("line", "loss")[-1] == expected
    assert (stopping.best, stopping.best_step) == ((4.0, 1) if higher else (0.0, 5))


def test_early_stopping_looks_only_at_new_records_and_its_own_phase():
    sparse = Scores({"flat": lambda _: 1.0}, every=4)
    assert run(sparse, EarlyStopping("flat", patience=1)).steps("line", "loss")[-1] == 8
    assert run(sparse, EarlyStopping("flat", patience=1, phase="other")).steps("line", "loss")[-1] == 10
    assert run(EarlyStopping("unknown", patience=1)).steps("line", "loss")[-1] == 10


def test_grids_are_written_with_their_step(tmp_path):
    run(SampleGrid(tmp_path / "grids", every=4, num_images=9))
    files = sorted(path.name for path in (tmp_path / "grids").iterdir())
    assert files == ["line-000000.png", "line-000004.png", "line-000008.png", "line-000010.png"]
    with Image.open(tmp_path / "grids" / files[0]) as sample_image:
        assert sample_image.size == (16, 16)


def test_tensorboard_holds_every_score_and_every_tenth_loss(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    history = run(Scores({"score": lambda state: state.step}, 4), TensorBoard(tmp_path, every=5))
    events = EventAccumulator(str(tmp_path)).Reload()
    losses = {event.step: event.value for event in events.Scalars("line/loss")}
    assert losses.keys() == {5, 10}
    assert losses[10] == pytest.approx(history.last("line", "loss"))
    assert [event.step for event in events.Scalars("line/score")] == [0, 4, 8, 10]


def test_a_table_holds_every_score_and_every_fifth_loss(tmp_path):
    path = tmp_path / "logs" / "metrics.csv"
    history = run(Scores({"score": lambda state: state.step}, 4), CSVLogger(path, every=5))
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["phase", "step", "name", "value"]
    assert [(int(step), name) for _, step, name, _ in rows] == [
        (0, "score"), (4, "score"), (5, "loss"), (8, "score"), (10, "score"), (10, "loss"),
    ]  # fmt: skip
    assert {float(value) for _, step, name, value in rows if (step, name) == ("10", "loss")} == {
        history.last("line", "loss")
    }


def test_a_table_of_a_resumed_run_is_that_of_an_uninterrupted_one(tmp_path):
    """The steps after the checkpoint, and half a line as a kill leaves it, are rewritten."""

    class Stop(AbstractCallback):
        def on_step_end(self, state):
            if state.step == 7:
                raise RuntimeError

    def train(folder, *more, **options):
        logger, checkpoints = CSVLogger(folder / "metrics.csv", every=1), folder / "checkpoints"
        callbacks = [Checkpoint(3), logger, *more]
        Trainer([LinePhase()], seed=0, config={}, callbacks=callbacks, checkpoint_dir=checkpoints, **options).run()
        return (folder / "metrics.csv").read_text()

    with pytest.raises(RuntimeError):
        train(tmp_path / "a", Stop())
    with (tmp_path / "a" / "metrics.csv").open("a") as file:
        file.write("line,8,lo")
    assert train(tmp_path / "a", resume=True) == train(tmp_path / "b")


def logged_rows(content):
    """Yield what each record of a ``.wandb`` file logs: a header of 7 bytes, and records of checksum, length, kind."""
    from wandb.proto import wandb_internal_pb2

    start = 7
    while start < len(content):
        _, length, kind = struct.unpack_from("<IHB", content, start)
        assert kind == 1  # the record is whole, as are all in a file below 32 KiB
        record = wandb_internal_pb2.Record.FromString(content[start + 7 : start + 7 + length])
        yield {"/".join(item.nested_key) or item.key: float(item.value_json) for item in record.history.item}
        start += 7 + length


def test_weights_and_biases_offline_holds_the_values_of_the_history(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path / "elsewhere"))
    logger = WeightsAndBiases(tmp_path / "wandb", every=5, project="lines", config={"width": 3})
    history = run(Scores({"score": lambda state: state.step}, 5), logger)
    (kept,) = (tmp_path / "wandb").glob("**/run-*.wandb")
    assert (tmp_path / "wandb" / "run-id.txt").read_text() in kept.name
    end = time.monotonic() + 60  # the library's service closes the file a moment after the run has finished
    while kept.stat().st_size <= 7 and time.monotonic() < end:
        time.sleep(0.05)
    values = {row["line/step"]: row for row in logged_rows(kept.read_bytes()) if row}
    assert values.keys() == {0, 5, 10}
    assert values[10]["line/loss"] == pytest.approx(history.last("line", "loss"))
    assert [each["line/score"] for each in values.values()] == [0, 5, 10]


@pytest.mark.parametrize(
    ("library", "make", "extra"),
    [(HAS_TENSORBOARD, TensorBoard, "tensorboard"), (HAS_WANDB, WeightsAndBiases, "wandb")],
)
def test_a_missing_library_names_the_extra(tmp_path, library, make, extra):
    from qiskit.exceptions import MissingOptionalLibraryError

    with library.disable_locally(), pytest.raises(MissingOptionalLibraryError, match=rf"qiskit_qgen\[{extra}\]"):
        make(tmp_path)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: Checkpoint(0), ArgumentError, "`every` must be a positive integer, but is 0"),
        (lambda: ProgressBar(1.5), ArgumentError, "`every` must be a positive integer, but is 1.5"),
        (lambda: ProgressLog(0), ArgumentError, "`seconds` must be"),
        (lambda: CSVLogger("a.csv", 0), ArgumentError, "`every` must be a positive integer"),
        (lambda: Scores({}), ArgumentError, "`scores` must hold at least one function"),
        (lambda: Scores({"a": 3}), ArgumentTypeError, "`scores` must hold functions, but 'a' is of type int"),
        (lambda: EarlyStopping("a", 0), ArgumentError, "`patience` must be a positive integer"),
        (lambda: EarlyStopping(3), ArgumentTypeError, "`monitor` must be the name of a loss or score"),
        (lambda: EarlyStopping("a", min_delta=-1), ArgumentError, "`min_delta`"),
        (lambda: SampleGrid("a", num_images=0), ArgumentError, "`num_images`"),
        (lambda: SampleDiscrepancy(torch.rand(9, 1, 2, 2), 1), ArgumentError, "`num_samples` must be an integer of"),
        (lambda: SampleDiscrepancy(torch.rand(1, 1, 2, 2)), ArgumentError, "at least 2"),
        (lambda: SampleDiscrepancy(torch.rand(9, 1, 2, 2), bandwidth=0.0), ArgumentError, "`bandwidth` must be"),
        (lambda: SampleDiscrepancy("digits"), ArgumentTypeError, "`validation` must be a tensor, an array or"),
        (lambda: run(Checkpoint()), ArgumentError, "`checkpoint_dir` must name a folder if `callbacks`"),
    ],
)
def test_bad_arguments_are_refused(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_toy_previews_are_images():
    assert torch.equal(LinePhase().preview(3, 1), LinePhase().preview(3, 1))
