"""What a sweep over options of the autoencoder found: the floor that each sets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from qiskit_qgen._checks import check_distinct, check_path
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.persistence import atomic_write
from qiskit_qgen.studies.intervals import interval_text, mean_interval, paired_difference

SWEEP_FILE = "autoencoders"
_FLOORS = ("frechet_distance", "kernel_distance", "jensen_shannon_divergence")


def option_grid(grid: Mapping[str, Any], common: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every combination of a grid's values, each with what is ``common`` to all.

    Args:
        grid: The values of each option.
        common: Options of one value.

    Raises:
        ArgumentError: If an option has no value or the same one twice, or is common, too.
        ArgumentTypeError: If the values of an option are no sequence.

    Example:
        >>> option_grid({"latent_dim": [8, 16]}, {"latent_noise": 0.1})
        [{'latent_noise': 0.1, 'latent_dim': 8}, {'latent_noise': 0.1, 'latent_dim': 16}]
    """
    if both := [name for name in grid if name in common]:
        raise ArgumentError(f"Option `{both[0]}` must be in the grid or common to all, but is both.")
    values = [check_distinct(name, each) for name, each in grid.items()]
    return [{**common, **dict(zip(grid, point, strict=True))} for point in product(*values)]


@dataclass(frozen=True, eq=False)
class AutoencoderSweep:
    """What :func:`~qiskit_qgen.studies.run_autoencoder_sweep` found."""

    records: Sequence[dict[str, Any]]
    """The trials' records."""

    @cached_property
    def varied(self) -> list[str]:
        """Names of the options that differ between trials."""
        found = [record["configuration"]["options"] for record in self.records]
        names = dict.fromkeys(name for options in found for name in options)
        return [name for name in names if len({json.dumps(options.get(name)) for options in found}) > 1]

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """One dictionary for each setting: its options, how many trainings are done, and intervals over their seeds.

        Keys are `options`, `planned` and `num_trials`, trainings in all and done, and, if any are done,
        `reconstruction_error`, each floor by its name, and `digest`, that of the first.
        """
        settings: dict[str, list[dict[str, Any]]] = {}
        for record in self.records:
            settings.setdefault(json.dumps(record["configuration"]["options"], sort_keys=True), []).append(record)
        return [self._row(records) for records in settings.values()]

    @property
    def best(self) -> dict[str, Any] | None:
        """The row of the lowest mean Fréchet distance of reconstructions, or None."""
        done = [row for row in self.rows if row["num_trials"]]
        return min(done, key=lambda row: float(row["frechet_distance"]["mean"])) if done else None

    @property
    def floor_real(self) -> dict[str, float] | None:
        """The scores of the training pictures themselves, which no setting changes, or None."""
        done = [record["result"]["floor_real"] for record in self.records if record["status"] == "done"]
        return {name: done[0][name] for name in _FLOORS} if done else None

    @property
    def reading(self) -> str:
        """The lowest floor in words, with its limits."""
        lost = sum(record["status"] != "done" for record in self.records)
        text = [f"{lost} of {len(self.records)} trainings failed or diverged."] * (lost > 0)
        best, real = self.best, self.floor_real
        if best is None or real is None:
            return " ".join([*text, "No setting has a floor."])
        seeds = best["num_trials"]
        text.append(
            f"The lowest floor, a Fréchet distance of {interval_text(best['frechet_distance'])} over {seeds} "
            f"seed{'s' * (seeds != 1)}, has {self.label(best) or 'the only setting'}; real pictures have "
            f"{real['frechet_distance']:.4g}."
        )
        text += self._comparison(best)
        text.append(
            "A generator in a latent can hardly get below its floor, but the lowest floor need not make the best "
            "generator."
        )
        return " ".join(text)

    def _comparison(self, best: Mapping[str, Any]) -> list[str]:
        """Say which settings are not worse than the best by more than chance."""
        others = [row for row in self.rows if row["num_trials"] and row is not best]
        if not others:
            return []
        if best["num_trials"] < 2:
            return ["With one seed, small differences between settings may be chance."]
        level = [self.label(row) for row in others if not self._clearly_worse(row, best)]
        if not level:
            return ["Compared seed by seed, all others are worse."]
        return [f"Compared seed by seed, not clearly worse {'is' if len(level) == 1 else 'are'} {'; '.join(level)}."]

    def _clearly_worse(self, row: Mapping[str, Any], best: Mapping[str, Any]) -> bool:
        """Whether the Fréchet distance is above the best setting's by more than chance, over the seeds of both."""
        mine, its = self._distances(row), self._distances(best)
        seeds = [seed for seed in mine if seed in its]
        if len(seeds) < 2:
            return False
        low = paired_difference([mine[seed] for seed in seeds], [its[seed] for seed in seeds])["low"]
        return low is not None and low > 0

    def _distances(self, row: Mapping[str, Any]) -> dict[int, float]:
        """Return the Fréchet distance of each seed that is done."""
        return {
            record["configuration"]["seed"]: record["result"]["floor_reconstruction"]["frechet_distance"]
            for record in self.records
            if record["status"] == "done" and record["configuration"]["options"] == row["options"]
        }

    def label(self, row: Mapping[str, Any]) -> str:
        """Return the varied options of a row in words."""
        return ", ".join(f"{name} {row['options'].get(name, 'default')}" for name in self.varied)

    def table(self) -> str:
        """Return the floors as Markdown."""
        titles = [*self.varied, "seeds", "pixel error", "Fréchet distance", "kernel distance", "Jensen-Shannon"]
        lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
        for row in self.rows:
            cells = [*(str(row["options"].get(name, "default")) for name in self.varied), str(row["num_trials"])]
            scores = ("reconstruction_error", *_FLOORS)
            cells += [interval_text(row[name]) if row["num_trials"] else "-" for name in scores]
            lines.append("| " + " | ".join(cells) + " |")
        if self.floor_real is not None:
            cells = [
                "*real pictures*",
                *[""] * len(self.varied),
                "",
                *(f"{self.floor_real[name]:.4g}" for name in _FLOORS),
            ]
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        return {
            "varied": self.varied,
            "rows": self.rows,
            "best": self.best,
            "floor_real": self.floor_real,
            "reading": self.reading,
            "trials": list(self.records),
        }

    def save(self, folder: PathLike) -> Path:
        """Write ``autoencoders.json``, ``.csv`` with a row for each training, and ``.md`` to ``folder``; return it."""
        target = check_path("folder", folder)
        target.mkdir(parents=True, exist_ok=True)
        text = io.StringIO()
        columns = ("digest", *self.varied, "seed", "status", "reconstruction_error", *_FLOORS)
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(self._line, self.records))
        atomic_write(target / f"{SWEEP_FILE}.csv", text.getvalue())
        atomic_write(target / f"{SWEEP_FILE}.md", self.table() + "\n\n" + self.reading + "\n")
        atomic_write(target / f"{SWEEP_FILE}.json", json.dumps(self.to_dict(), indent=1) + "\n")
        return target

    def _row(self, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        done = [record for record in records if record["status"] == "done"]
        row = {"options": records[0]["configuration"]["options"], "planned": len(records), "num_trials": len(done)}
        if done:
            results = [record["result"] for record in done]
            row["digest"] = done[0]["digest"]
            row["reconstruction_error"] = mean_interval([each["reconstruction_error"] for each in results])
            row |= {name: mean_interval([each["floor_reconstruction"][name] for each in results]) for name in _FLOORS}
        return row

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
