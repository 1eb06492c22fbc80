import json

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from scipy import stats
from typer.testing import CliRunner

from qiskit_qgen.cli import app
from qiskit_qgen.exceptions import ArgumentError, CheckpointError
from qiskit_qgen.metrics import frechet_distance
from qiskit_qgen.models import HybridGAN
from qiskit_qgen.plotting import plot_placement
from qiskit_qgen.studies import run_placement_study
from qiskit_qgen.studies.arms import placement_trial
from qiskit_qgen.studies.arms.images import split_pictures
from qiskit_qgen.studies.arms.placement_trial import run_placement_trial

MODEL = {"backbone": "conv", "backbone_options": {"width": 4}, "generator_width": 16, "discriminator_width": 8}
DATA = {"labels": [0], "side": 8, "held_out": 20}
STUDY = {"sizes": [8, 30], "seeds": [0, 1], "steps": 2, "score_every": 1, "batch_size": 4, "num_samples": 20}
OPTIONS = {**DATA, **STUDY, "model": MODEL, "extractor": "pixel"}
PLACES = ["none", "generator", "discriminator", "both"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def study(folder):
    return run_placement_study(folder, "digits", **OPTIONS)


def final(study, size, place):
    return [
        record["result"]["kernel_distance"][-1]
        for record in study.records
        if (record["configuration"]["size"], record["configuration"]["place"]) == (size, place)
    ]


def test_all_places_sizes_and_seeds_are_tried_and_scored_on_the_way(study):
    assert len(study.records) == 4 * 2 * 2
    assert {record["status"] for record in study.records} == {"done"}
    assert [record["result"]["steps"] for record in study.records] == [[1, 2]] * 16
    assert [(row["size"], row["place"]) for row in study.rows] == [
        (size, place) for size in (8, 30) for place in PLACES
    ]
    assert all(
        record["result"]["block_parameters"] == {"generator": 15, "discriminator": 15} for record in study.records
    )


def test_a_trial_is_the_training_that_its_configuration_names(study):
    pictures = split_pictures("digits", data_dir=None, **DATA)
    record = next(record for record in study.records if record["configuration"]["place"] == "both")
    model = HybridGAN((1, 8, 8), "both", **MODEL)
    model.fit(pictures.pool, steps=2, batch_size=4, num_images=8, subset_seed=0, seed=0, callbacks=[])
    samples = model.sample(20, seed=0)
    moments = [(part.mean(0), np.cov(part.T.numpy())) for part in (samples.flatten(1), pictures.held_out.flatten(1))]
    expected = frechet_distance(*moments[0], *moments[1])
    assert record["configuration"]["seed"] == 0
    assert record["configuration"]["size"] == 8
    assert record["result"]["frechet_distance"] == pytest.approx(float(expected), rel=1e-4)
    shown = study.pictures(8)["both"]
    assert torch.allclose(shown, samples[: len(shown)], atol=1 / 255)


def test_differences_are_paired_by_seed(study):
    found = {(each.setting, each.arm): each for each in study.comparisons}
    assert len(found) == 6
    for size in (8, 30):
        for place in PLACES[1:]:
            ours, theirs = final(study, size, place), final(study, size, "none")
            interval = stats.ttest_rel(ours, theirs).confidence_interval(0.95)
            each = found[f"{size} pictures, step 2", place]
            assert each.difference["low"] == pytest.approx(interval.low)
            assert each.difference["high"] == pytest.approx(interval.high)
            assert each.excludes_zero == (interval.low > 0 or interval.high < 0)
    assert "At the end, at step 2" in study.table()


def test_a_stopped_study_runs_what_is_missing(study, tmp_path):
    options = {**OPTIONS, "sizes": [8], "seeds": [0]}
    begun, later = [], []

    def stop(record):
        begun.append(record)
        if len(begun) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_placement_study(tmp_path, "digits", **options, on_trial=stop)
    again = run_placement_study(tmp_path, "digits", **options, on_trial=later.append)
    assert len(later) == 1
    assert again.records == [record for record in study.records if record in again.records]
    assert len(again.records) == 4
    with pytest.raises(ArgumentError, match=r"holds a study whose `settings\.steps` is 2"):
        run_placement_study(tmp_path, "digits", **{**options, "steps": 5})


def test_a_stopped_trial_goes_on_from_its_checkpoint(study, tmp_path, monkeypatch):
    record = next(record for record in study.records if record["configuration"]["place"] == "generator")
    calls = []

    def broken(*features):
        calls.append(features)
        if len(calls) == 2:
            raise ZeroDivisionError
        return 1.0

    with monkeypatch.context() as patch:
        patch.setattr(placement_trial, "whole_kernel_distance", broken)
        with pytest.raises(ZeroDivisionError):
            run_placement_trial(record["configuration"], tmp_path)
    assert (tmp_path / "checkpoints").is_dir()
    result = run_placement_trial(record["configuration"], tmp_path)
    assert result["kernel_distance"] == pytest.approx([1.0, record["result"]["kernel_distance"][1]], rel=1e-5)
    assert not (tmp_path / "checkpoints").exists()


def test_data_that_have_changed_are_refused(study, tmp_path):
    configuration = json.loads(json.dumps(study.records[0]["configuration"]))
    configuration["data"]["held_out"] = 21
    with pytest.raises(ArgumentError, match="no longer those that this study began with"):
        run_placement_trial(configuration, tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"places": ["none", "head"]}, "`places` must be one of"),
        ({"places": "both"}, "`places` must hold distinct values"),
        ({"sizes": [8, 8]}, "`sizes` must hold distinct values"),
        ({"sizes": [10_000]}, "`sizes` must hold at most the 123 pictures that are left"),
        ({"seeds": []}, "`seeds` must hold distinct values, at least one"),
        ({"steps": 0}, "`steps` must be a positive integer"),
        ({"model": {"quantum_in": "both"}}, "`model` must be one of"),
        ({"model": {"loss": "l2"}}, "`loss` must be one of"),
        ({"labels": [77]}, "`labels` must hold labels of 'digits'"),
        ({"side": 4}, "`side` must be an integer from 8"),
    ],
)
def test_bad_arguments_are_refused_by_name(tmp_path, options, message):
    with pytest.raises(ArgumentError, match=message):
        run_placement_study(tmp_path, "digits", **{**OPTIONS, **options})


def test_the_figure_has_a_panel_for_each_size_and_a_line_for_each_place(study):
    figure = plot_placement(study.to_dict())
    assert isinstance(figure, Figure)
    assert len(figure.axes) == 2
    for panel, size in zip(figure.axes, (8, 30), strict=True):
        lines = {line.get_label(): line for line in panel.lines}
        for place in PLACES:
            assert lines[place].get_xdata().tolist() == [1, 2]
            assert lines[place].get_ydata()[-1] == pytest.approx(np.mean(final(study, size, place)))
    with pytest.raises(ArgumentError, match="at least one trial"):
        plot_placement({**study.to_dict(), "curves": {"8": {}}})


def test_samples_that_are_gone_are_named(study, tmp_path):
    from dataclasses import replace

    with pytest.raises(CheckpointError, match=r"samples\.npy with the samples of a trial is missing"):
        replace(study, folder=tmp_path).pictures(8)


def test_the_command_runs_the_study_writes_all_and_resumes(tmp_path):
    tables = {
        "data": {"name": "digits", **DATA},
        "study": {**STUDY, "sizes": [8], "extractor": "pixel"},
    }
    lines = []
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    lines += ["[model]", *(f"{key} = {json.dumps(value)}" for key, value in MODEL.items() if key != "backbone_options")]
    lines += ["[model.backbone_options]", "width = 4"]
    config = tmp_path / "study.toml"
    config.write_text("\n".join(lines))
    out = tmp_path / "out"
    first = CliRunner().invoke(app, ["study", "placement", str(config), "--out", str(out)])
    assert first.exit_code == 0, first.output
    assert "circuits in" in first.stdout
    written = {path.name for path in out.iterdir()}
    assert {"placement.md", "placement.json", "placement.png", "pictures-8.png", "trials"} <= written
    again = CliRunner().invoke(app, ["study", "placement", str(config), "--out", str(out)])
    assert again.exit_code == 0
    assert "seed 1" in first.stderr
    assert "seed 1" not in again.stderr
    assert again.stdout == first.stdout
    config.write_text("[study]\nplaces_ = []\n")
    refused = CliRunner().invoke(app, ["study", "placement", str(config), "--out", str(out)])
    assert refused.exit_code != 0
    assert "unknown key `places_`" in refused.stderr


def test_a_study_without_a_baseline_says_so(tmp_path):
    options = {**OPTIONS, "sizes": [8], "steps": 1}
    assert "Nothing is compared" in run_placement_study(tmp_path, "digits", places=["both"], **options).reading


def test_a_study_of_which_nothing_is_done_says_why(tmp_path, monkeypatch):
    def broken(*_, **__):
        raise ValueError("no luck")

    monkeypatch.setattr(HybridGAN, "fit", broken)
    path = tmp_path / "study.toml"
    path.write_text(
        '[data]\nname = "digits"\nlabels = [0]\nside = 8\nheld_out = 20\n'
        '[study]\nplaces = ["none"]\nsizes = [8]\nseeds = [0]\nsteps = 1\nextractor = "pixel"\nnum_samples = 4\n'
        '[model]\nbackbone = "conv"\n'
    )
    result = CliRunner().invoke(app, ["study", "placement", str(path), "--out", str(tmp_path / "study")])
    assert result.exit_code == 2
    assert "None of the 1 trials is done" in result.output
    assert "no luck" in result.output
