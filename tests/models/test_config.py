"""All settings of models, networks and trainings: each option refuses what it cannot be, in one sentence."""

import pytest
import torch
from torch import nn

from qiskit_qgen import networks, training
from qiskit_qgen._settings import Settings
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.models import HybridGAN, QuantumDiffusion, StyleQGAN, hybrid_gan, quantum_diffusion, style_qgan
from qiskit_qgen.models.quantum_diffusion.config import Depolarizing, GaussianDiffusion, Sampling, StochasticWalk
from qiskit_qgen.networks.backbones import config as backbones
from qiskit_qgen.networks.bottleneck_gates import QuantumBottleneck, SqueezeExcitation
from qiskit_qgen.networks.controls import CircuitControl
from qiskit_qgen.networks.unet import UNetConfig
from qiskit_qgen.noise import GaussianNoise

POSITIVE = (0, "must be a positive integer, but is 0.")
TWO = (1, "must be an integer of at least 2, but is 1.")
COUNT = (-1, "must be a non-negative integer, but is -1.")
RATE = (0, "must be a number in (0, inf), but is 0.")
WEIGHT = (-0.5, "must be a number in [0, inf), but is -0.5.")
PART = (1, "must be a number in [0, 1), but is 1.")
QUBITS = (25, "must be an integer from 1 to 24, but is 25.")
LAYERS = (0, "must be an integer from 1 to 10000, but is 0.")
DEPTH = (101, "must be an integer from 1 to 100, but is 101.")
STEPS = (1, "must be an integer from 2 to 100000, but is 1.")
GATES = ("ry", "must be a list of names, but is of type str.")
ENTANGLER = (3, "must be a string or a list, but is of type int.")
LETTERS = ("W", "must name each of X, Y, Z")
FLAG = (1, "must be True or False, but is of type int.")
SHAPE = ((8, 8), "must have shape (3,), but has shape (2,).")
SCHEDULE = ("step", "must be one of 'constant', 'linear', 'cosine', but is 'step'.")
OPTIMIZER = {"betas": ((0.5, 1.0), PART[1]), "lr_schedule": SCHEDULE, "warmup": PART}
GENERATOR = OPTIMIZER | {"n_critic": POSITIVE, "generator_learning_rate": RATE, "clip_norm": RATE, "ema_decay": PART}

BAD = {
    training.WassersteinTraining: GENERATOR
    | {
        "steps": POSITIVE,
        "batch_size": TWO,
        "loss": ("hinge", "must be one of 'wgan-gp', 'bce', but is 'hinge'."),
        "separate_updates": FLAG,
        "optimizer": ("sgd", "must be one of 'adam', 'adadelta', but is 'sgd'."),
        "gradient_penalty": WEIGHT,
        "replay": COUNT,
        "generator_batch_size": POSITIVE,
        "critic_learning_rate": RATE,
    },
    training.AdversarialTraining: GENERATOR
    | {
        "steps": POSITIVE,
        "batch_size": TWO,
        "loss": ("lsgan", "must be one of 'wgan-gp', 'hinge', 'bce', but is 'lsgan'."),
        "gradient_penalty": WEIGHT,
        "augmentations": (("flip",), "must be one of 'color', 'translation', 'cutout', but is 'flip'."),
        "discriminator_learning_rate": RATE,
    },
    training.DenoisingTraining: OPTIMIZER
    | {
        "steps": POSITIVE,
        "batch_size": POSITIVE,
        "min_snr_gamma": RATE,
        "label_dropout": PART,
        "learning_rate": RATE,
        "clip_norm": RATE,
        "ema_decay": PART,
    },
    training.AutoencoderTraining: OPTIMIZER
    | {
        "steps": COUNT,
        "batch_size": TWO,
        "kl_weight": WEIGHT,
        "learning_rate": RATE,
        "weight_decay": WEIGHT,
        "absolute_error": WEIGHT,
        "latent_noise": WEIGHT,
        "latent_shape": WEIGHT,
    },
    training.DecoderTraining: OPTIMIZER
    | {
        "steps": COUNT,
        "batch_size": TWO,
        "adversarial_weight": RATE,
        "learning_rate": RATE,
        "discriminator_learning_rate": RATE,
        "width": POSITIVE,
    },
    style_qgan.StyleQGANTraining: {
        "autoencoder": (3, "must be AutoencoderTraining, but is of type int."),
        "decoder": (3, "must be DecoderTraining, but is of type int."),
    },
    networks.ConvAutoencoderConfig: {
        "width": POSITIVE,
        "hidden": POSITIVE,
        "latent_bound": ("relu", "must be one of 'norm', 'tanh', but is 'relu'."),
    },
    networks.VariationalAutoencoderConfig: {"width": POSITIVE, "hidden": POSITIVE},
    networks.CriticConfig: {
        "width": POSITIVE,
        "depth": DEPTH,
        "halving": FLAG,
        "slope": (1.5, "must be a number in [0, 1], but is 1.5."),
        "dropout": PART,
        "bias": FLAG,
    },
    networks.ClassicalGeneratorConfig: {"width": POSITIVE, "depth": DEPTH, "skip": FLAG},
    UNetConfig: {"width": (7, "must be an integer of at least 8, but is 7.")},
    SqueezeExcitation: {"width": POSITIVE},
    CircuitControl: {
        "control": ("linear", "must be one of 'unentangled', 'frozen', 'fourier', 'dense', but is 'linear'."),
        "num_frequencies": (0, "must be an integer from 1 to 100000, but is 0."),
    },
    QuantumBottleneck: {
        "ansatz": ("ring", "must be ParametrizedCircuit or None, but is of type str."),
        "num_qubits": QUBITS,
        "num_layers": LAYERS,
        "observables": LETTERS,
    },
    backbones.StagedConfig: {
        "input_size": POSITIVE,
        "scales": (3, "must be a list of numbers, but is of type int."),
        "scale_width": POSITIVE,
        "frozen_stages": POSITIVE,
        "last_stage": POSITIVE,
        "grid": POSITIVE,
        "channels": (0, "must be a list of numbers, but is of type int."),
    },
    backbones.ResNet18Config: {"weights": (3, "must be a string or None, but is of type int.")},
    backbones.ConvBackboneConfig: {"width": POSITIVE},
    style_qgan.QuantumGeneratorConfig: {
        "ansatz": (3, "must be ParametrizedCircuit or None, but is of type int."),
        "num_qubits": QUBITS,
        "num_layers": LAYERS,
        "rotations": GATES,
        "final_rotations": GATES,
        "entanglement": ("star", "must be one of 'ring', 'brick', 'linear', 'full', 'none', but is 'star'."),
        "entangler": ENTANGLER,
        "observables": LETTERS,
        "style": ("ring", "must be one of 'full', 'cyclic', 'cyclic-shared', but is 'ring'."),
        "init": ("zero", "must be one of 'gaussian', 'uniform', but is 'zero'."),
        "init_scale": (1e308, "must be a number in [0, 1e+06], but is 1e+308."),
        "readout_std": RATE,
    },
    style_qgan.StyleQGANConfig: {
        "image_shape": SHAPE,
        "num_features": POSITIVE,
        "scaling": ("log", "must be one of 'range', 'quantile', 'power', 'none', but is 'log'."),
        "generator": (3, "must be QuantumGeneratorConfig or ClassicalGeneratorConfig, but is of type int."),
        "noise": ("salt", "must be one of 'gaussian', 'quantum', but is 'salt'."),
        "noise_dim": POSITIVE,
        "num_classes": (-1, "must be a non-negative integer, but is -1."),
        "num_clusters": (-1, "must be a non-negative integer, but is -1."),
        "autoencoder": (
            3,
            "must be ConvAutoencoderConfig or VariationalAutoencoderConfig or LastAutoencoderConfig",
        ),
        "latent_dim": POSITIVE,
        "latent_transform": ("ica", "must be one of 'pca', 'zca', 'standard', 'none', but is 'ica'."),
        "critic": (None, "must be CriticConfig or ConvCriticConfig, but is of type NoneType."),
    },
    hybrid_gan.BlockConfig: {
        "num_qubits": QUBITS,
        "ansatz": (
            "qaoa",
            "must be one of 'hardware_efficient', 'strongly_entangling', 'data_reuploading', but is 'qaoa'.",
        ),
        "num_layers": LAYERS,
        "encoding": (None, "must be a string or a list, but is of type NoneType."),
        "rotations": GATES,
        "entanglement": ("star", "must be one of 'ring', 'brick', 'linear', 'full', 'none', but is 'star'."),
        "entangler": ENTANGLER,
        "observables": LETTERS,
        "num_parameters": POSITIVE,
        "activation": ("gelu", "must be one of 'leaky_relu', 'relu', 'tanh', but is 'gelu'."),
    },
    hybrid_gan.UpsamplingConfig: {"width": (20, "must be a multiple of 8, but is 20.")},
    hybrid_gan.DiscriminatorConfig: {"width": POSITIVE, "spectral_normalization": FLAG},
    hybrid_gan.HybridGANConfig: {
        "image_shape": SHAPE,
        "quantum_in": ("critic", "must be one of 'none', 'generator', 'discriminator', 'both', but is 'critic'."),
        "latent_dim": POSITIVE,
        "noise": ("salt", "must be one of 'gaussian', 'uniform', but is 'salt'."),
        "num_classes": (-1, "must be a non-negative integer, but is -1."),
        "num_clusters": (-1, "must be a non-negative integer, but is -1."),
        "block": (None, "must be BlockConfig, but is of type NoneType."),
        "backbone": (
            3,
            "must be EfficientNetLite0Config or ResNet18Config or InceptionV3Config or ConvBackboneConfig ",
        ),
        "generator": (3, "must be UpsamplingConfig, but is of type int."),
        "discriminator": (3, "must be DiscriminatorConfig, but is of type int."),
    },
    GaussianDiffusion: {
        "num_steps": STEPS,
        "schedule": ("sine", "must be one of 'cosine', 'linear', 'sigmoid', 'information', but is 'sine'."),
        "min_beta": (1.0, "must be a number in [0, 0.999], but is 1.0."),
        "prediction": ("noise", "must be one of 'v', 'epsilon', 'x0', but is 'noise'."),
    },
    Depolarizing: {"num_steps": STEPS, "shots": POSITIVE},
    StochasticWalk: {
        "num_steps": (2001, "must be an integer from 2 to 2000, but is 2001."),
        "levels": (17, "must be an integer from 3 to 16, but is 17."),
        "mixing": (0.0, "must be a number in (0, 1], but is 0.0."),
    },
    Sampling: {
        "sampler": ("euler", "must be one of 'ddim', 'dpm-solver', 'ddpm', but is 'euler'."),
        "steps": POSITIVE,
        "guidance": WEIGHT,
    },
    quantum_diffusion.QuantumDiffusionConfig: {
        "image_shape": SHAPE,
        "bottleneck": (3, "must be QuantumBottleneck or PlainBottleneck or SqueezeExcitation or "),
        "architecture": (3, "must be UNetConfig or PublishedUNetConfig, but is of type int."),
        "process": (3, "must be GaussianDiffusion or Depolarizing or StochasticWalk or AbstractForwardProcess, but is"),
        "noise": ("pink", "must be one of 'gaussian', 'quantum', but is 'pink'."),
        "num_classes": (1, "must be an integer of at least 2, but is 1."),
        "sampling": (3, "must be Sampling, but is of type int."),
    },
}


def below(kind):
    return [kind, *(each for child in kind.__subclasses__() for each in below(child))]


def test_every_option_of_every_class_is_in_the_table():
    packages = ("qiskit_qgen.networks", "qiskit_qgen.models", "qiskit_qgen.training")
    classes = [kind for kind in below(Settings) if kind.__module__.startswith(packages)]
    declared = {kind: set(kind.__annotations__) - {"kind"} for kind in classes}
    assert {kind: names for kind, names in declared.items() if names} == {kind: set(rows) for kind, rows in BAD.items()}


@pytest.mark.parametrize(
    ("kind", "option"),
    [(kind, option) for kind, rows in BAD.items() for option in rows],
    ids=lambda each: each if isinstance(each, str) else each.__name__,
)
def test_each_option_refuses_what_it_cannot_be(kind, option):
    value, rule = BAD[kind][option]
    with pytest.raises((ArgumentError, ArgumentTypeError)) as caught:
        kind(**{option: value})
    sentence = str(caught.value)
    assert sentence.startswith((f"Argument `{option}` {rule}", f"Argument `{option}[")), sentence
    assert rule in sentence
    assert sentence.endswith(".")


class Own(nn.Module):
    def encode(self, images):
        return images.flatten(1)[:, :4]

    def decode(self, latents):
        return latents[:, :1, None, None].sigmoid().expand(-1, 1, 8, 8)


IMAGES = {"image_shape": (1, 8, 8)}
TABLE, PIXELS = {"image_shape": None, "num_features": 2}, {**IMAGES, "autoencoder": None, "generator": "classical"}


@pytest.mark.parametrize(
    ("model", "settings", "sentence"),
    [
        (StyleQGAN, {"generator_width": 65}, "`generator_width` has no effect where `generator` is 'quantum'"),
        (
            StyleQGAN,
            {"generator": "classical", "num_layers": 1},
            "`num_layers` has no effect where `generator` is 'cla",
        ),
        (StyleQGAN, {"generator": "classical", "entanglement": [[0, 1]]}, "`entanglement` has no effect where"),
        (StyleQGAN, {"num_features": 3}, "`num_features` has no effect for images"),
        (StyleQGAN, {"scaling": "quantile"}, "`scaling` has no effect for images"),
        (
            StyleQGAN,
            {"image_shape": None},
            "`num_features` must be a positive integer if `image_shape` is None, but is",
        ),
        (StyleQGAN, {**TABLE, "latent_dim": 2}, "`latent_dim` has no effect for tabular data, which have no latent"),
        (StyleQGAN, {**TABLE, "autoencoder": Own()}, "`autoencoder` has no effect for tabular data"),
        (StyleQGAN, {**TABLE, "autoencoder_width": 8}, "`autoencoder` has no effect for tabular data"),
        (StyleQGAN, {**PIXELS, "latent_dim": 3}, "`latent_dim` has no effect without an autoencoder"),
        (StyleQGAN, {**PIXELS, "latent_transform": "zca"}, "`latent_transform` has no effect without an autoencoder"),
        (StyleQGAN, {**PIXELS, "autoencoder_width": 8}, "`autoencoder_width` has no effect where `autoencoder` is not"),
        (StyleQGAN, {"autoencoder": Own(), "latent_bound": "tanh"}, "`latent_bound` has no effect where `autoencoder`"),
        (
            StyleQGAN,
            {"autoencoder": nn.Identity()},
            "`autoencoder` must be a module with a method `encode`, but has non",
        ),
        (StyleQGAN, {"image_shape": (1, 7, 28)}, r"`image_shape\[1\]` must be an integer from 8 to 64, but is 7"),
        (
            StyleQGAN,
            {"latent_dim": 25},
            "`num_qubits` must give an output for each of the 25 numbers of a sample, but 12",
        ),
        (StyleQGAN, {"num_classes": 1}, "`num_classes` must be 0 or an integer of at least 2, but is 1"),
        (StyleQGAN, {"num_clusters": 1}, "`num_clusters` must be 0 or an integer of at least 2, but is 1"),
        (StyleQGAN, {"num_classes": 2, "num_clusters": 3}, "`num_clusters` must be 0 for a model with classes"),
        (StyleQGAN, {"num_classes": 2, "style": "cyclic"}, "`style` must be 'full' for a model with classes or clu"),
        (StyleQGAN, {"noise": GaussianNoise(4), "noise_dim": 4}, "`noise_dim` has no effect beside a source of noise"),
        (StyleQGAN, {"critic": "conv", "critic_width": 8}, "`critic_width` has no effect where `critic` is 'conv'"),
        (
            StyleQGAN,
            {"autoencoder": "variational", "latent_bound": "tanh"},
            "`latent_bound` has no effect where `autoencoder` is 'variational'",
        ),
        (StyleQGAN, {"autoencoder": "last-qgan", "image_shape": (1, 9, 8)}, "`image_shape` must have sides divisible"),
        (StyleQGAN, {"rotations": ("rz",)}, r"must end with RY, or RY and RZ, .* choose `init='uniform'`"),
        (StyleQGAN, {"rotations": ("h",)}, "`rotations` must be one of 'rx', 'ry', 'rz', 'p', but is 'h'"),
        (
            StyleQGAN,
            {"control": "dense"},
            "`control` must be one of .* of a generator, but is 'dense': take generator='cl",
        ),
        (
            StyleQGAN,
            {"generator": "classical", "control": "frozen"},
            "`control` has no effect where `generator` is 'cla",
        ),
        (StyleQGAN, {"entangler": "ccx"}, "`entangler` must be one of"),
        (StyleQGAN, {"num_layers": 10_000}, "`num_layers` must give, .* a circuit of at most 20,000 gates, but gives"),
        (HybridGAN, {"image_shape": (2, 8, 8)}, r"`image_shape\[0\]` must be 1, 3 or 4 channels"),
        (
            HybridGAN,
            {"backbone": "vgg"},
            "`backbone` must be one of 'efficientnet-lite0', 'resnet18', 'inception_v3', ",
        ),
        (
            HybridGAN,
            {"backbone": {"kind": "conv", "depth": 3}},
            r"ConvBackbone has no option `backbone\.depth`: did you",
        ),
        (HybridGAN, {"backbone": "conv", "encoding": "rz"}, "`encoding` must turn the qubits"),
        (
            HybridGAN,
            {"ansatz": "strongly_entangling", "entanglement": "full"},
            "`entanglement` has no effect with ansat",
        ),
        (HybridGAN, {"quantum_in": "none", "control": "dense"}, "`control` has no effect with quantum_in='none', whic"),
        (
            HybridGAN,
            {"num_parameters": 9},
            "`num_parameters` has no effect with quantum_in='both', which has no classi",
        ),
        (HybridGAN, {"num_classes": 1}, "`num_classes` must be 0 or an integer of at least 2, but is 1"),
        (HybridGAN, {"num_classes": 2, "num_clusters": 3}, "`num_clusters` must be 0 for a model with classes"),
        (HybridGAN, {"generator_width": 20}, "`generator_width` must be a multiple of 8, but is 20"),
        (HybridGAN, {"noise": GaussianNoise(4)}, "`noise` must give vectors of `latent_dim=5` numbers, but gives 4"),
        (HybridGAN, {"num_qubits": 24, "num_layers": 10_000}, "a circuit of at most 20,000 gates, but gives"),
        (QuantumDiffusion, {"image_shape": (1, 10, 8)}, "`image_shape` must have sides divisible by 4, but is"),
        (QuantumDiffusion, {"image_shape": (5, 8, 8)}, r"`image_shape\[0\]` must be an integer from 1 to 4, but is 5"),
        (QuantumDiffusion, {"bottleneck": "attention"}, "`bottleneck` must be one of 'quantum', 'plain', 'se', "),
        (
            QuantumDiffusion,
            {"bottleneck": "plain", "num_qubits": 2},
            "`num_qubits` has no effect where `bottleneck` is",
        ),
        (
            QuantumDiffusion,
            {"bottleneck": "se", "num_layers": 2},
            "`num_layers` has no effect where `bottleneck` is 'se",
        ),
        (
            QuantumDiffusion,
            {"architecture": "published", "architecture_width": 8},
            "`architecture_width` has no effect ",
        ),
        (QuantumDiffusion, {"architecture_width": 12}, "`(architecture_)?width` must be divisible by 8, but is 12"),
        (
            QuantumDiffusion,
            {"process": "heat"},
            "`process` must be one of 'gaussian', 'depolarizing', 'stochastic_walk",
        ),
        (
            QuantumDiffusion,
            {"process": "depolarizing", "noise": "quantum"},
            "`noise` has no effect unless the process i",
        ),
        (
            QuantumDiffusion,
            {"process": "depolarizing", "prediction": "x0"},
            "`prediction` has no effect where `process`",
        ),
        (
            QuantumDiffusion,
            {"process": "depolarizing", "sampler": "ddpm"},
            "`sampler` has no effect unless the process",
        ),
        (QuantumDiffusion, {"sampling_steps": 1001}, "`sampling_steps` must be an integer from 1 to 1000, but is 1001"),
        (
            QuantumDiffusion,
            {"sampler": "ddpm", "sampling_steps": 5},
            "`sampling_steps` has no effect with sampler='ddpm'",
        ),
        (QuantumDiffusion, {"guidance": 2.0}, "`guidance` has no effect on a model without classes"),
        (
            QuantumDiffusion,
            {"noise": GaussianNoise(3)},
            "`noise` must have as many components as an image, 784, but has",
        ),
        (QuantumDiffusion, {"num_qubits": 2, "num_frequencies": 9}, "`num_frequencies` has no effect unless control="),
        (QuantumDiffusion, {"num_layers": 10_000}, "a circuit of at most 20,000 gates, but gives 480,000"),
    ],
)
def test_what_does_not_go_together_is_refused(model, settings, sentence):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=sentence):
        model(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {**IMAGES, "autoencoder": Own(), "generator": "classical", "latent_dim": 4, "latent_transform": "none"},
        {**IMAGES, "generator": "classical", "latent_dim": 5, "generator_width": 8, "generator_depth": 1},
        {"image_shape": None, "num_features": 2, "scaling": "quantile", "observables": "Z"},
        {**PIXELS, "generator": {"kind": "classical", "width": 8}},
    ],
)
def test_options_with_an_effect_are_taken(settings):
    model = StyleQGAN(**settings)
    assert model(torch.zeros(2, model.noise_dim)).shape[0] == 2


def test_a_training_with_another_loss_has_no_penalty():
    with pytest.raises(ArgumentError, match="`gradient_penalty` has no effect with loss='hinge': leave it out"):
        training.AdversarialTraining(loss="hinge", gradient_penalty=1.0)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"loss": "bce", "gradient_penalty": 1.0}, "`gradient_penalty` has no effect with loss='bce': leave it out"),
        ({"separate_updates": True}, "`separate_updates` has no effect with loss='wgan-gp': leave it out"),
        ({"optimizer": "adadelta", "betas": (0.5, 0.9)}, "`betas` has no effect with optimizer='adadelta': leave it"),
    ],
)
def test_what_a_loss_or_an_optimizer_does_not_have_is_refused(options, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        training.WassersteinTraining(**options)
