"""The networks of a StyleQGAN, built from its constructor's arguments."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from qiskit import QuantumCircuit
from torch import nn

from qiskit_qgen._random import torch_generator
from qiskit_qgen.circuits import ParametrizedCircuit, pauli_observables, style_ansatz
from qiskit_qgen.exceptions import ArgumentError, CheckpointError
from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.models.codecs import PixelCodec, RowCodec
from qiskit_qgen.models.style_arguments import has_autoencoder, latent_size, noise_size, readout_std
from qiskit_qgen.networks import (
    ClassicalGenerator,
    ConvAutoencoder,
    Critic,
    LatentNormalizer,
    QuantileNormalizer,
    QuantumStyleGenerator,
    RangeNormalizer,
)
from qiskit_qgen.networks.quantum_generator import last_rotations

_INITIAL_WEIGHTS_STREAM = 0x696E6974


def build_networks(
    arguments: Mapping[str, Any], autoencoder: nn.Module | None, circuit: ParametrizedCircuit | None, *, seed: int
) -> dict[str, nn.Module]:
    """Return all networks with fresh weights, which depend on ``seed`` alone.

    Args:
        arguments: The model's arguments, checked.
        autoencoder: A user's own; a copy of it is used.
        circuit: The generator's circuit; None for a classical generator.
        seed: Seed of the weights.
    """
    latent_dim = latent_size(arguments)
    # Layers draw their weights from torch's global generator, whose state is put back afterwards.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(torch_generator(seed, _INITIAL_WEIGHTS_STREAM).initial_seed())
        return {
            "autoencoder": _codec(arguments, autoencoder, latent_dim),
            "normalizer": _normalizer(arguments, latent_dim),
            "generator": _generator(arguments, circuit, latent_dim),
            "critic": Critic(latent_dim, width=arguments["critic_width"], depth=arguments["critic_depth"]),
        }


def build_circuit(arguments: Mapping[str, Any]) -> ParametrizedCircuit | None:
    """Return the ansatz that ``arguments`` name; None for a classical generator.

    Raises:
        ArgumentError: If the ansatz does not exist, or does not end as its start needs.
    """
    if arguments["generator"] != "quantum":
        return None
    circuit = style_ansatz(
        arguments["num_qubits"],
        arguments["num_layers"],
        rotations=arguments["rotations"],
        entanglement=arguments["entanglement"],
        entangler=arguments["entangler"],
        final_rotations=arguments["final_rotations"],
    )
    if arguments["init"] == "gaussian":
        last_rotations(circuit)
    return circuit


def saved_circuit(circuit: QuantumCircuit, inputs: list[str]) -> ParametrizedCircuit:
    """Return a saved ``circuit`` with its inputs, named ``inputs``, in order.

    Raises:
        CheckpointError: If the circuit has other parameters.
    """
    parameters = {parameter.name: parameter for parameter in circuit.parameters}
    if sorted(parameters) != sorted(inputs):
        raise CheckpointError("The saved circuit does not fit the saved configuration: its parameters differ.")
    return ParametrizedCircuit(circuit, tuple(parameters[name] for name in inputs))


def _codec(arguments: Mapping[str, Any], autoencoder: nn.Module | None, latent_dim: int) -> nn.Module:
    if arguments["image_shape"] is None:
        return RowCodec()
    if autoencoder is not None:
        return copy.deepcopy(autoencoder)
    shape = tuple(arguments["image_shape"])
    if arguments["autoencoder"] is None:
        return PixelCodec(shape)
    return ConvAutoencoder(
        shape,
        latent_dim,
        width=arguments["autoencoder_width"],
        hidden=arguments["autoencoder_hidden"],
        latent_bound=arguments["latent_bound"],
    )


def _normalizer(arguments: Mapping[str, Any], latent_dim: int) -> nn.Module:
    if arguments["image_shape"] is None:
        kinds = {"range": RangeNormalizer, "quantile": QuantileNormalizer}
        return kinds[arguments["scaling"]](latent_dim)
    return LatentNormalizer(latent_dim, arguments["latent_transform"] if has_autoencoder(arguments) else "none")


def _generator(arguments: Mapping[str, Any], circuit: ParametrizedCircuit | None, latent_dim: int) -> nn.Module:
    if circuit is None:
        width, depth = arguments["generator_width"], arguments["generator_depth"]
        return ClassicalGenerator(noise_size(arguments), latent_dim, width=width, depth=depth)
    observables = pauli_observables(arguments["num_qubits"], arguments["observables"])[:latent_dim]
    return QuantumStyleGenerator(
        circuit,
        noise_dim=noise_size(arguments),
        observables=observables,
        readout_std=readout_std(arguments),
        init=arguments["init"],
        init_scale=arguments["init_scale"],
        cyclic=arguments["cyclic_style"],
    )


@contextmanager
def executed_on(generator: nn.Module, execution: AbstractExecution | None) -> Iterator[None]:
    """Run the circuit of ``generator`` on ``execution`` while the context lasts; None changes nothing.

    Raises:
        ArgumentError: If ``generator`` runs no circuit.
    """
    if execution is None:
        yield
        return
    layer = quantum_layer(generator)
    former = layer.execution
    layer.execution = execution
    try:
        yield
    finally:
        layer.execution = former


def quantum_layer(generator: nn.Module) -> QuantumLayer:
    """Return the layer that runs a generator's circuit.

    Raises:
        ArgumentError: If ``generator`` runs no circuit.
    """
    if not isinstance(generator, QuantumStyleGenerator):
        raise ArgumentError("Argument `execution` must be None for a classical generator, which runs no circuit.")
    return generator.layer
