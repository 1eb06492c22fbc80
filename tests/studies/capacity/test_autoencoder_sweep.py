"""The sweep over options of the autoencoder: what it makes of made-up trials, and small ones of its own."""

import csv
import json

import numpy as np
import pytest
import scipy.stats
import torch

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.models import StyleQGAN
from qiskit_qgen.studies import AutoencoderSweep, run_autoencoder_sweep
from qiskit_qgen.studies.capacity.autoencoder_sweep import option_grid

REAL = {"frechet_distance": 0.5, "kernel_distance": 0.05, "jensen_shannon_divergence": 0.01}


def record(options, seed, distance, status="done"):
    floors = {"frechet_distance": distance, "kernel_distance": distance / 10, "jensen_shannon_divergence": 0.1}
    result = {"reconstruction_error": distance / 100, "floor_reconstruction": floors, "floor_real": REAL}
    ended = {"result": result} if status == "done" else {"error": "RuntimeError: no memory"}
    return {
        "digest": f"{options['latent_dim']:08x}{seed:08x}",
        "configuration": {"options": options, "seed": seed},
        "status": status,
    } | ended


def settings(latent_dim, noise=0.2):
    return {"autoencoder_width": 8, "latent_dim": latent_dim, "latent_noise": noise}


def test_a_grid_holds_every_combination_once():
    found = option_grid({"latent_dim": [8, 16], "latent_noise": [0.0, 0.2]}, {"autoencoder_width": 8})
    assert found == [settings(8, 0.0), settings(8, 0.2), settings(16, 0.0), settings(16, 0.2)]
    assert option_grid({}, {"latent_dim": 3}) == [{"latent_dim": 3}]


@pytest.mark.parametrize(
    ("grid", "error", "message"),
    [
        ({"latent_dim": [8, 8]}, ArgumentError, "`latent_dim` must hold distinct values"),
        ({"latent_dim": []}, ArgumentError, "`latent_dim` must hold distinct values, at least one"),
        ({"latent_dim": 8}, ArgumentTypeError, "`latent_dim` must be a sequence"),
        ({"latent_noise": [0.1]}, ArgumentError, "`latent_noise` must be in the grid or common to all, but is both"),
    ],
)
def test_a_grid_is_checked(grid, error, message):
    with pytest.raises(error, match=message):
        option_grid(grid, {"latent_noise": 0.3})


def test_settings_are_compared_by_means_over_their_seeds():
    distances = {8: (4.0, 5.0, 9.0), 16: (1.0, 2.0, 6.0), 24: (2.5, 2.5, 5.5)}
    records = [record(settings(size), seed, values[seed]) for seed in range(3) for size, values in distances.items()]
    sweep = AutoencoderSweep(records)
    assert sweep.varied == ["latent_dim"]
    assert [row["options"]["latent_dim"] for row in sweep.rows] == [8, 16, 24]
    assert [row["num_trials"] for row in sweep.rows] == [3, 3, 3]
    for row, values in zip(sweep.rows, distances.values(), strict=True):
        low, high = scipy.stats.t.interval(0.95, 2, np.mean(values), scipy.stats.sem(values))
        assert row["frechet_distance"] == pytest.approx({"mean": np.mean(values), "low": low, "high": high})
        assert row["reconstruction_error"]["mean"] == pytest.approx(np.mean(values) / 100)
    assert sweep.best == sweep.rows[1]
    assert "over 3 seeds, has latent_dim 16; real pictures have 0.5." in sweep.reading
    assert "may be chance" not in sweep.reading
    # Differences to the best are 3, 3, 3 and 1.5, 0.5, -0.5, so that one of them has an interval above zero.
    assert "Compared seed by seed, not clearly worse is latent_dim 24." in sweep.reading
    table = sweep.table().splitlines()
    assert table[0] == "| latent_dim | seeds | pixel error | Fréchet distance | kernel distance | Jensen-Shannon |"
    assert table[3].startswith("| 16 | 3 | 0.03 [")
    assert table[-1] == "| *real pictures* |  |  | 0.5 | 0.05 | 0.01 |"
    assert {line.count("|") for line in table} == {7}


def test_what_failed_is_counted_and_never_the_best(tmp_path):
    records = [record(settings(8), 0, 3.0), record(settings(16), 0, 0.1, "failed")]
    sweep = AutoencoderSweep(records)
    assert sweep.best == sweep.rows[0]
    assert sweep.rows[1] == {"options": settings(16), "planned": 1, "num_trials": 0}
    assert sweep.reading.startswith(
        "1 of 2 trainings failed or diverged. The lowest floor, a Fréchet distance of 3 over 1"
    )
    assert "With one seed" not in sweep.reading  # nothing is left to compare with
    assert "| 16 | 0 | - | - | - | - |" in sweep.table()
    sweep.save(tmp_path)
    rows = list(csv.DictReader((tmp_path / "autoencoders.csv").read_text().splitlines()))
    assert [(row["latent_dim"], row["status"], row["frechet_distance"]) for row in rows] == [
        ("8", "done", "3.0"),
        ("16", "failed", ""),
    ]
    assert json.loads((tmp_path / "autoencoders.json").read_text()) == sweep.to_dict()
    assert AutoencoderSweep(records[1:]).reading.endswith("No setting has a floor.")


def test_an_option_that_some_leave_to_its_default_is_named():
    sweep = AutoencoderSweep([record({"latent_dim": 8}, 0, 2.0), record(settings(8), 0, 3.0)])
    assert sweep.varied == ["autoencoder_width", "latent_noise"]
    assert "has autoencoder_width default, latent_noise default;" in sweep.reading
    assert "With one seed, small differences between settings may be chance." in sweep.reading


@pytest.fixture(scope="module")
def pictures():
    generator = torch.Generator().manual_seed(4)
    return torch.rand(60, 1, 8, 8, generator=generator).split(40)


SMALL = {"steps": 4, "batch_size": 8, "num_samples": 20}
TINY = {"autoencoder_width": 4, "autoencoder_hidden": 8}


def test_every_setting_is_trained_with_every_seed_and_not_again(tmp_path, pictures):
    options = option_grid({"latent_dim": [2, 4]}, TINY)
    records = run_autoencoder_sweep(*pictures, options, tmp_path, **SMALL, seeds=(0, 1))
    assert [(each["configuration"]["seed"], each["configuration"]["options"]["latent_dim"]) for each in records] == [
        (0, 2), (0, 4), (1, 2), (1, 4),
    ]  # fmt: skip
    assert {each["status"] for each in records} == {"done"}
    assert [row["num_trials"] for row in AutoencoderSweep(records).rows] == [2, 2]
    folder = tmp_path / "trials" / records[1]["digest"]
    assert (folder / "reconstructions.png").is_file()
    model = StyleQGAN.from_pretrained(folder / "model")
    rebuilt = model.reconstruct(pictures[1])
    assert records[1]["result"]["reconstruction_error"] == pytest.approx(float((rebuilt - pictures[1]).square().mean()))

    seen = []
    again = run_autoencoder_sweep(*pictures, options, tmp_path, **SMALL, seeds=(0, 1), on_trial=seen.append)
    assert (again, seen) == (records, [])


@pytest.mark.parametrize(
    ("options", "changed", "message"),
    [
        ([{"critic_width": 3}], {}, "must hold options of the autoencoder only"),
        ([{"latent_size": 3}], {}, "but holds `latent_size`"),
        ([{"latent_dim": 0}], {}, "`latent_dim` must be a positive integer, but is 0"),
        ([{}], {"steps": 0}, "`steps` must be a positive integer, but is 0"),
        ([{}], {"seeds": (1, 1)}, "`seeds` must hold distinct values"),
        ([{}], {"extractor": "eyes"}, "`extractor`"),
    ],
)
def test_arguments_are_checked_before_anything_is_written(tmp_path, pictures, options, changed, message):
    with pytest.raises(ArgumentError, match=message):
        run_autoencoder_sweep(*pictures, options, tmp_path / "sweep", **{**SMALL, **changed})
    assert not (tmp_path / "sweep").exists()
