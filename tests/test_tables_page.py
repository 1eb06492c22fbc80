"""The code of docs/tables.md runs as it stands, in Python and on the command line, with fewer steps."""

from pathlib import Path

import pandas as pd
from typer.testing import CliRunner

from qiskit_qgen.cli import app
from tests.pages import blocks, read_page, run_blocks

PAGE = read_page("tables.md").replace("1500", "3")


def test_the_code_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run_blocks(PAGE)
    assert (tmp_path / "pairs.png").is_file()
    (text,) = blocks(PAGE, "toml")
    (tmp_path / "wine.toml").write_text(text)
    (commands,) = blocks(PAGE, "sh")
    for line in commands.splitlines():
        result = CliRunner().invoke(app, line.split()[1:])
        assert result.exit_code == 0, (line, result.output)
    pd.testing.assert_series_equal(pd.read_csv("rows.csv").dtypes, names["wine"].dtypes)
    assert {"marginals.png", "pairs.png"} <= {path.name for path in Path("runs/wine").iterdir()}
