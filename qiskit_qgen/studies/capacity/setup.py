"""What was trained in a capacity study, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qiskit_qgen._version import __version__
from qiskit_qgen.studies.capacity.optimality import OptimalityRule
from qiskit_qgen.studies.tables import markdown_table
from qiskit_qgen.studies.trials.folder import flat

_GRID = ("num_qubits", "num_layers", "generator_width", "critic_width", "seed")


def setup_table(
    records: Sequence[Mapping[str, Any]],
    floors: Mapping[str, Any],
    images: Mapping[str, Sequence[int]],
    rule: OptimalityRule,
) -> str:
    """Return the data, sizes and settings of a study as Markdown; all else has its default.

    Args:
        records: The trials' records.
        floors: The autoencoder's record.
        images: Shapes (N, C, H, W) of the images: ``data`` for training and ``held_out``.
        rule: When a training is stable, and which size optimal.
    """
    configurations = [record["configuration"] for record in records]
    codec = floors["configuration"]
    settings = {
        "images": images,
        "autoencoder": {**codec["options"], "steps": codec["steps"], "batch_size": codec["batch_size"]},
        "grid": {name: sorted({each[name] for each in configurations if name in each}) for name in _GRID},
        "training": configurations[0]["training"],
        "rule": rule.to_dict(),
        "qiskit_qgen": __version__,
    }
    lines = [(name, _text(value)) for name, value in flat(settings).items()]
    return markdown_table(("setting", "value"), lines)


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
