"""The sizes that a capacity study compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from itertools import product
from typing import Any

from qiskit_qgen._checks import check_distinct
from qiskit_qgen._settings import Settings, setting


class CapacityGrid(Settings):
    """Sizes of generators and critics, and seeds: every generator is trained with every critic and every seed."""

    num_qubits: tuple[int, ...] = setting(
        "Qubits of quantum generators; the number of their expectation values must equal the latent dimension",
        default=(12,),
        minimum=1,
    )
    num_layers: tuple[int, ...] = setting("Layers of quantum generators", default=(1, 2, 4, 8), minimum=1)
    generator_widths: tuple[int, ...] = setting(
        "Widths of the hidden layers of classical generators", default=(4, 8, 16, 32, 64, 128), minimum=1
    )
    critic_widths: tuple[int, ...] = setting(
        "Widths of the hidden layers of critics", default=(8, 16, 32, 64, 128, 256), minimum=1
    )
    seeds: tuple[int, ...] = setting("Seeds of the trials", default=(0, 1, 2), minimum=0)

    def check(self) -> None:
        """Raise :class:`ArgumentError` unless each option has distinct numbers, and at least one."""
        for each in fields(self):
            check_distinct(each.name, getattr(self, each.name))

    def generators(self) -> list[dict[str, Any]]:
        """Return the generators with their sizes, quantum generators first."""
        return [
            {"generator": "quantum", "num_qubits": qubits, "num_layers": layers}
            for qubits, layers in product(self.num_qubits, self.num_layers)
        ] + [{"generator": "classical", "generator_width": width} for width in self.generator_widths]

    def configurations(self, common: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the configurations of all trials, seed by seed, each with the ``common`` settings."""
        return [
            {**generator, "critic_width": critic, "seed": seed, **common}
            for seed, generator, critic in product(self.seeds, self.generators(), self.critic_widths)
        ]


def generator_name(configuration: Mapping[str, Any]) -> str:
    """Return the name of a trial's generator, such as "12 qubits, 8 layers" or "width 64"."""
    if configuration["generator"] == "quantum":
        layers = configuration["num_layers"]
        return f"{configuration['num_qubits']} qubits, {layers} layer{'s' * (layers != 1)}"
    return f"width {configuration['generator_width']}"
