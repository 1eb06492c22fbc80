"""The code of docs/data.md on data sets of torch and of Hugging Face, and on streams, runs as it stands."""

import pytest

from tests.pages import blocks, read_page, run_blocks

PAGE = read_page("data.md")
PART = PAGE[PAGE.index("### Data sets of torch and of Hugging Face") : PAGE.index("## Tables")]


def test_the_code_runs(tmp_path, monkeypatch):
    pytest.importorskip("datasets")
    monkeypatch.chdir(tmp_path)
    names = run_blocks(PART)
    assert len(blocks(PART)) == 3
    assert names["model"].sample(2, labels=1, seed=0).shape == (2, 1, 8, 8)
    assert names["tiles"].images.shape == (450, 1, 28, 28)
