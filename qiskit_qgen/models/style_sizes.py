"""Whether a saved StyleQGAN has the sizes that its configuration names, told before anything of them is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from qiskit_qgen.circuits.patterns import pairs_of_layers
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.models.style_arguments import has_conv_autoencoder, latent_size, noise_size

_MOST_ENTANGLERS = 1_000_000  # they may have no angles, of which numbers are saved
_NUMBERS_OF_A_COLUMN = 2  # in a table's normalizer, at least


def check_saved_sizes(arguments: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Raise if networks of these arguments would have more numbers than were saved.

    Args:
        arguments: The model's arguments, checked.
        tensors: The saved tensors, by network and name.

    Raises:
        ArgumentError: If the arguments ask for more, or for a circuit of a size that no simulator runs.
    """
    for network, least in _least_numbers(arguments).items():
        saved = sum(tensor.numel() for name, tensor in tensors.items() if name.startswith(f"{network}."))
        if least > saved:
            raise ArgumentError(f"its {network} would have {least:,} numbers or more, but {saved:,} were saved.")
    if arguments["generator"] == "quantum":
        pairs = max(map(len, pairs_of_layers(arguments["entanglement"], arguments["num_qubits"])))
        entanglers = 1 if isinstance(arguments["entangler"], str) else len(arguments["entangler"])
        if arguments["num_layers"] * pairs * entanglers > _MOST_ENTANGLERS:
            raise ArgumentError(f"its circuit would have more than {_MOST_ENTANGLERS:,} two-qubit gates.")


def _least_numbers(arguments: Mapping[str, Any]) -> dict[str, int]:
    """Return lower bounds of the numbers of the networks, close enough to bound the memory that they take."""
    latent, noise = latent_size(arguments), noise_size(arguments)
    least = {"critic": _perceptron(latent, arguments["critic_width"], arguments["critic_depth"], 1)}
    if arguments["generator"] == "classical":
        width, depth = arguments["generator_width"], arguments["generator_depth"]
        least["generator"] = _perceptron(noise, width, depth, latent)
    else:
        layers, rotations, final = arguments["num_layers"], arguments["rotations"], arguments["final_rotations"]
        angles = arguments["num_qubits"] * (layers * len(rotations) + len(rotations if final is None else final))
        least["generator"] = max(angles * (1 if arguments["cyclic_style"] else noise), layers)
    least["normalizer"] = latent * (_NUMBERS_OF_A_COLUMN if arguments["image_shape"] is None else latent)
    if has_conv_autoencoder(arguments):
        channels, width, hidden = (
            arguments["image_shape"][0],
            arguments["autoencoder_width"],
            arguments["autoencoder_hidden"],
        )
        least["autoencoder"] = 16 * channels * width + 32 * width**2 + 2 * width * hidden + hidden * latent
    return least


def _perceptron(inputs: int, width: int, depth: int, outputs: int) -> int:
    """Return the number of weights and biases of a multilayer perceptron."""
    return (inputs + 1) * width + (depth - 1) * (width + 1) * width + (width + 1) * outputs
