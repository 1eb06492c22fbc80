"""``qgen reproduce``: from data to a page with a verdict, resumable, and what it says when data are missing."""

import json

import numpy as np


def write_events(folder):
    """Events in the form of the authors' file."""
    normal = np.random.default_rng(0).multivariate_normal([0, 0, 0], [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]], 40_000)
    rows = np.column_stack([np.exp(12 + 0.5 * normal[:, 0]), -np.exp(11 + 0.5 * normal[:, 1]), normal[:, 2]])
    np.savez(folder / "style_qgan_lhc.npz", real100k_sty=rows[:30_000], published_qgan100k_sty=rows[30_000:])


def test_a_quick_run_writes_its_page_and_says_that_it_concludes_nothing(qgen, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_events(tmp_path)
    command = ("reproduce", "style-qgan-ttbar", "--quick", "--data-dir", tmp_path, "--out", "run")
    result = qgen(*command)
    assert result.exit_code == 0, result.output
    page = (tmp_path / "run/reproduction.md").read_text()
    assert "concludes nothing" in page
    assert "| the authors' generated sample |" in page
    content = json.loads((tmp_path / "run/reproduction.json").read_text())
    assert content["verdict"] == "cannot be told"  # of one seed there is no interval
    (figure,) = content["parts"][0]["figures"].values()
    assert (tmp_path / "run" / figure).read_bytes().startswith(b"\x89PNG")
    assert str(tmp_path) not in page
    report = (tmp_path / "run/report.html").read_text()
    assert "Verdict" in report
    assert "data:image/png;base64," in report
    assert qgen(*command).exit_code == 0
    assert json.loads((tmp_path / "run/reproduction.json").read_text())["parts"] == content["parts"]


def test_without_a_name_all_are_listed(qgen):
    result = qgen("reproduce")
    assert result.exit_code == 0
    assert "style-qgan-ttbar" in result.output
    assert "arXiv 2110.06933" in result.output


def test_missing_data_and_options_that_exclude_each_other_are_one_sentence(qgen):
    result = qgen("reproduce", "style-qgan-ttbar")
    assert result.exit_code == 2
    assert "QTI-TH/style-qgan" in result.output
    assert "--data-dir" in result.output
    assert "exclude each other" in qgen("reproduce", "lastqgan-mnist", "--quick", "--full").output
