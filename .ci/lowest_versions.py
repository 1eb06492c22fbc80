"""Prints the lowest versions that pyproject.toml declares of direct dependencies and of the extra ``test``, as pins."""

import re
import sys
import tomllib
from pathlib import Path


def lowest_versions(extra: str = "test") -> list[str]:
    """Return ``name==version`` of each requirement of the package and of ``extra``, and of the extras it takes in."""
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
    extras, pins, pending = project["optional-dependencies"], [], [*project["dependencies"]]
    pending += extras[extra]
    while pending:
        requirement = pending.pop(0)
        if taken := re.fullmatch(rf"{project['name']}\[(.+)\]", requirement):
            pending += [each for name in taken[1].split(",") for each in extras[name.strip()]]
            continue
        name, lowest = re.match(r"([\w.-]+)>=([\w.]+)", requirement).groups()
        pins.append(f"{name}=={lowest}")
    return pins


if __name__ == "__main__":
    sys.stdout.write("\n".join(pin for pin in lowest_versions() if not pin.startswith("torch==")) + "\n")
