"""The package's own door: cheap to open, and everything named behind it exists."""

import subprocess
import sys

import pytest

import qiskit_qgen

HEAVY = ["matplotlib", "numba", "qiskit_aer", "qiskit_ibm_runtime", "torchmetrics", "sklearn", "skimage", "typer"]


def loaded_after(code, names):
    """Which of the modules ``names`` a new process has imported after ``code``."""
    code += f"\nimport sys\nprint([name for name in {names!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return result.stdout.strip()


def test_importing_the_package_imports_nothing_heavy():
    assert loaded_after("import qiskit_qgen", [*HEAVY, "torch", "qiskit", "numpy", "scipy"]) == "[]"


def test_using_every_public_name_imports_neither_compiled_kernels_nor_what_has_a_door_of_its_own():
    assert loaded_after("from qiskit_qgen import *", HEAVY) == "[]"


def test_every_public_name_exists_and_is_documented():
    assert sorted(qiskit_qgen.__all__) == dir(qiskit_qgen)
    for name in qiskit_qgen.__all__:
        assert getattr(qiskit_qgen, name) is not None
    for name in set(qiskit_qgen.__all__) - {"__version__"}:
        assert getattr(qiskit_qgen, name).__module__.startswith("qiskit_qgen.")
        assert getattr(qiskit_qgen, name).__doc__


def test_an_unknown_name_is_refused_as_python_does():
    with pytest.raises(AttributeError, match=r"^module 'qiskit_qgen' has no attribute 'StyleGAN'$"):
        _ = qiskit_qgen.StyleGAN
