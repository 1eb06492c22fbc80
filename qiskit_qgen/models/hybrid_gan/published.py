"""The system of a paper as HybridGAN settings."""

from __future__ import annotations

from qiskit_qgen.models.base.published import Published
from qiskit_qgen.models.hybrid_gan.config import BlockConfig

# Loss, learning rates, batch size and steps are not known: our defaults train it.
_TRANSFER = Published(
    model={
        "image_shape": (3, 32, 32),
        "quantum_in": "both",
        "latent_dim": 5,
        "block": BlockConfig(num_qubits=5, num_layers=3, rotations=("ry",), activation="relu"),
    },
    training={},
)

PUBLISHED = {"2507.09706": _TRANSFER}
