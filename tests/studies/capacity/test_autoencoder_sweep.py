"""The sweep over options of the autoencoder: what it makes of made-up trials, and small ones of its own."""

import csv
import json
from pathlib import Path

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


def sweep_of(records):
    return AutoencoderSweep(records, Path("nowhere"))


def settings(latent_dim, noise=0.2):
    return {"autoencoder_width": 8, "latent_dim": latent_dim, "latent_noise": noise}


def test_a_grid_holds_every_combination_once():
    found = option_grid({"latent_dim": [8, 16], "latent_noise": [0.0, 0.2]})
    assert found == [
        {"latent_dim": latent_dim, "latent_noise": noise} for latent_dim in (8, 16) for noise in (0.0, 0.2)
    ]
    assert option_grid({}) == [{}]


@pytest.mark.parametrize(
    ("grid", "error", "message"),
    [
        ({"latent_dim": [8, 8]}, ArgumentError, "`latent_dim` must hold distinct values"),
        ({"latent_dim": []}, ArgumentError, "`latent_dim` must hold distinct values, at least one"),
        ({"latent_dim": 8}, ArgumentTypeError, "`latent_dim` must be a sequence"),
    ],
)
def test_a_grid_is_checked(grid, error, message):
    with pytest.raises(error, match=message):
        option_grid(grid)


def test_settings_are_compared_by_means_over_their_seeds():
    distances = {8: (4.0, 5.0, 9.0), 16: (1.0, 2.0, 6.0), 24: (2.5, 2.5, 5.5)}
    records = [record(settings(size), seed, values[seed]) for seed in range(3) for size, values in distances.items()]
    sweep = sweep_of(records)
    assert sweep.varied == ["latent_dim"]
    assert [row["options"]["latent_dim"] for row in sweep.rows] == [8, 16, 24]
    assert [row["num_trials"] for row in sweep.rows] == [3, 3, 3]
    for row, values in zip(sweep.rows, distances.values(), strict=True):
        low, high = scipy.stats.t.interval(0.95, 2, np.mean(values), scipy.stats.sem(values))
        assert row["frechet_distance"] == pytest.approx({"mean": np.mean(values), "low": low, "high": high})
        assert row["reconstruction_error"]["mean"] == pytest.approx(np.mean(values) / 100)
    assert sweep.best == sweep.rows[1]
    # Differences to the best are 3, 3, 3 and 1.5, 0.5, -0.5, so that one of them has an interval above zero.
    assert sweep.rows[0]["above_best"] == {"mean": 3.0, "low": 3.0, "high": 3.0}
    low, high = scipy.stats.ttest_rel(distances[24], distances[16]).confidence_interval(0.95)
    assert sweep.rows[2]["above_best"] == pytest.approx({"mean": 0.5, "low": low, "high": high})
    table = sweep.table().splitlines()[:6]
    assert table[0].startswith("| latent_dim | seeds | pixel error | Fréchet distance | kernel distance |")
    assert table[2].endswith("| 3 [3, 3] |")
    assert table[3].startswith("| 16 | 3 | 0.03 [")
    assert table[3].endswith("| - |")
    assert table[5] == "| *real images* |  |  | 0.5 | 0.05 | 0.01 |  |"
    assert {line.count("|") for line in table} == {8}


def test_what_failed_is_counted_and_never_the_best(tmp_path):
    records = [record(settings(8), 0, 3.0), record(settings(16), 0, 0.1, "failed")]
    sweep = sweep_of(records)
    assert sweep.best == sweep.rows[0]
    assert sweep.rows[1] == {"options": settings(16), "planned": 1, "num_trials": 0}
    assert "| 16 | 0 of 1 | - | - | - | - | - |" in sweep.table()
    sweep.save(tmp_path)
    rows = list(csv.DictReader((tmp_path / "autoencoders.csv").read_text().splitlines()))
    assert [(row["latent_dim"], row["status"], row["frechet_distance"]) for row in rows] == [
        ("8", "done", "3.0"),
        ("16", "failed", ""),
    ]
    assert json.loads((tmp_path / "autoencoders.json").read_text()) == sweep.to_dict()
    none = sweep_of(records[1:])
    assert (none.best, none.floor_real) == (None, None)


def test_an_option_that_some_leave_to_its_default_is_named():
    sweep = sweep_of([record({"latent_dim": 8}, 0, 2.0), record(settings(8), 0, 3.0)])
    assert sweep.varied == ["autoencoder_width", "latent_noise"]
    assert sweep.table().splitlines()[2].startswith("| default | default | 1 |")
    assert sweep.rows[1]["above_best"] == {"mean": 1.0, "low": None, "high": None}  # one seed may be chance


@pytest.fixture(scope="module")
def images():
    generator = torch.Generator().manual_seed(4)
    return torch.rand(60, 1, 8, 8, generator=generator).split(40)


SMALL = {"autoencoder": {"width": 4, "hidden": 8, "steps": 4}, "batch_size": 8, "num_samples": 20}


def test_every_setting_is_trained_with_every_seed_and_not_again(tmp_path, images):
    data, held_out = images
    options = {"held_out": held_out, "folder": tmp_path, **SMALL, "seeds": (0, 1)}
    sweep = run_autoencoder_sweep(data, {"latent_dim": [2, 4]}, **options)
    configurations = [each["configuration"] for each in sweep.records]
    assert [(each["seed"], each["options"]["latent_dim"]) for each in configurations] == [
        (0, 2),
        (0, 4),
        (1, 2),
        (1, 4),
    ]
    assert {each["status"] for each in sweep.records} == {"done"}
    assert [row["num_trials"] for row in sweep.rows] == [2, 2]
    folder = tmp_path / "trials" / sweep.records[1]["digest"]
    assert (folder / "reconstructions.png").is_file()
    rebuilt = StyleQGAN.from_pretrained(folder / "model").reconstruct(held_out)
    error = float((rebuilt - held_out).square().mean())
    assert sweep.records[1]["result"]["reconstruction_error"] == pytest.approx(error)
    sweep.save(tmp_path / "saved")
    best = tmp_path / "trials" / sweep.best["digest"] / "reconstructions.png"
    assert (tmp_path / "saved" / "autoencoders_best_reconstructions.png").read_bytes() == best.read_bytes()

    seen = []
    again = run_autoencoder_sweep(data, {"latent_dim": [2, 4]}, **options, on_trial=seen.append)
    assert (again.records, seen) == (sweep.records, [])


@pytest.mark.parametrize(
    ("grid", "changed", "message"),
    [
        ({"critic_width": [3]}, {}, "has no option `critic_width`"),
        ({"latent_dm": [3]}, {}, "did you mean `latent_dim`?"),
        ({"latent_dim": [0]}, {}, "`latent_dim` must be a positive integer, but is 0"),
        ({}, {"autoencoder": {"steps": 0}}, "`steps` of an autoencoder must be a positive integer, but is 0"),
        ({}, {"seeds": (1, 1)}, "`seeds` must hold distinct values"),
        ({}, {"extractor": "eyes"}, "`extractor`"),
    ],
)
def test_arguments_are_checked_before_anything_is_written(tmp_path, images, grid, changed, message):
    data, held_out = images
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        run_autoencoder_sweep(data, grid, held_out=held_out, folder=tmp_path / "sweep", **{**SMALL, **changed})
    assert not (tmp_path / "sweep").exists()
