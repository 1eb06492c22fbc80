"""What follows a run's training: grids, and the loggers of [logging]."""

import csv

import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from qiskit_qgen import History
from qiskit_qgen.cli.following import followers
from qiskit_qgen.cli.settings import LoggingSettings
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.optionals import HAS_WANDB
from qiskit_qgen.training import SampleGrid


def test_a_run_leaves_grids_and_the_logs_that_are_asked_for(qgen, config, tmp_path):
    folder = tmp_path / "run"
    asked = ("logging.csv=true", "logging.tensorboard=true", "logging.every=3", "logging.images_every=4")
    result = qgen("train", config, "--out", folder, "--seed", 1, *(part for each in asked for part in ("--set", each)))
    assert result.exit_code == 0, result.stderr
    assert "not trained" not in result.stderr
    grids = sorted(path.name for path in (folder / "progress").iterdir())
    assert grids == [
        *("adversarial-000000.png", "adversarial-000004.png", "adversarial-000006.png"),
        *("autoencoder-000000.png", "autoencoder-000004.png"),
    ]
    with Image.open(folder / "progress" / grids[0]) as image:
        assert image.size == (2 * (8 * 9 - 1), 2 * (8 * 9 - 1))
    history = History.load(folder / "history.json")
    with (folder / "metrics.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["name"] == "generator_loss"]
    assert [(int(row["step"]), float(row["value"])) for row in rows] == [
        (step, history.values("adversarial", "generator_loss")[step - 1]) for step in (3, 6)
    ]
    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("adversarial/critic_loss")] == [3, 6]

    again = qgen("train", config, "--out", folder, "--resume", "--set", "training.steps=8")  # without logs
    assert again.exit_code == 0, again.stderr
    assert "not trained" not in again.stderr
    assert (folder / "progress" / "adversarial-000008.png").is_file()


def test_a_logger_that_is_not_installed_is_refused_before_anything_is_written(qgen, config, tmp_path):
    with HAS_WANDB.disable_locally():
        result = qgen("train", config, "--out", tmp_path / "run", "--set", "logging.wandb=true")
    assert result.exit_code == 2
    assert "pip install 'qiskit_qgen[wandb]'" in result.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("model", "billed", "images_every", "expected"),
    [
        ("StyleQGAN", False, None, (50, 64)),
        ("QuantumDiffusion", False, None, (125, 16)),
        ("StyleQGAN", True, None, None),
        ("StyleQGAN", True, 10, (10, 64)),
        ("StyleQGAN", False, 0, None),
    ],
)
def test_grids_are_few_where_they_are_slow_and_none_where_they_are_billed(
    tmp_path, model, billed, images_every, expected
):
    logging = LoggingSettings(images_every=images_every).to_dict()
    tables = {"model": {"class_name": model}, "training": {"steps": 1000}, "logging": logging}
    grids = [each for each in followers(tables, tmp_path, billed=billed) if isinstance(each, SampleGrid)]
    assert [(each.every, each.num_images) for each in grids] == ([] if expected is None else [expected])


@pytest.mark.parametrize("given", [{"every": 5}, {"wandb_mode": "online", "csv": True}])
def test_options_of_a_logger_that_is_not_asked_for_are_refused(given):
    with pytest.raises(ArgumentError, match=rf"`{next(iter(given))}` has no effect without `"):
        LoggingSettings(**given)
