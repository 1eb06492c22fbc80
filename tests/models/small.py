"""Small models that train in a moment, and what tests compare of them."""

import inspect

import torch

from qiskit_qgen.models import HybridGAN, QuantumDiffusion, StyleQGAN

PLACES = ("none", "generator", "discriminator", "both")


def style(generator="quantum", image_shape=(1, 8, 8), **settings):
    sizes = {"num_qubits": 2, "num_layers": 1} if generator == "quantum" else {"latent_dim": 4, "noise_dim": 4}
    sizes |= {"critic_width": 8} | (
        {} if "autoencoder" in settings else {"autoencoder_width": 4, "autoencoder_hidden": 8}
    )
    return StyleQGAN(**{"image_shape": image_shape, "generator": generator, **sizes, **settings})


def table(columns=2, generator="quantum", **settings):
    sizes = {"num_qubits": 2, "num_layers": 1} if generator == "quantum" else {"noise_dim": 4}
    data = {"image_shape": None, "num_features": columns, "generator": generator, "critic_width": 8}
    return StyleQGAN(**{**data, **sizes, **settings})


def hybrid(quantum_in="both", image_shape=(1, 8, 8), backbone="conv", **settings):
    sizes = {"generator_width": 16, "discriminator_width": 8} | ({"backbone_width": 4} if backbone == "conv" else {})
    given = {"image_shape": image_shape, "quantum_in": quantum_in, "backbone": backbone}
    return HybridGAN(**{**given, **sizes, **settings})


def diffusion(bottleneck="quantum", **settings):
    widths = {"plain": {}, "se": {"bottleneck_width": 3}, "se_frozen": {"bottleneck_width": 3}}
    sizes = dict(widths.get(bottleneck, {"num_qubits": 3, "num_layers": 1}))
    if isinstance(settings.get("process", ""), str):
        sizes["num_steps"] = 20
    if settings.get("architecture", "default") == "default":
        sizes["architecture_width"] = 8
    if settings.get("sampler") != "ddpm":
        sizes["sampling_steps"] = 4
    return QuantumDiffusion(**{"image_shape": (1, 8, 8), "bottleneck": bottleneck, **sizes, **settings})


KINDS = {"style": style, "hybrid": hybrid, "diffusion": diffusion}


def images(number=20, shape=(1, 8, 8), seed=0):
    return torch.rand(number, *shape, generator=torch.Generator().manual_seed(seed))


def train(model, data=None, **options):
    """Train for a moment; ``options`` are those of ``fit`` and, by their flat names, of the training."""
    names = inspect.signature(model.fit).parameters
    given = {"steps": 3, "batch_size": 6, "seed": 0, "callbacks": [], **options}
    if getattr(model.config, "has_autoencoder", False) and not given.get("warm_start"):
        given.setdefault("autoencoder_steps", 3)
    training = model.training_class.of(**{name: given.pop(name) for name in list(given) if name not in names})
    return model.fit(images() if data is None else data, training=training, **given)


def trained(model, data=None, **options):
    train(model, data, **options)
    return model


def weights(model, *parts):
    chosen = parts or tuple(model.networks)
    return {name: each.clone() for name, each in model.state_dict().items() if name.split(".")[0] in chosen}


def changed(first, second):
    """The names of tensors that differ."""
    assert first.keys() == second.keys()
    return {name for name, tensor in first.items() if not torch.equal(tensor, second[name])}


def same(first, second):
    return not changed(first, second)
