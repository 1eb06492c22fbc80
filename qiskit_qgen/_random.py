"""Random state is an argument: nothing in this package reads or moves a global generator."""

from __future__ import annotations

import secrets

import numpy as np
import torch

from qiskit_qgen._checks import check_int

SEED_MAXIMUM = 2**63 - 1


def resolve_seed(seed: int | None) -> int:
    """Return ``seed`` checked, or a fresh one from the operating system if it is None."""
    return secrets.randbits(63) if seed is None else check_int("seed", seed, minimum=0, maximum=SEED_MAXIMUM)


def torch_generator(seed: int | None, *stream: int) -> torch.Generator:
    """Return a CPU generator for ``seed``; different ``stream`` numbers give independent generators."""
    entropy = np.random.SeedSequence(resolve_seed(seed), spawn_key=stream)
    generator = torch.Generator()
    generator.manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> np.uint64(1)))
    return generator
