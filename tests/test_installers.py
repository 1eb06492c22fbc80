"""What is declared for installers: lower bounds everywhere, which the pinned versions of development meet."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINNED = dict(re.findall(r"(?m)^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text()))


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_versions_of_development_are_within_the_declared_ranges():
    pinned = {canonical(name): version for name, version in PINNED.items()}
    extras = [each for name, extra in PROJECT["optional-dependencies"].items() if name != "docs" for each in extra]
    for requirement in map(Requirement, [*PROJECT["dependencies"], *extras]):
        if requirement.name != PROJECT["name"]:
            assert requirement.specifier.contains(pinned[canonical(requirement.name)]), requirement


def test_the_lowest_versions_are_those_that_are_declared():
    command = [sys.executable, ROOT / ".ci" / "lowest_versions.py"]
    pins = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    found = dict(pin.split("==") for pin in pins)
    dependencies = [Requirement(each) for each in PROJECT["dependencies"]]
    assert found.keys() >= {each.name for each in dependencies} - {"torch"}
    assert {"pytest", "optuna", "submitit"} <= found.keys()
    for requirement in dependencies:
        if requirement.name != "torch":  # which is the pinned one
            assert str(requirement.specifier).endswith(f">={found[requirement.name]}")


def test_what_workflows_call_is_there():
    targets = re.findall(r"(?m)^([\w-]+):", (ROOT / "Makefile").read_text())
    workflows = "".join(path.read_text() for path in (ROOT / ".github" / "workflows").iterdir())
    called = re.findall(r"run: make ([\w-]+)", workflows)
    assert {"check", "test", "test-minimum", "test-latest", "docs", "dist"} <= set(called) <= set(targets)


def test_github_reads_its_files():
    for path in (ROOT / ".github").rglob("*.yml"):
        content = yaml.safe_load(path.read_text())
        if "workflows" in path.parts:
            assert all(job["runs-on"] and job["steps"] for job in content["jobs"].values()), path
        elif path.parent.name == "ISSUE_TEMPLATE" and path.stem != "config":
            assert {"name", "description", "body"} <= content.keys(), path


def test_hooks_run_what_make_check_runs():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    lines = [line.strip().replace("$(BIN)", ".venv/bin") for line in (ROOT / "Makefile").read_text().splitlines()]
    assert len(hooks) == 6
    for hook in hooks:
        command = hook["entry"].removesuffix(" --force-exclude")
        assert any(line.startswith(command) for line in lines), hook["entry"]
