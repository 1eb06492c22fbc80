"""Quantum generative models on Qiskit, joined to PyTorch.

The names below are imported when first used, so that ``import qiskit_qgen`` itself costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from qiskit_qgen._version import __version__ as __version__

if TYPE_CHECKING:
    from qiskit_qgen.datasets import ImageDataset as ImageDataset
    from qiskit_qgen.datasets import TableDataset as TableDataset
    from qiskit_qgen.datasets import load_dataset as load_dataset
    from qiskit_qgen.datasets import load_table as load_table
    from qiskit_qgen.exceptions import QGenError as QGenError
    from qiskit_qgen.execution import AerExecution as AerExecution
    from qiskit_qgen.execution import ErrorMitigation as ErrorMitigation
    from qiskit_qgen.execution import LocalExecution as LocalExecution
    from qiskit_qgen.execution import RuntimeExecution as RuntimeExecution
    from qiskit_qgen.models import HybridGAN as HybridGAN
    from qiskit_qgen.models import QuantumDiffusion as QuantumDiffusion
    from qiskit_qgen.models import StyleQGAN as StyleQGAN
    from qiskit_qgen.training import History as History

_LAZY = {
    "AerExecution": "qiskit_qgen.execution",
    "ErrorMitigation": "qiskit_qgen.execution",
    "History": "qiskit_qgen.training",
    "HybridGAN": "qiskit_qgen.models",
    "ImageDataset": "qiskit_qgen.datasets",
    "LocalExecution": "qiskit_qgen.execution",
    "QGenError": "qiskit_qgen.exceptions",
    "QuantumDiffusion": "qiskit_qgen.models",
    "RuntimeExecution": "qiskit_qgen.execution",
    "StyleQGAN": "qiskit_qgen.models",
    "TableDataset": "qiskit_qgen.datasets",
    "load_dataset": "qiskit_qgen.datasets",
    "load_table": "qiskit_qgen.datasets",
}

__all__ = [
    "AerExecution",
    "ErrorMitigation",
    "History",
    "HybridGAN",
    "ImageDataset",
    "LocalExecution",
    "QGenError",
    "QuantumDiffusion",
    "RuntimeExecution",
    "StyleQGAN",
    "TableDataset",
    "__version__",
    "load_dataset",
    "load_table",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
