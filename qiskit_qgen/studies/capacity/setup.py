"""The training set-up of a capacity study as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qiskit_qgen._version import __version__
from qiskit_qgen.studies.capacity.models import AutoencoderSettings, CapacityModels
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
    """Return a study's data, sizes and settings as Markdown; model settings only if they differ from the defaults.

    The arguments are attributes of :class:`~qiskit_qgen.studies.CapacityStudy`.
    """
    configurations = [record["configuration"] for record in records]
    codec = dict(floors["configuration"])
    settings = {
        "images": images,
        "autoencoder": {**codec.pop("autoencoder", {}), **codec},
        "grid": {name: sorted({each[name] for each in configurations if name in each}) for name in _GRID},
        "training": configurations[0]["training"],
        "rule": rule.to_dict(),
        "defaults of qiskit_qgen": __version__,
    }
    defaults = flat({"autoencoder": AutoencoderSettings().to_dict(), "training.models": CapacityModels().to_dict()})
    told = {name: value for name, value in flat(settings).items() if name not in defaults or defaults[name] != value}
    return markdown_table(("setting", "value"), [(name, _text(value)) for name, value in told.items()])


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
