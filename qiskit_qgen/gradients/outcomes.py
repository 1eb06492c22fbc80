"""What a V2 sampler measured, as probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives import PubResult

from qiskit_qgen.exceptions import GradientError

_MAX_BITS = 62


def read_outcomes(result: PubResult, register: str | None = None) -> tuple[NDArray[np.int64], Any]:
    """Return the outcomes that were seen, (num_outcomes,), and their probabilities, sparse, (num_rows, num_outcomes).

    Args:
        result: The result of one PUB: bits of shots, or the exact probabilities that some simulators give.
        register: The classical register to read; None for all of them, joined as ``SamplerPubResult.join_data`` does.

    Raises:
        GradientError: If more bits were measured than numbers can count.
    """
    from scipy.sparse import csr_array

    names = list(result.data.keys()) if register is None else [register]
    data = result.data[names[0]] if len(names) == 1 else result.join_data()
    if data.num_bits > _MAX_BITS:
        raise GradientError(
            f"The circuit measures {data.num_bits} bits, but at most {_MAX_BITS} are supported: measure fewer qubits."
        )
    if hasattr(data, "get_probabilities"):
        found = data.get_probabilities()
        each = [found] if isinstance(found, dict) else list(found.ravel())
        num_rows = len(each)
        rows = np.repeat(np.arange(num_rows), [len(row) for row in each])
        outcomes = np.array([int(bits or "0", 2) for row in each for bits in row], np.int64)
        weights = np.array([weight for row in each for weight in row.values()], np.float64)
    else:
        packed = data.array.reshape(-1, *data.array.shape[-2:]).astype(np.int64)
        numbers = np.zeros(packed.shape[:2], np.int64)
        for byte in range(packed.shape[-1]):
            numbers = numbers << 8 | packed[:, :, byte]
        num_rows = len(numbers)
        rows = np.repeat(np.arange(num_rows), data.num_shots)
        outcomes, weights = numbers.ravel(), np.full(numbers.size, 1 / data.num_shots)
    seen, columns = np.unique(outcomes, return_inverse=True)
    return seen, csr_array((weights, (rows, columns)), shape=(num_rows, len(seen)))
