"""What importing costs. The package's own door is in test_public_names.py."""

import importlib
import pkgutil
import subprocess
import sys
import types

import pytest

import qiskit_qgen

SUBPACKAGES = sorted(module.name for module in pkgutil.iter_modules(qiskit_qgen.__path__) if module.ispkg)
ENGINE = ["circuits", "execution", "gradients", "layers", "primitives", "simulator"]
HEAVY = ["llvmlite", "matplotlib", "numba", "qiskit_aer", "qiskit_ibm_runtime", "sympy", "torchvision"]


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_the_engine_loads_no_compiled_kernels_and_no_optional_library():
    imports = ", ".join(f"qiskit_qgen.{subpackage}" for subpackage in ENGINE)
    assert run(f"import sys, {imports}; print([name for name in {HEAVY} if name in sys.modules])") == "[]"


def test_a_layer_is_built_without_the_kernels_and_run_with_them():
    code = """if True:
        import sys, torch
        from qiskit_qgen.circuits import style_ansatz
        from qiskit_qgen.layers import QuantumLayer
        layer = QuantumLayer(style_ansatz(2, 1))
        print("numba" in sys.modules)
        layer(torch.zeros(1, 8))
        print("numba" in sys.modules, "sympy" in sys.modules, "matplotlib" in sys.modules)
    """
    assert run(code).split("\n") == ["False", "True False False"]


@pytest.mark.parametrize("what", ["import qiskit_qgen", "from qiskit_qgen import *"])
def test_it_adds_less_than_half_a_second_to_what_its_users_import_anyway(what):
    """Time of this process alone, the best of five, so that a busy machine does not matter."""
    code = (
        "import time, torch\nfrom qiskit_machine_learning import connectors, neural_networks\n"
        f"t = time.process_time()\n{what}\nprint(time.process_time() - t)"
    )
    seconds = []
    while len(seconds) < 5 and min(seconds, default=1.0) >= 0.5:
        seconds.append(float(run(code)))
    assert min(seconds) < 0.5


@pytest.mark.parametrize("subpackage", SUBPACKAGES)
def test_every_name_of_a_subpackage_is_there_and_documented(subpackage):
    module = importlib.import_module(f"qiskit_qgen.{subpackage}")
    assert module.__doc__
    for name in getattr(module, "__all__", []):
        value = getattr(module, name)
        if isinstance(value, type | types.FunctionType):
            assert value.__doc__, name


@pytest.mark.parametrize("subpackage", ENGINE)
def test_the_engines_names_are_listed_in_order(subpackage):
    module = importlib.import_module(f"qiskit_qgen.{subpackage}")
    assert module.__all__ == sorted(module.__all__)
