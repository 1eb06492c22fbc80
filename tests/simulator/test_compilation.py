"""Kernels without a place on disk, with a full or damaged one, and what is logged while they are compiled."""

import logging
import shutil
import warnings

import numba
import pytest
import torch
from numba.core.caching import CompileResultCacheImpl
from qiskit.circuit.library import efficient_su2, real_amplitudes

from qiskit_qgen.circuits import pauli_observables
from qiskit_qgen.simulator import ExpectationValues, lower
from qiskit_qgen.simulator.cpu import adjoint, compilation, kernels, layouts
from qiskit_qgen.simulator.probabilities import Probabilities

ADVICE = "set the environment variable NUMBA_CACHE_DIR to a folder that can be written"


def doubled(x):
    return 2 * x


def tripled(x):
    return 3 * x


@pytest.fixture(autouse=True)
def _nothing_said():
    """Forget what other tests had said, and let later ones say it again."""
    for said in (compilation._announce, compilation._warn_of_missing_cache):
        said.cache_clear()
    yield
    for said in (compilation._announce, compilation._warn_of_missing_cache):
        said.cache_clear()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "numba"))
    return tmp_path / "numba"


def test_without_a_place_on_disk_kernels_run_after_one_warning(monkeypatch):
    monkeypatch.setattr(CompileResultCacheImpl, "_locator_classes", [])  # numba itself finds none
    with pytest.warns(UserWarning, match=ADVICE) as found:
        kernels = [compilation.kernel(each) for each in (doubled, tripled)]
    assert [each(5) for each in kernels] == [10, 15]
    assert len(found) == 1


def test_a_folder_that_can_be_written_no_more_costs_a_warning(folder):
    kernels = [compilation.kernel(each) for each in (doubled, tripled)]
    shutil.rmtree(folder)
    folder.write_text("")  # no folder: as on a full disk, nothing can be saved
    with pytest.warns(UserWarning, match=ADVICE) as found:
        assert [each(5) for each in kernels] == [10, 15]
    assert len(found) == 1


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_a_damaged_cache_is_no_error(folder, suffix):
    compilation.kernel(doubled)(5)
    (file,) = folder.rglob(f"*.{suffix}")
    file.write_bytes(file.read_bytes()[:20])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert compilation.kernel(doubled)(5) == 10


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("error", [ModuleNotFoundError, AttributeError])
def test_a_cache_of_another_versions_names_is_replaced(monkeypatch, error):
    """The index names the types of arguments, such as named tuples of a module that has moved since."""
    compilation.kernel(doubled)(5)

    def fail(_):
        raise error("No module named 'qiskit_qgen.simulator.cpu.moved'")

    with monkeypatch.context() as patch:
        patch.setattr("numba.core.caching.pickle.loads", fail)
        assert compilation.kernel(doubled)._cache.load_overload((numba.int64,), None) is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert compilation.kernel(doubled)(5) == 10
    again = compilation.kernel(doubled)
    assert again(5) == 10
    assert again.stats.cache_hits == {(numba.int64,): 1}


def test_compiling_is_announced_once_and_loading_never(folder, caplog):
    caplog.set_level(logging.WARNING, "qiskit_qgen")
    for each in (doubled, tripled):
        compilation.kernel(each)(5)
    (record,) = caplog.records
    assert record.getMessage().startswith("Compiling kernels of the simulator at their first use")
    assert len(list(folder.rglob("*.nbi"))) == 2
    caplog.clear()
    compilation._announce.cache_clear()
    again = compilation.kernel(doubled)
    assert again(5) == 10
    assert (again.stats.cache_hits, caplog.records) == ({(numba.int64,): 1}, [])


def test_what_others_compile_is_not_announced(caplog):
    assert numba.njit(doubled)(5) == 10
    assert caplog.records == []


def test_each_kernel_is_compiled_once_for_either_precision(monkeypatch):
    """Whatever the batch, the circuit, and whether several threads share a state."""
    for dtype in (torch.float32, torch.float64):
        for circuit, count in ((real_amplitudes(1), 1), (efficient_su2(3), 3), (efficient_su2(3), 40)):
            angles = torch.rand(count, circuit.num_parameters, dtype=dtype, requires_grad=True)
            program = lower(circuit)
            for function in (
                ExpectationValues(program, pauli_observables(circuit.num_qubits)),
                Probabilities(program, range(circuit.num_qubits)),
            ):
                torch.autograd.grad(function(angles).sum(), angles)
    before = [(each, list(each.signatures)) for each in (kernels.forward, adjoint.backward)]
    assert all(len(signatures) == 2 for _, signatures in before)
    for name in ("_SPREAD_QUBITS", "_SPREAD_FEW_QUBITS", "_SPLIT_QUBITS"):
        monkeypatch.setattr(layouts, name, 1)
    for count in (1, 2, 3, 5, 30):
        angles = torch.rand(count, circuit.num_parameters, requires_grad=True)
        torch.autograd.grad(ExpectationValues(program, pauli_observables(3))(angles).sum(), angles)
    assert all(list(each.signatures) == signatures for each, signatures in before)
