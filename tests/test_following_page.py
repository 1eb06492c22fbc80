"""The code of docs/following.md runs as it stands, and its settings are valid."""

import csv
import logging
import re
import tomllib
from pathlib import Path

from qiskit_qgen.cli.settings import LoggingSettings
from qiskit_qgen.plotting.history import READING

PAGE = (Path(__file__).parents[1] / "docs" / "following.md").read_text(encoding="utf-8")


def test_the_code_of_the_page_runs(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.INFO)
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block, names)  # noqa: S102 - the page is ours
    assert any("adversarial 20/20: critic_loss" in record.getMessage() for record in caplog.records)
    with Path("metrics.csv").open(newline="") as file:
        assert {"generator_loss", "discrepancy"} <= {row["name"] for row in csv.DictReader(file)}
    assert Path("progress", "adversarial-000020.png").is_file()


def test_the_settings_of_the_page_are_valid():
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert LoggingSettings(**tomllib.loads(text)["logging"]).images_every == 100


def test_the_page_has_a_row_for_each_curve_that_history_png_is_read_by():
    assert all(f"| {curve} |" in PAGE for curve in re.findall(r"`\w+_(?:distance|penalty|loss)`", READING))
