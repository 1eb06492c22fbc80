"""What the page on the command line tells people to type is right."""

import re
import tomllib

import qiskit_qgen
from qiskit_qgen.cli import app
from qiskit_qgen.cli.executions import parse_execution
from qiskit_qgen.cli.settings import complete, read_settings
from tests.pages import blocks, read_page

PAGE = read_page("command_line.md")


def test_the_settings_are_valid(tmp_path):
    (text,) = blocks(PAGE, "toml")
    (tmp_path / "settings.toml").write_text(text, encoding="utf-8")
    tables = complete(read_settings(tmp_path / "settings.toml"), (1, 28, 28))
    assert tables["model"]["generator"]["num_layers"] == 6
    assert tables["training"]["steps"] == 2000
    told = tomllib.loads(text.replace("# execution", "execution"))
    assert isinstance(parse_execution(told["training"]["execution"]), qiskit_qgen.AerExecution)


def test_the_table_of_commands_is_complete():
    listed = re.findall(r"^\| `qgen (\w+)", PAGE, re.MULTILINE)
    commands = [command.name or command.callback.__name__ for command in app.registered_commands]
    groups = [group.typer_instance.info.name for group in app.registered_groups]
    assert sorted(listed) == sorted(commands + groups)
    (row,) = re.findall(r"^\| command line \| ([^|]+) \|", read_page("features.md"), re.MULTILINE)
    assert sorted(re.findall(r"`(?:qgen )?(\w+)`", row)) == sorted(listed)
