"""What the README tells people to type works."""

import re
import tomllib
from pathlib import Path

import pytest

import qiskit_qgen
from qiskit_qgen.cli import app
from qiskit_qgen.cli.executions import parse_execution
from qiskit_qgen.cli.settings import complete, read_settings

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
    names = {entry.name for entry in folder.iterdir()}
    assert {"digits.png", "history.png", "my-model"} <= names
    assert "StyleQGAN" in out
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


def test_the_settings_are_valid(tmp_path):
    (text,) = blocks("toml")
    (tmp_path / "settings.toml").write_text(text, encoding="utf-8")
    tables = complete(read_settings(tmp_path / "settings.toml"), (1, 28, 28))
    assert tables["model"]["generator"]["num_layers"] == 6
    assert tables["training"]["steps"] == 2000
    told = tomllib.loads(text.replace("# execution", "execution"))
    assert isinstance(parse_execution(told["training"]["execution"]), qiskit_qgen.AerExecution)


def test_the_table_of_commands_is_complete():
    listed = re.findall(r"^\| `qgen (\w+)", README, re.MULTILINE)
    commands = [command.name or command.callback.__name__ for command in app.registered_commands]
    groups = [group.typer_instance.info.name for group in app.registered_groups]
    assert sorted(listed) == sorted(commands + groups)
    (row,) = re.findall(r"^\| command line \| ([^|]+) \|", README, re.MULTILINE)
    assert sorted(re.findall(r"`(?:qgen )?(\w+)`", row)) == sorted(listed)


def test_the_names_of_files_and_of_the_package_are_true():
    root = Path(__file__).parents[1]
    for link in re.findall(r"\]\(([A-Z]+\.\w+)\)", README):
        assert (root / link).is_file(), link
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert README.startswith(f"# {project['name']}\n")
    citation = (root / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {qiskit_qgen.__version__}\n" in citation
