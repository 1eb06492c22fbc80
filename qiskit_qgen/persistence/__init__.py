"""Files that survive a crash: atomic writes, tensors as safetensors, and the on-disk form of a saved model.

Nothing here reads or writes pickle.
"""

from qiskit_qgen.persistence.atomic import (
    atomic_folder,
    atomic_path,
    atomic_write,
    existing_folder,
    is_held,
    remove_leftovers,
)
from qiskit_qgen.persistence.cache import CACHE_VARIABLE, cache_folder
from qiskit_qgen.persistence.pretrained import (
    FORMAT_VERSION,
    check_qpy,
    circuit_bytes,
    load_circuit,
    load_model_config,
    load_model_folder,
    parse_circuit,
    save_model_folder,
)
from qiskit_qgen.persistence.tensors import check_state, digest_tensors, load_tensors, save_tensors

__all__ = [
    "CACHE_VARIABLE",
    "FORMAT_VERSION",
    "atomic_folder",
    "atomic_path",
    "atomic_write",
    "cache_folder",
    "check_qpy",
    "check_state",
    "circuit_bytes",
    "digest_tensors",
    "existing_folder",
    "is_held",
    "load_circuit",
    "load_model_config",
    "load_model_folder",
    "load_tensors",
    "parse_circuit",
    "remove_leftovers",
    "save_model_folder",
    "save_tensors",
]
