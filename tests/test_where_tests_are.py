"""Each module has a test file of its name, or a line in tests/README.md."""

import re
from fnmatch import fnmatch
from pathlib import Path

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "qiskit_qgen"
ROWS = [
    [re.findall(r"`([\w/*]+\.py)`", cell) for cell in line.split("|")[1:3]]
    for line in (TESTS / "README.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| `")
]


def is_named(module):
    """Whether there is a test file of the module's name, with or without its folders'."""
    parts = [part.strip("_") for part in module.with_suffix("").parts]
    names = {"test_" + "_".join(parts[start:]) + ".py" for start in range(len(parts))}
    return any(path.name in names for path in TESTS.rglob("test_*.py"))


def test_every_modules_tests_can_be_found():
    modules = [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    patterns = [pattern for modules_of_row, _ in ROWS for pattern in modules_of_row]
    lost = [str(m) for m in modules if not is_named(m) and not any(fnmatch(str(m), each) for each in patterns)]
    assert len(modules) > 200
    assert not lost, "without a test file of their name, and not in tests/README.md"


def test_every_line_of_the_table_names_what_is_there():
    modules = [str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py")]
    for patterns, tests in ROWS:
        assert tests
        assert [each for each in patterns if not any(fnmatch(module, each) for module in modules)] == []
        assert [each for each in tests if not (TESTS / each).is_file()] == []
