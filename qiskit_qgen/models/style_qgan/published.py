"""The systems of three papers as StyleQGAN settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qiskit_qgen.models.base.published import Published
from qiskit_qgen.models.style_qgan.config import QuantumGeneratorConfig
from qiskit_qgen.networks import (
    ConvCriticConfig,
    CriticConfig,
    LastAutoencoderConfig,
    VariationalAutoencoderConfig,
)
from qiskit_qgen.training import AutoencoderTraining

_COLUMNS = 3  # and as many qubits
_PAIRS = [[[0, 1], [0, 2]], [[1, 2], [2, 0]]]  # lists, as in a saved model
_AS_THEY_ARE = {"ema_decay": 0.0, "lr_schedule": "constant", "warmup": 0.0}  # weights and rates without a course
_ADADELTA = {
    "steps": 30_000,
    "batch_size": 64,
    "generator_batch_size": 128,
    "loss": "bce",
    "separate_updates": True,
    "n_critic": 1,
    "replay": 0,
    "optimizer": "adadelta",
    "critic_learning_rate": 0.1,
    "generator_learning_rate": 0.5,
    **_AS_THEY_ARE,
}


def _ring_of_qubits(settings: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with a ring of entanglers, as in the code's default, if there are not 3 qubits.

    They are in the same layers as those of three qubits, unless you give others.
    """
    part = changes.get("generator", {})
    if not isinstance(part, Mapping) or ("kind" in part and part["kind"] != "quantum"):
        return settings
    given = {**part, **{name.removeprefix("generator_"): value for name, value in changes.items()}}
    number = given.get("num_qubits", _COLUMNS)
    if "entanglement" in given or number == _COLUMNS or not isinstance(number, int):
        return settings
    ring = [[qubit, (qubit + 1) % number] for qubit in range(number if number > 2 else number - 1)]
    generator = settings["generator"]
    usual = generator["entanglement"] if isinstance(generator, Mapping) else generator.entanglement
    pattern = [ring if pairs else [] for pairs in usual] if ring else "none"
    if isinstance(generator, Mapping):
        return {**settings, "generator": {**generator, "entanglement": pattern}}
    return {**settings, "entanglement": pattern}


_COLLISIONS = Published(
    model={
        "image_shape": None,
        "num_features": _COLUMNS,
        "scaling": "power",
        "generator": QuantumGeneratorConfig(
            num_qubits=_COLUMNS,
            num_layers=4,  # half layers, as the code counts: two rotations of each qubit; entanglers after every second
            rotations=("ry", "rz"),
            final_rotations=("ry",),
            entanglement=[[], _PAIRS[0], [], _PAIRS[1]],
            entangler="cry",
            observables="Z",
            style="cyclic",
            init="uniform",
            init_scale=0.15,
        ),
        "noise_dim": 5,
        "critic": ConvCriticConfig(),
    },
    training=_ADADELTA,
    adapted=_ring_of_qubits,
)

_TUTORIAL = Published(
    model={
        **_COLLISIONS.model,
        "scaling": "none",
        "generator": QuantumGeneratorConfig(
            num_qubits=_COLUMNS,
            num_layers=1,
            rotations=("ry", "rz", "ry", "rz"),
            final_rotations=("ry",),
            entanglement=_PAIRS,
            entangler="cry",
            observables="Z",
            style="cyclic-shared",
            init="uniform",
            init_scale=0.15,
        ),
        "noise_dim": 3,
    },
    training=_ADADELTA,
    adapted=_ring_of_qubits,
)

# The circuit, autoencoder, critic and training come from a public re-implementation, not from the authors.
_LAST = Published(
    model={
        "image_shape": (1, 28, 28),
        "generator": QuantumGeneratorConfig(
            num_qubits=10,
            num_layers=6,
            rotations=("ry", "rz", "ry", "rz"),
            final_rotations=(),
            entanglement="ring",
            entangler=("cry", "crz"),
            observables="XZ",
            init="uniform",
            init_scale=0.01,
            readout_std=1.0,
        ),
        "noise_dim": 10,
        "latent_dim": 20,
        "autoencoder": LastAutoencoderConfig(),
        "latent_transform": "none",
        "critic": CriticConfig(width=112, depth=2, halving=True, slope=0.01, dropout=0.1, bias=False),
    },
    training={
        "steps": 9360,  # 20 epochs of the 468 full batches of MNIST
        "batch_size": 128,
        "generator_batch_size": 128,
        "n_critic": 1,
        "gradient_penalty": 10.0,
        "replay": 0,
        "generator_learning_rate": 1e-3,
        "critic_learning_rate": 1e-3,
        "betas": (0.5, 0.999),
        **_AS_THEY_ARE,
        "autoencoder": AutoencoderTraining(
            steps=300,  # 100 epochs of batches of 34 % of MNIST
            batch_size=20_400,
            learning_rate=1e-3,
            betas=(0.9, 0.999),
            weight_decay=0.01,
            lr_schedule="constant",
            warmup=0.0,
            absolute_error=0.0,
            latent_noise=0.0,
            latent_shape=0.0,
        ),
    },
)

_CAPACITY = Published(
    model={
        "image_shape": (4, 28, 28),
        "generator": QuantumGeneratorConfig(num_qubits=12, num_layers=8, observables="XZ"),
        "latent_dim": 24,
        "autoencoder": VariationalAutoencoderConfig(),
    },
    training={"loss": "wgan-gp", "clip_norm": 1.0},
)

PUBLISHED = {
    "2110.06933": _COLLISIONS,
    "2110.06933/tutorial": _TUTORIAL,
    "2406.02668": _LAST,
    "2601.05036": _CAPACITY,
}
