"""The networks of a HybridGAN, built from its constructor's arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from qiskit import QuantumCircuit
from torch import nn

from qiskit_qgen._random import torch_generator
from qiskit_qgen.circuits import (
    ParametrizedCircuit,
    data_reuploading,
    hardware_efficient_ansatz,
    pauli_observables,
    strongly_entangling_ansatz,
)
from qiskit_qgen.exceptions import ArgumentError, CheckpointError
from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.models.hybrid_arguments import num_layers, quantum_parts
from qiskit_qgen.networks import (
    AbstractBackbone,
    ClassicalBlock,
    ConvBackbone,
    EfficientNetLite0Backbone,
    QuantumBlock,
    TorchvisionBackbone,
    TransferDiscriminator,
    UpsamplingGenerator,
)
from qiskit_qgen.noise import AbstractNoise, GaussianNoise, UniformNoise

_SMALLEST_INPUT = {"efficientnet-lite0": 32, "resnet18": 64, "inception_v3": 75}
_INITIAL_WEIGHTS_STREAM = 0x68796272


def build_backbone(arguments: Mapping[str, Any]) -> AbstractBackbone:
    """Return the backbone that ``arguments`` name.

    Raises:
        ArgumentError: If an option is unknown or out of range, or the backbone does not take such pictures.
        MissingOptionalLibraryError: If the backbone needs a library that is not installed.
    """
    name, shape = arguments["backbone"], tuple(arguments["image_shape"])
    options = dict(arguments["backbone_options"] or {})
    if name in _SMALLEST_INPUT:
        options.setdefault("input_size", max(_SMALLEST_INPUT[name], *shape[1:]))
    makers: dict[str, Callable[..., AbstractBackbone]] = {
        "efficientnet-lite0": EfficientNetLite0Backbone,
        "conv": lambda **given: ConvBackbone(shape, **given),
    }
    make = makers.get(name, lambda **given: TorchvisionBackbone(name, **given))
    try:
        backbone = make(**options)
    except TypeError as error:
        raise ArgumentError(f"Argument `backbone_options` does not fit the backbone '{name}': {error}.") from error
    return backbone


def build_noise(arguments: Mapping[str, Any]) -> AbstractNoise:
    """Return the source of noise that ``arguments`` name."""
    return {"gaussian": GaussianNoise, "uniform": UniformNoise}[arguments["noise"]](arguments["latent_dim"])


def build_circuit(arguments: Mapping[str, Any]) -> ParametrizedCircuit:
    """Return the circuit of a quantum block, which also says how many parameters a classical block has.

    Raises:
        ArgumentError: If a gate or pattern is unknown.
    """
    options: dict[str, Any] = {"encoding": arguments["encoding"], "entangler": arguments["entangler"]}
    if arguments["entanglement"] is not None:
        options["entanglement"] = arguments["entanglement"]
    rotations, usual = arguments["rotations"], ["ry"]
    build: Callable[..., ParametrizedCircuit] = data_reuploading
    if arguments["ansatz"] == "strongly_entangling":
        build, usual = strongly_entangling_ansatz, ["ry", "rz", "ry"]
    elif arguments["ansatz"] == "hardware_efficient":
        build = hardware_efficient_ansatz
    chosen = usual if rotations is None else rotations
    circuit = build(arguments["num_qubits"], num_layers(arguments), rotations=chosen, **options)
    if not circuit.num_inputs:
        raise ArgumentError("Argument `encoding` must name gates that bring in the noise, but is None.")
    return circuit


def saved_circuit(circuit: QuantumCircuit, names: list[str], num_inputs: int) -> ParametrizedCircuit:
    """Return a saved ``circuit``, whose inputs and then weights are ``names`` in order.

    Raises:
        CheckpointError: If the circuit has other parameters.
    """
    parameters = {parameter.name: parameter for parameter in circuit.parameters}
    if sorted(parameters) != sorted(names):
        raise CheckpointError("The saved circuit does not fit the saved configuration: its parameters differ.")
    ordered = [parameters[name] for name in names]
    return ParametrizedCircuit(circuit, tuple(ordered[:num_inputs]), tuple(ordered[num_inputs:]))


def build_networks(
    arguments: Mapping[str, Any], backbone: AbstractBackbone, circuit: ParametrizedCircuit, *, seed: int
) -> dict[str, nn.Module]:
    """Return generator and discriminator with fresh weights, which depend on ``seed`` alone.

    What does not belong to a block starts alike in all four configurations.

    Args:
        arguments: The model's arguments, checked.
        backbone: What the discriminator sees with.
        circuit: The circuit of the quantum blocks.
        seed: Seed of the weights.
    """
    shape = (arguments["image_shape"][0], arguments["image_shape"][1], arguments["image_shape"][2])
    blocks = {}
    for number, part in enumerate(("generator", "discriminator")):
        with _seeded(seed, number):
            blocks[part] = _block(arguments, circuit, part)
    with _seeded(seed, 2):
        generator = UpsamplingGenerator(
            blocks["generator"], shape, noise_dim=arguments["latent_dim"], width=arguments["generator_width"]
        )
    with _seeded(seed, 3):
        discriminator = TransferDiscriminator(
            backbone,
            shape,
            blocks["discriminator"],
            width=arguments["discriminator_width"],
            spectral_normalization=arguments["spectral_normalization"],
        )
    return {"generator": generator, "discriminator": discriminator}


def _block(arguments: Mapping[str, Any], circuit: ParametrizedCircuit, part: str) -> nn.Module:
    observables = pauli_observables(arguments["num_qubits"], arguments["observables"])
    if part in quantum_parts(arguments):
        return QuantumBlock(circuit, observables=observables, squash=part == "discriminator")
    return ClassicalBlock(
        circuit.num_inputs, len(observables), circuit.num_weights, activation=arguments["block_activation"]
    )


@contextmanager
def _seeded(seed: int, number: int) -> Iterator[None]:
    """Draw initial weights from a stream of ``seed``; torch's global generator is put back afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(torch_generator(seed, _INITIAL_WEIGHTS_STREAM, number).initial_seed())
        yield


def quantum_layers(networks: Sequence[nn.Module]) -> list[QuantumLayer]:
    """Return the layers of ``networks`` that run circuits."""
    return [module for network in networks for module in network.modules() if isinstance(module, QuantumLayer)]


@contextmanager
def executed_on(networks: Sequence[nn.Module], execution: AbstractExecution | None) -> Iterator[None]:
    """Run the circuits of ``networks`` on ``execution`` while the context lasts; None changes nothing.

    Raises:
        ArgumentError: If none of ``networks`` runs a circuit.
    """
    if execution is None:
        yield
        return
    layers = quantum_layers(networks)
    if not layers:
        raise ArgumentError("Argument `execution` must be None where no quantum block runs.")
    former = [layer.execution for layer in layers]
    try:
        for layer in layers:
            layer.execution = execution
        yield
    finally:
        for layer, before in zip(layers, former, strict=True):
            layer.execution = before
