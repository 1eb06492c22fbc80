"""The code of docs/tables.md runs as it stands, in Python and on the command line, with fewer steps."""

import re
from pathlib import Path

import pandas as pd
from typer.testing import CliRunner

from qiskit_qgen.cli import app

PAGE = (Path(__file__).parents[1] / "docs" / "tables.md").read_text(encoding="utf-8")


def blocks(language):
    return [text.replace("1500", "3") for text in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)]


def test_the_code_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks("python"):
        exec(block, names)  # noqa: S102 - the page is ours
    assert (tmp_path / "pairs.png").is_file()
    (text,) = blocks("toml")
    (tmp_path / "wine.toml").write_text(text)
    (commands,) = blocks("sh")
    for line in commands.splitlines():
        result = CliRunner().invoke(app, line.split()[1:])
        assert result.exit_code == 0, (line, result.output)
    pd.testing.assert_series_equal(pd.read_csv("rows.csv").dtypes, names["wine"].dtypes)
    assert {"marginals.png", "pairs.png"} <= {path.name for path in Path("runs/wine").iterdir()}
