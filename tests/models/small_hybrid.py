"""Hybrid GANs that train in a moment, and what tests compare of them."""

import torch

from qiskit_qgen.models import HybridGAN

PLACES = ("none", "generator", "discriminator", "both")
SHORT = {"steps": 3, "batch_size": 6, "callbacks": []}


def small(quantum_in="both", image_shape=(1, 8, 8), **options):
    options = {"backbone": "conv", "backbone_options": {"width": 4}, "generator_width": 16, **options}
    if options["backbone"] != "conv":
        options.pop("backbone_options")
    return HybridGAN(image_shape, quantum_in, discriminator_width=8, **options)


def pictures(num=20, shape=(1, 8, 8), seed=0):
    return torch.rand(num, *shape, generator=torch.Generator().manual_seed(seed))


def weights(model):
    return {f"{part}.{k}": v.clone() for part, m in model.networks.items() for k, v in m.state_dict().items()}


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
