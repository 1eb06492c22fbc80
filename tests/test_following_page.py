"""The code of docs/following.md runs as it stands, and its settings are valid."""

import csv
import logging
import re
import tomllib
from pathlib import Path

from qiskit_qgen.cli.settings import LoggingSettings
from qiskit_qgen.plotting.history import READING
from tests.pages import blocks, read_page, run_blocks

PAGE = read_page("following.md")


def test_the_code_of_the_page_runs(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.INFO)
    run_blocks(PAGE)
    assert any("adversarial 20/20: critic_loss" in record.getMessage() for record in caplog.records)
    with Path("metrics.csv").open(newline="") as file:
        assert {"generator_loss", "discrepancy"} <= {row["name"] for row in csv.DictReader(file)}
    assert Path("progress", "adversarial-000020.png").is_file()


def test_the_settings_of_the_page_are_valid():
    (text,) = blocks(PAGE, "toml")
    assert LoggingSettings(**tomllib.loads(text)["logging"]).images_every == 100


def test_the_page_has_a_row_for_each_curve_that_history_png_is_read_by():
    assert all(f"| {curve} |" in PAGE for curve in re.findall(r"`\w+_(?:distance|penalty|loss)`", READING))
