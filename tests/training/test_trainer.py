import logging
import os
import signal

import pytest
import torch
from torch import nn
from toy import LinePhase

from qiskit_qgen.exceptions import ArgumentError, CheckpointError, TrainingDivergedError
from qiskit_qgen.training import AbstractCallback, Checkpoint, EarlyStopping, Trainer
from qiskit_qgen.training.checkpoint import CHECKPOINT_NAME

CONFIG = {"width": 3, "nested": {"rate": 0.1}, "shape": (1, 2)}


class Recorder(AbstractCallback):
    def __init__(self):
        self.calls = []

    def on_train_begin(self, state):  # noqa: ARG002
        self.calls.append("train+")

    def on_phase_begin(self, state):
        self.calls.append(f"{state.phase.name}+{state.step}")

    def on_step_end(self, state):
        self.calls.append(state.step)

    def on_phase_end(self, state):
        self.calls.append(f"{state.phase.name}-")

    def on_train_end(self, state):  # noqa: ARG002
        self.calls.append("train-")


class StopAt(AbstractCallback):
    """Raises ``error`` after step ``step`` of phase ``phase``, as a crash would."""

    def __init__(self, phase, step, error=RuntimeError):
        self.place, self.error = (phase, step), error

    def on_step_end(self, state):
        if (state.phase.name, state.step) == self.place:
            raise self.error("stop")


def make(folder=None, *, callbacks=(), resume=False, seed=0, config=CONFIG, steps=(5, 6), every=2):
    first = LinePhase("first", num_steps=steps[0], seed=seed)
    second = LinePhase("second", num_steps=steps[1], seed=seed, module=first.module)
    hooks = [*callbacks, *([] if folder is None else [Checkpoint(every)])]
    return Trainer([first, second], seed=seed, config=config, callbacks=hooks, checkpoint_dir=folder, resume=resume)


def bits(trainer):
    first, second = trainer.state.phases
    tensors = [*first.module.state_dict().values(), *second.averages["line"].tensors.values()]
    for phase in (first, second):
        for state in phase.optimizers["line"].state_dict()["state"].values():
            tensors += [state[key] for key in sorted(state)]
    return [tensor.clone() for tensor in tensors]


def same(first, second):
    return len(first) == len(second) and all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_hooks_are_called_in_order_and_the_history_is_complete():
    recorder = Recorder()
    trainer = make(callbacks=[recorder], steps=(2, 1))
    history = trainer.run()
    assert recorder.calls == ["train+", "first+0", 1, 2, "first-", "second+0", 1, "second-", "train-"]
    assert history.steps("first", "loss") == [1, 2]
    assert history.seconds.keys() == {"first", "second"}
    assert [phase.begun for phase in trainer.state.phases] == [1, 1]


def test_the_optimum_is_approached_and_learning_rates_follow_the_schedule():
    phase = LinePhase(num_steps=200)
    history = Trainer([phase], seed=0, config={}).run()
    values = history.values("line", "loss")
    assert sum(values[-20:]) < 0.1 * sum(values[:20])
    assert phase.optimizers["line"].param_groups[0]["lr"] == pytest.approx(0.05 / 200)


def test_nothing_is_written_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make().run()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "place", [("first", 1), ("first", 4), ("first", 5), ("second", 1), ("second", 3), ("second", 6)]
)
def test_a_crashed_run_ends_with_the_same_bits(tmp_path, place):
    whole = make()
    expected = whole.run()
    with pytest.raises(RuntimeError, match="stop"):
        make(tmp_path, callbacks=[StopAt(*place)]).run()
    second = make(tmp_path, resume=True, callbacks=[StopAt("none", 0)])
    assert second.state.step % 2 == 0
    assert second.run() == expected
    assert same(bits(second), bits(whole))
    third = make(tmp_path, resume=True)
    assert third.state.finished
    assert third.run() == expected
    assert same(bits(third), bits(whole))


def test_a_resumed_run_really_uses_the_state_of_its_optimizer(tmp_path):
    whole = make()
    whole.run()
    with pytest.raises(RuntimeError, match="stop"):
        make(tmp_path, callbacks=[StopAt("first", 4)]).run()
    second = make(tmp_path, resume=True)
    for state in second.state.phases[0].optimizers["line"].state.values():
        state["exp_avg"].zero_()
    second.run()
    assert not same(bits(second), bits(whole))


def test_checkpoints_contain_what_later_callbacks_record(tmp_path):
    class Late(AbstractCallback):
        def on_step_end(self, state):
            state.history.record(state.phase.name, state.step, {"late": state.step})

    expected = make(callbacks=[Late()]).run()
    folder = tmp_path / "run"
    with pytest.raises(RuntimeError, match="stop"):
        Trainer(
            make().state.phases,
            seed=0,
            config=CONFIG,
            checkpoint_dir=folder,
            callbacks=[Checkpoint(2), Late(), StopAt("first", 5)],
        ).run()
    resumed = Trainer(
        make().state.phases,
        seed=0,
        config=CONFIG,
        checkpoint_dir=folder,
        resume=True,
        callbacks=[Checkpoint(2), Late()],
    )
    assert resumed.run() == expected


def test_early_stopping_counts_survive_a_resume(tmp_path):
    def stopping():
        return EarlyStopping("loss", patience=3, phase="first", min_delta=10.0)

    expected = make(callbacks=[stopping()], steps=(50, 3)).run()
    assert expected.steps("first", "loss")[-1] == 4
    with pytest.raises(RuntimeError, match="stop"):
        make(tmp_path, callbacks=[stopping(), StopAt("first", 3)], steps=(50, 3)).run()
    second = make(tmp_path, callbacks=[stopping(), StopAt("none", 0)], steps=(50, 3), resume=True)
    assert second.state.step == 2
    assert second.run() == expected


def test_a_stop_that_was_asked_for_survives_a_crash_before_the_phase_ends(tmp_path):
    class StopEarly(AbstractCallback):
        def on_step_end(self, state):
            if (state.phase.name, state.step) == ("first", 4):
                state.request_stop()

    class CrashAtEnd(AbstractCallback):
        def on_phase_end(self, state):
            raise RuntimeError(f"crash after {state.step}")

    expected = make(callbacks=[StopEarly()], steps=(8, 3)).run()
    assert expected.steps("first", "loss")[-1] == 4
    with pytest.raises(RuntimeError, match="crash after 4"):
        make(tmp_path, callbacks=[StopEarly(), CrashAtEnd()], steps=(8, 3)).run()
    assert make(tmp_path, steps=(8, 3), resume=True).run() == expected


def test_callbacks_with_a_state_must_come_back(tmp_path):
    with pytest.raises(RuntimeError, match="stop"):
        make(tmp_path, callbacks=[EarlyStopping("loss"), StopAt("first", 3)]).run()
    with pytest.raises(
        CheckpointError, match="with the callbacks EarlyStopping, StopAt, Checkpoint, but this run has Checkpoint"
    ):
        make(tmp_path, resume=True)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"config": {**CONFIG, "width": 4}}, "`width` was 3, but is now 4"),
        ({"config": {**CONFIG, "nested": {"rate": 0.2}}}, "`nested.rate` was 0.1, but is now 0.2"),
        ({"config": {**CONFIG, "more": 1}}, "`more` was None, but is now 1"),
    ],
)
def test_another_configuration_is_refused_by_name(tmp_path, change, text):
    make(tmp_path)
    with pytest.raises(CheckpointError, match=text):
        make(tmp_path, resume=True, **change)
    assert make(tmp_path, resume=True).run() == make().run()


def test_other_networks_are_refused(tmp_path):
    make(tmp_path)
    phase = LinePhase("first", module=nn.Linear(2, 1, bias=False))
    with pytest.raises(CheckpointError, match="does not fit"):
        Trainer([phase], seed=0, config=CONFIG, checkpoint_dir=tmp_path, resume=True)


def test_a_damaged_checkpoint_is_refused_and_kept(tmp_path):
    make(tmp_path)
    path = tmp_path / CHECKPOINT_NAME
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged"):
        make(tmp_path, resume=True)
    assert path.read_bytes() == content
    path.write_bytes(content[:100])
    with pytest.raises(CheckpointError):
        make(tmp_path, resume=True)


def test_an_earlier_run_is_not_overwritten(tmp_path):
    make(tmp_path).run()
    before = (tmp_path / CHECKPOINT_NAME).read_bytes()
    with pytest.raises(CheckpointError, match="pass `resume=True` to continue it"):
        make(tmp_path)
    assert (tmp_path / CHECKPOINT_NAME).read_bytes() == before


def test_resuming_where_there_is_no_checkpoint_starts_with_a_warning(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        trainer = make(tmp_path / "new", resume=True)
    assert "no checkpoint in" in caplog.text
    assert "starts at its first step" in caplog.text
    assert trainer.run() == make().run()
    with pytest.raises(ArgumentError, match="`checkpoint_dir` must name a folder if `resume` is True"):
        make(resume=True)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_checkpoint(tmp_path, value):
    recorder = Recorder()
    trainer = make(tmp_path, callbacks=[recorder])
    trainer.state.phases[1].poison = lambda step, _: torch.tensor(value) if step == 3 else None
    with pytest.raises(
        TrainingDivergedError, match=rf"phase 'second' at step 4: loss `loss` is {value}\. The last good"
    ):
        trainer.run()
    assert recorder.calls[-2:] == [3, "train-"]
    assert make(tmp_path, resume=True).state.step == 2
    assert make(tmp_path, resume=True).run() == make().run()


def test_a_weight_that_is_not_finite_stops_and_is_named():
    def poison(step, module):
        if step == 2:
            module.bias.data.fill_(float("inf"))

    trainer = make()
    trainer.state.phases[0].poison = poison
    with pytest.raises(
        TrainingDivergedError, match=r"'first' at step 3: weight `line\.bias` is not finite\. No checkpoint"
    ):
        trainer.run()


def test_ctrl_c_finishes_the_step_saves_and_raises(tmp_path):
    class PressCtrlC(AbstractCallback):
        def on_step_end(self, state):
            if (state.phase.name, state.step) == ("second", 3):
                os.kill(os.getpid(), signal.SIGINT)

    former = signal.getsignal(signal.SIGINT)
    recorder = Recorder()
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, callbacks=[PressCtrlC(), recorder]).run()
    assert recorder.calls[-2:] == [3, "train-"]
    assert signal.getsignal(signal.SIGINT) is former
    resumed = make(tmp_path, resume=True)
    assert (resumed.state.phase.name, resumed.state.step) == ("second", 3)
    assert resumed.run() == make().run()


def test_ctrl_c_at_the_very_end_is_not_swallowed(tmp_path):
    class PressCtrlC(AbstractCallback):
        def on_phase_end(self, state):
            if state.phase.name == "second":
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, callbacks=[PressCtrlC()]).run()
    assert make(tmp_path, resume=True).state.finished


def test_a_second_ctrl_c_ends_at_once():
    trainer = make()

    def press_twice(*_):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    trainer.state.phases[0].poison = press_twice
    with pytest.raises(KeyboardInterrupt):
        trainer.run()
    assert trainer.state.step == 0


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot be made"):
        make(tmp_path / "file" / "run")


def test_no_phase_is_refused():
    with pytest.raises(ArgumentError, match="`phases` must hold at least one phase"):
        Trainer([], seed=0, config={})


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX locks")
def test_what_a_killed_run_left_half_written_is_removed_by_the_next(tmp_path):
    def leave():
        for name in (".checkpoint.0123456789abcdef.tmp.safetensors", ".mine.0123456789abcdef.tmp.safetensors"):
            (tmp_path / name).write_bytes(b"half")

    leave()
    make(tmp_path).run()
    assert {entry.name for entry in tmp_path.iterdir()} == {
        CHECKPOINT_NAME,
        ".mine.0123456789abcdef.tmp.safetensors",
    }
    leave()
    make(tmp_path, resume=True).run()
    assert not (tmp_path / ".checkpoint.0123456789abcdef.tmp.safetensors").exists()
