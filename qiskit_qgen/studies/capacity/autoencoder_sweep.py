"""The result of a sweep over options of the autoencoder: the floor that each sets."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from qiskit_qgen._checks import check_distinct
from qiskit_qgen._typing import PathLike
from qiskit_qgen.studies.intervals import Interval, interval_text, mean_interval
from qiskit_qgen.studies.tables import done_text, markdown_table, save_results
from qiskit_qgen.studies.trials.folder import trial_folder

SWEEP_FILE = "autoencoders"
RECONSTRUCTIONS = "reconstructions.png"
_FLOORS = ("frechet_distance", "kernel_distance", "jensen_shannon_divergence")
_CAPTION = (
    "Mean [95 % interval] over seeds; lower is better. *Above the best*: the difference in Fréchet distance to the "
    "setting of the lowest mean, seed by seed. The lowest floor need not make the best generator."
)


def option_grid(grid: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return all combinations of a grid's values; each option needs at least one value, without repetition.

    Example:
        >>> option_grid({"latent_dim": [8, 16], "latent_noise": [0.1]})
        [{'latent_dim': 8, 'latent_noise': 0.1}, {'latent_dim': 16, 'latent_noise': 0.1}]
    """
    values = [check_distinct(name, each) for name, each in grid.items()]
    return [dict(zip(grid, point, strict=True)) for point in product(*values)]


@dataclass(frozen=True, eq=False)
class AutoencoderSweep:
    """The result of :func:`~qiskit_qgen.studies.run_autoencoder_sweep`."""

    records: Sequence[dict[str, Any]]
    """The trials' records, see :func:`~qiskit_qgen.studies.run_trials`."""
    folder: Path
    """The folder of the trials."""

    @cached_property
    def varied(self) -> list[str]:
        """The names of the options that differ between trials."""
        found = [record["configuration"]["options"] for record in self.records]
        names = dict.fromkeys(name for options in found for name in options)
        return [name for name in names if len({json.dumps(options.get(name)) for options in found}) > 1]

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """One dictionary for each setting: its options, the number of finished trainings, and intervals over seeds.

        Keys are `options`, and `planned` and `num_trials` (trainings in all and finished). If any training is finished,
        also `reconstruction_error`, each floor by its name, `digest` (of the first training), and `above_best`, the
        paired difference in Fréchet distance from the best setting (None for the best setting and without a common
        seed).
        """
        settings: dict[str, list[dict[str, Any]]] = {}
        for record in self.records:
            settings.setdefault(json.dumps(record["configuration"]["options"], sort_keys=True), []).append(record)
        rows = [_row(records) for records in settings.values()]
        best = _best(rows)
        for row in rows:
            if best is not None and row["num_trials"]:
                row["above_best"] = None if row is best else self._above(row["options"], best["options"])
        return rows

    @property
    def best(self) -> dict[str, Any] | None:
        """The row with the lowest mean Fréchet distance of reconstructions, or None."""
        return _best(self.rows)

    @property
    def floor_real(self) -> dict[str, float] | None:
        """The scores of the training images, which do not depend on the setting, or None."""
        done = [record["result"]["floor_real"] for record in self.records if record["status"] == "done"]
        return {name: done[0][name] for name in _FLOORS} if done else None

    def table(self) -> str:
        """Return the floors as Markdown."""
        scores = ("pixel error", "Fréchet distance", "kernel distance", "Jensen-Shannon", "above the best")
        lines = [[*self._options(row), *_cells(row)] for row in self.rows]
        if self.floor_real is not None:
            floors = [f"{self.floor_real[name]:.4g}" for name in _FLOORS]
            lines.append(["*real images*", *[""] * (len(self.varied) + 1), *floors, ""])
        return f"{markdown_table([*self.varied, 'seeds', *scores], lines)}\n\n{_CAPTION}"

    def to_dict(self) -> dict[str, Any]:
        """Return everything in a form that JSON can store."""
        return {
            "varied": self.varied,
            "rows": self.rows,
            "best": self.best,
            "floor_real": self.floor_real,
            "trials": list(self.records),
        }

    def save(self, folder: PathLike) -> Path:
        """Write ``autoencoders.json``, ``.csv``, ``.md`` and the best setting's reconstructions to ``folder``."""
        lines = list(map(self._line, self.records))
        target = save_results(folder, SWEEP_FILE, text=self.table(), content=self.to_dict(), rows=lines)
        best = trial_folder(self.folder, self.best["digest"]) / RECONSTRUCTIONS if self.best else None
        if best is not None and best.is_file():
            shutil.copyfile(best, target / f"{SWEEP_FILE}_best_{RECONSTRUCTIONS}")
        return target

    def _above(self, options: Mapping[str, Any], best: Mapping[str, Any]) -> Interval | None:
        mine, its = self._distances(options), self._distances(best)
        differences = [distance - its[seed] for seed, distance in mine.items() if seed in its]
        return mean_interval(differences) if differences else None

    def _distances(self, options: Mapping[str, Any]) -> dict[int, float]:
        """Return the Fréchet distance of each finished seed."""
        return {
            record["configuration"]["seed"]: record["result"]["floor_reconstruction"]["frechet_distance"]
            for record in self.records
            if record["status"] == "done" and record["configuration"]["options"] == options
        }

    def _options(self, row: Mapping[str, Any]) -> list[object]:
        return [row["options"].get(name, "default") for name in self.varied]

    def _line(self, record: Mapping[str, Any]) -> dict[str, Any]:
        configuration, result = record["configuration"], record.get("result", {})
        floors = result.get("floor_reconstruction", {})
        return {
            "digest": record["digest"],
            **{name: configuration["options"].get(name) for name in self.varied},
            "seed": configuration["seed"],
            "status": record["status"],
            "reconstruction_error": result.get("reconstruction_error"),
            **{name: floors.get(name) for name in _FLOORS},
        }


def _row(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    done = [record for record in records if record["status"] == "done"]
    row = {"options": records[0]["configuration"]["options"], "planned": len(records), "num_trials": len(done)}
    if done:
        results = [record["result"] for record in done]
        row["digest"] = done[0]["digest"]
        row["reconstruction_error"] = mean_interval([each["reconstruction_error"] for each in results])
        row |= {name: mean_interval([each["floor_reconstruction"][name] for each in results]) for name in _FLOORS}
    return row


def _best(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    done = [row for row in rows if row["num_trials"]]
    return min(done, key=lambda row: float(row["frechet_distance"]["mean"]), default=None)


def _cells(row: Mapping[str, Any]) -> list[str]:
    if not row["num_trials"]:
        return [done_text(row), *["-"] * (len(_FLOORS) + 2)]
    scores = [interval_text(row[name]) for name in ("reconstruction_error", *_FLOORS)]
    return [done_text(row), *scores, "-" if row["above_best"] is None else interval_text(row["above_best"])]
