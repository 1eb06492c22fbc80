"""The sizes that a capacity study compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from itertools import product
from typing import Any

from qiskit_qgen._checks import check_int, check_type
from qiskit_qgen.exceptions import ArgumentError


@dataclass(frozen=True, kw_only=True)
class CapacityGrid:
    """Sizes of generators and critics, and seeds: every generator meets every critic with every seed."""

    num_qubits: tuple[int, ...] = (12,)
    """Qubits of quantum generators; their read-outs must be as many as the latent's components."""
    num_layers: tuple[int, ...] = (1, 2, 4, 8)
    """Layers of quantum generators."""
    generator_widths: tuple[int, ...] = (4, 8, 16, 32, 64, 128)
    """Widths of the hidden layers of classical generators."""
    critic_widths: tuple[int, ...] = (8, 16, 32, 64, 128, 256)
    """Widths of the hidden layers of critics."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of the trials."""

    def __post_init__(self) -> None:
        """Check the values, and make them tuples.

        Raises:
            ArgumentError: If one is empty, repeats a number or holds one out of range.
            ArgumentTypeError: If one is no sequence.
        """
        for field in fields(self):
            given = check_type(field.name, getattr(self, field.name), (list, tuple, range), "a sequence of integers")
            least = 0 if field.name == "seeds" else 1
            values = tuple(check_int(field.name, value, minimum=least) for value in given)
            if not values or len(set(values)) < len(values):
                raise ArgumentError(
                    f"Argument `{field.name}` must hold different numbers, at least one, but is {given}."
                )
            object.__setattr__(self, field.name, values)

    def generators(self) -> list[dict[str, Any]]:
        """Return the generators with their sizes, the quantum ones first."""
        return [
            {"generator": "quantum", "num_qubits": qubits, "num_layers": layers}
            for qubits, layers in product(self.num_qubits, self.num_layers)
        ] + [{"generator": "classical", "generator_width": width} for width in self.generator_widths]

    def configurations(self, common: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the configurations of all trials, each with what is ``common`` to them; seed by seed."""
        return [
            {**generator, "critic_width": critic, "seed": seed, **common}
            for seed, generator, critic in product(self.seeds, self.generators(), self.critic_widths)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the grid as JSON can hold it."""
        return {name: list(values) for name, values in asdict(self).items()}


def generator_name(configuration: Mapping[str, Any]) -> str:
    """Return the name of a trial's generator, such as "12 qubits, 8 layers" or "width 64"."""
    if configuration["generator"] == "quantum":
        layers = configuration["num_layers"]
        return f"{configuration['num_qubits']} qubits, {layers} layer{'s' * (layers != 1)}"
    return f"width {configuration['generator_width']}"
