import inspect

import pytest
import torch
from PIL import Image
from toy import LinePhase

from qiskit_qgen import training
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.optionals import HAS_TENSORBOARD
from qiskit_qgen.training import (
    AbstractCallback,
    Checkpoint,
    EarlyStopping,
    ProgressBar,
    SampleDiscrepancy,
    SampleGrid,
    Scores,
    TensorBoard,
    Trainer,
)


def run(*callbacks, **options):
    return Trainer([LinePhase(**options)], seed=0, config={}, callbacks=callbacks).run()


def test_every_hook_of_every_callback_has_the_signature_of_the_base():
    classes = [getattr(training, name) for name in training.__all__]
    callbacks = [c for c in classes if isinstance(c, type) and issubclass(c, AbstractCallback)]
    assert len(callbacks) == 7
    for callback in callbacks:
        for name, method in inspect.getmembers(callback, inspect.isfunction):
            if name.startswith("on_"):
                assert list(inspect.signature(method).parameters) == ["self", "state"], (callback, name)
                assert hasattr(AbstractCallback, name), (callback, name)


def test_callbacks_do_not_change_the_result(tmp_path):
    scores = Scores({"weight": lambda state: state.phase.module.weight.sum().item()}, every=3)
    history = run(ProgressBar(), scores, SampleGrid(tmp_path, 4), TensorBoard(tmp_path / "tb"), EarlyStopping("loss"))
    assert history.values("line", "loss") == run().values("line", "loss")


def test_the_bar_shows_steps_losses_and_scores(capsys):
    run(Scores({"answer": lambda _: 42.0}, every=5), ProgressBar(every=5))
    text = capsys.readouterr().err
    assert "line" in text
    assert "10/10" in text
    assert "loss=" in text
    assert "answer=42" in text


def test_a_bar_without_a_terminal_is_silent_if_asked_to_be(capsys):
    run(ProgressBar(disable=None))
    assert capsys.readouterr().err == ""


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
    assert files == ["line-000004.png", "line-000008.png", "line-000010.png"]
    with Image.open(tmp_path / "grids" / files[0]) as picture:
        assert picture.size == (16, 16)


def test_tensorboard_holds_every_score_and_every_tenth_loss(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    history = run(Scores({"score": lambda state: state.step}, 4), TensorBoard(tmp_path, every=5))
    events = EventAccumulator(str(tmp_path)).Reload()
    losses = {event.step: event.value for event in events.Scalars("line/loss")}
    assert losses.keys() == {5, 10}
    assert losses[10] == pytest.approx(history.last("line", "loss"))
    assert [event.step for event in events.Scalars("line/score")] == [0, 4, 8, 10]


def test_a_missing_tensorboard_names_the_extra(tmp_path):
    from qiskit.exceptions import MissingOptionalLibraryError

    with (
        HAS_TENSORBOARD.disable_locally(),
        pytest.raises(MissingOptionalLibraryError, match=r"qiskit_qgen\[tensorboard\]"),
    ):
        TensorBoard(tmp_path)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: Checkpoint(0), ArgumentError, "`every` must be a positive integer, but is 0"),
        (lambda: ProgressBar(1.5), ArgumentError, "`every` must be a positive integer, but is 1.5"),
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


def test_toy_previews_are_pictures():
    assert torch.equal(LinePhase().preview(3, 1), LinePhase().preview(3, 1))
