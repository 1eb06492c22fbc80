"""Comparisons of sources find what differs, and nothing where nothing does."""

import json

import numpy as np
import pytest

from qiskit_qgen.exceptions import ArgumentTypeError
from qiskit_qgen.noise import GaussianCopulaNoise, GaussianNoise, QuantumCircuitNoise, ShuffledNoise, compare_noise

ROWS = [
    "marginals, against the source",
    "correlations, against the source",
    "correlations of squares, against the source",
]


def failing(found, name):
    return [row.name.split(",")[0] for row in found.differences[name] if row.p_value < 0.001]


def signed(number=50_000):
    """Uncorrelated normal numbers with tied magnitudes: what no normal copula of their correlations shows."""
    rng = np.random.default_rng(0)
    first, other = rng.normal(size=(2, number))
    tied = np.abs(0.9 * first + np.sqrt(1 - 0.81) * other)
    return np.stack([np.abs(first) * rng.choice([-1, 1], number), tied * rng.choice([-1, 1], number)], axis=1)


def test_a_source_differs_from_its_rivals_in_what_they_lack_alone():
    source = QuantumCircuitNoise(4, num_qubits=4, seed=1)
    found = compare_noise(source, num_numbers=200_000)
    assert list(found.reports) == ["source", "shuffled", "gaussian-copula", "dirichlet-multinomial"]
    assert [row.name for row in found.differences["shuffled"]] == ROWS
    assert failing(found, "source") == []
    assert "correlations" in failing(found, "shuffled")
    assert "marginals" not in failing(found, "shuffled")
    assert "correlations" not in failing(found, "gaussian-copula")
    assert {"marginals", "correlations"} <= set(failing(found, "dirichlet-multinomial"))
    assert found.reports["source"].passed


def test_magnitudes_that_are_tied_are_seen_where_correlations_are_not():
    pool = signed()
    shuffled_pairs = GaussianCopulaNoise(pool)

    class Pool(ShuffledNoise):
        def _sample(self, num_samples, generator):  # noqa: ARG002
            return self._rows[:num_samples]

    found = compare_noise(Pool(pool), {"copula": shuffled_pairs}, num_numbers=20_000)
    assert failing(found, "copula") == ["correlations of squares"]


def test_the_result_is_a_table_and_plain_values():
    found = compare_noise(GaussianNoise(1), {"same": GaussianNoise(1)}, num_numbers=2000)
    lines = found.table().splitlines()
    assert lines[0] == "| property | source | same |"
    assert lines[-1].startswith("| marginals, against the source | ")
    assert len(lines) == 2 + 6 + 1
    json.dumps(found.to_dict())
    with pytest.raises(ArgumentTypeError, match="`source` must be a source of noise"):
        compare_noise("noise")
