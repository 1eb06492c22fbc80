"""The code of docs/data.md on data sets of torch and of Hugging Face, and on streams, runs as it stands."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "data.md").read_text(encoding="utf-8")
PART = PAGE[PAGE.index("### Data sets of torch and of Hugging Face") : PAGE.index("## Tables")]


def test_the_code_runs(tmp_path, monkeypatch):
    pytest.importorskip("datasets")
    monkeypatch.chdir(tmp_path)
    names = {}
    blocks = re.findall(r"```python\n(.*?)```", PART, re.DOTALL)
    for block in blocks:
        exec(block, names)  # noqa: S102 - the page is ours
    assert len(blocks) == 3
    assert names["model"].sample(2, labels=1, seed=0).shape == (2, 1, 8, 8)
    assert names["tiles"].images.shape == (450, 1, 28, 28)
