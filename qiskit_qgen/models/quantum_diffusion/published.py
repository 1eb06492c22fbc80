"""The system of a paper, in the form of its fixed code, as QuantumDiffusion settings."""

from __future__ import annotations

from qiskit_qgen.models.base.published import Published
from qiskit_qgen.models.quantum_diffusion.config import GaussianDiffusion, Sampling
from qiskit_qgen.networks.bottleneck_gates import QuantumBottleneck
from qiskit_qgen.networks.published_unet import PublishedUNetConfig

_BOTTLENECK = Published(
    model={
        "image_shape": (1, 28, 28),
        "bottleneck": QuantumBottleneck(num_qubits=16, num_layers=3),
        "architecture": PublishedUNetConfig(),
        "process": GaussianDiffusion(num_steps=1000, schedule="cosine", min_beta=1e-4, prediction="epsilon"),
        "sampling": Sampling(sampler="ddpm"),
    },
    training={
        "steps": 2000,
        "batch_size": 64,
        "min_snr_gamma": None,
        "learning_rate": 3e-4,
        "betas": (0.9, 0.999),
        "clip_norm": None,
        "ema_decay": 0.999,
        "lr_schedule": "constant",
        "warmup": 0.0,
    },
)

PUBLISHED = {"2504.00034": _BOTTLENECK}
