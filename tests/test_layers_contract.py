"""The layers and doors of the package, as pyproject.toml states them, and that their check rejects a breach."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("importlinter")
ROOT = Path(__file__).parents[1]


def lint(folder):
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)


@pytest.fixture
def copied(tmp_path):
    shutil.copytree(
        ROOT / "qiskit_qgen", tmp_path / "qiskit_qgen", ignore=shutil.ignore_patterns("__pycache__", "*.npz")
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_module_imports_only_from_below():
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


@pytest.mark.parametrize(
    ("module", "statement", "contract"),
    [
        ("circuits/observables.py", "import qiskit_qgen.layers", "A module imports only from the layers below its own"),
        ("gradients/reverse_estimator.py", "import qiskit_qgen.primitives", "A module imports only from the layers"),
        ("training/trainer.py", "def late():\n    import qiskit_qgen.models", "A module imports only from the layers"),
        ("models/style_qgan/model.py", "import matplotlib", "matplotlib is imported only in plotting"),
        ("primitives/estimator.py", "import qiskit_aer", "Aer is imported only in execution.aer"),
        ("execution/base.py", "import qiskit_qgen.execution.local", "No cycles between siblings"),
        ("execution/local.py", "import qiskit_aer", "Aer is imported only in execution.aer"),
        ("cli/doctor.py", "import qiskit_qgen.testing.loopback", "testing is imported by nothing else"),
    ],
)
def test_a_breach_is_seen(copied, module, statement, contract):
    path = copied / "qiskit_qgen" / module
    path.write_text(path.read_text() + "\n" + statement + "\n")
    result = lint(copied)
    assert result.returncode == 1
    broken = [line for line in result.stdout.splitlines() if " BROKEN" in line]
    assert broken[0].startswith(contract)
    # What is imported from above may import the module in turn.
    assert all(line.startswith("No cycles") for line in broken[1:])
