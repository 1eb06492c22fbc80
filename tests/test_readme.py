"""What the README tells people to type works."""

import json
import re
import tomllib
from pathlib import Path

import pytest

import qiskit_qgen

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def quick_start(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QISKIT_QGEN_CACHE", str(tmp_path / "cache"))
    (code,) = blocks("python")
    return code


def check_results(folder, out):
    assert {"digits.png", "my-model"} <= {entry.name for entry in folder.iterdir()}
    assert 0 < float(out.splitlines()[-1]) < 10_000


def test_the_quick_start_runs_with_fewer_steps(quick_start, tmp_path, capsys):
    short, replaced = re.subn("steps=400", "steps=3", quick_start)
    assert replaced == 2
    exec(compile(short, "README.md", "exec"), {})  # noqa: S102 - it is what users are told to run
    check_results(tmp_path, capsys.readouterr().out)


@pytest.mark.slow
def test_the_quick_start_runs_as_it_stands(quick_start, tmp_path, capsys):
    exec(compile(quick_start, "README.md", "exec"), {})  # noqa: S102
    check_results(tmp_path, capsys.readouterr().out)


def test_the_names_of_files_and_of_the_package_are_true():
    root = Path(__file__).parents[1]
    for link in re.findall(r"\]\(([^):]+)\)", README) + re.findall(r'src="([^"]+)"', README):
        assert (root / link).is_file(), link
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert README.startswith(f"# {project['name']}\n")
    citation = (root / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {qiskit_qgen.__version__}\n" in citation


def test_it_shows_its_image_first_and_stays_short():
    lines = README.splitlines()
    assert len(lines) <= 120
    assert any(line.startswith("![") for line in lines[:6])


def test_the_verdicts_are_those_of_the_records():
    told = dict(re.findall(r"\]\(docs/reproductions/([\w-]+)\.md\)[^|\n]*\|.*\| ([\w ]+) \|$", README, re.MULTILINE))
    records = Path(__file__).parents[1] / "benchmarks/reproductions"
    assert told == {path.stem: json.loads(path.read_text())["verdict"] for path in records.glob("*.json")}
