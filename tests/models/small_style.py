"""Small StyleQGANs and pictures for them."""

import torch

from qiskit_qgen.models import StyleQGAN

SMALL = {"num_qubits": 2, "autoencoder_width": 4, "autoencoder_hidden": 8, "critic_width": 8}


SHORT = {"steps": 3, "autoencoder_steps": 3, "batch_size": 8, "callbacks": []}


def small(generator="classical", image_shape=(1, 8, 8), **options):
    sizes = {"num_layers": 1} if generator == "quantum" else {}
    return StyleQGAN(image_shape, generator=generator, **{**SMALL, **sizes, **options})


def pictures(num=20, shape=(1, 8, 8), seed=0):
    return torch.rand(num, *shape, generator=torch.Generator().manual_seed(seed))


def weights(model):
    return [tensor.clone() for network in model._networks().values() for tensor in network.state_dict().values()]


def same(first, second):
    return len(first) == len(second) and all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
