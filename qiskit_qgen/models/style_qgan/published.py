"""The systems of three papers as settings of a StyleQGAN."""

from __future__ import annotations

from qiskit_qgen.models.base.published import Published
from qiskit_qgen.models.style_qgan.config import QuantumGeneratorConfig
from qiskit_qgen.networks import ConvCriticConfig

_PAIRS = [[[0, 1], [0, 2]], [[1, 2], [2, 0]]]  # lists, as a saved model has them
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

_COLLISIONS = Published(
    model={
        "image_shape": None,
        "num_features": 3,
        "scaling": "power",
        "generator": QuantumGeneratorConfig(
            num_qubits=3,
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
)

_TUTORIAL = Published(
    model={
        **_COLLISIONS.model,
        "scaling": "none",
        "generator": QuantumGeneratorConfig(
            num_qubits=3,
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
)

PUBLISHED = {"2110.06933": _COLLISIONS, "2110.06933/tutorial": _TUTORIAL}
