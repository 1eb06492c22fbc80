"""How the sizes of the best critic and the best classical generator grow with the quantum generator."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from qiskit_qgen._checks import check_folder, check_type
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError, CheckpointError
from qiskit_qgen.metrics import Verdict, judge_score
from qiskit_qgen.persistence.json_text import parse_json
from qiskit_qgen.studies.capacity.analysis import CapacityAnalysis, analyse_capacity, generators_of
from qiskit_qgen.studies.capacity.grid import generator_name
from qiskit_qgen.studies.capacity.optimality import OptimalityRule, judge_record
from qiskit_qgen.studies.capacity.power import CapacityPlan, CapacityPower, measured_plan, simulate_power
from qiskit_qgen.studies.capacity.report import Findings, capacity_text
from qiskit_qgen.studies.capacity.scores import SCORE_NAMES, SCORES, trivial_level
from qiskit_qgen.studies.capacity.setup import setup_table
from qiskit_qgen.studies.intervals import mean_interval
from qiskit_qgen.studies.tables import save_results

_NAME = "capacity"
STUDY_FILE = f"{_NAME}.json"


@dataclass(frozen=True, eq=False)
class CapacityStudy:
    """The results of :func:`run_capacity_study`, and their analysis by a rule."""

    records: list[dict[str, Any]]
    """The trials' records, see :func:`~qiskit_qgen.studies.run_trials`."""
    sizes: dict[str, dict[str, int]]
    """Trainable parameters: ``generators`` by name, and ``critics`` by width."""
    floors: dict[str, Any]
    """The autoencoder's record: the scores of its reconstructions and of real images."""
    rule: OptimalityRule = field(default_factory=OptimalityRule)
    """When a training is stable, and which size optimal."""
    images: dict[str, list[int]] = field(default_factory=dict)
    """Shapes (N, C, H, W) of the images: ``data`` for training, ``held_out`` for all choices, and ``test``."""
    references: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Scores of trivial baselines and training latents ("training", the floor) against held-out ones, as intervals."""
    test: dict[str, Any] = field(default_factory=dict)
    """The scores of the optimal pairs of sizes against the test images, see :func:`score_on_test`."""
    plan: CapacityPlan = field(default_factory=CapacityPlan)
    """The growth that the design should detect; noise, stability and slopes are measured."""

    def with_rule(self, rule: OptimalityRule) -> CapacityStudy:
        """Return the same trials, judged by another rule."""
        return replace(self, rule=check_type("rule", rule, OptimalityRule, "a rule"))

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """One dictionary for each trial: its sizes, how it ended, and the rule's judgement."""
        return [self._row(record) for record in self.records]

    @cached_property
    def analysis(self) -> CapacityAnalysis:
        """Optimal sizes, laws, and how they depend on the thresholds."""
        return analyse_capacity(self.records, self.sizes, self.rule, self.references)

    @cached_property
    def power(self) -> CapacityPower:
        """The simulated power of the study's design for known laws, with the measured noise, stability and slopes."""
        quantum, classical = generators_of(self.records, self.sizes)
        learned = {name for name in quantum if name not in self.analysis.unlearned}
        counts = self.analysis.num_trials
        return simulate_power(
            {name: size for name, size in quantum.items() if name in learned} or quantum,
            classical,
            sorted({self.sizes["critics"][str(record["configuration"]["critic_width"])] for record in self.records}),
            len({record["configuration"]["seed"] for record in self.records}),
            plan=measured_plan(self.analysis.tables, counts["stable"] / counts["planned"], self.plan),
            rule=self.rule,
        )

    @cached_property
    def verdict(self) -> Verdict | None:
        """Whether the rule's score distinguishes trained generators from baselines; None without baselines."""
        references = self.references.get(self.rule.score)
        trained: dict[tuple[str, int], list[float]] = {}
        for record in self.records:
            judgement = judge_record(record, self.rule)
            if judgement.stable and judgement.score is not None:
                name = (generator_name(record["configuration"]), record["configuration"]["critic_width"])
                trained.setdefault(name, []).append(judgement.score)
        known = {
            str(name): mean_interval(scores) for name, scores in trained.items() if len(scores) >= self.rule.min_seeds
        }
        return judge_score(self.rule.score, known, references, higher_is_better=False) if references and known else None

    @property
    def floor(self) -> float | None:
        """The rule's score of training latents in place of generated latents; None if it is unknown."""
        known = self.references.get(self.rule.score, {}).get("training")
        return None if known is None else float(known["mean"])

    @property
    def trivial(self) -> float | None:
        """The lowest score of a baseline that uses only means, covariances or marginals, if any is known."""
        level = trivial_level(self.references.get(self.rule.score))
        return level if math.isfinite(level) else None

    def to_dict(self) -> dict[str, Any]:
        """Return everything in a form that JSON can store; :meth:`load` reads it."""
        return {
            "sizes": self.sizes,
            "floors": self.floors,
            "floor": self.floor,
            "trivial": self.trivial,
            "images": self.images,
            "score_name": SCORE_NAMES[self.rule.score],
            "rule": self.rule.to_dict(),
            "plan": self.plan.to_dict(),
            "references": self.references,
            "verdict": None if self.verdict is None else self.verdict.sentence,
            "test": self.test,
            "power": self.power.to_dict(),
            "may_conclude": {target: self._findings.may_conclude(target) for target in self.analysis.scaling},
            "analysis": self.analysis.to_dict(),
            "rows": self.rows,
            "trials": self.records,
        }

    def table(self) -> str:
        """Return the results as Markdown: first whether they allow any conclusion, then trials, optima and laws."""
        return capacity_text(self._findings)

    def save(self, folder: PathLike) -> Path:
        """Write ``capacity.json``, ``capacity.csv`` with a row for each trial, and ``capacity.md`` to ``folder``."""
        setup = ["*Setup*", setup_table(self.records, self.floors, self.images, self.rule)] if self.images else []
        text = "\n\n".join([self.table(), *setup])
        return save_results(folder, _NAME, text=text, content=self.to_dict(), rows=self.rows)

    @property
    def _findings(self) -> Findings:
        return Findings(
            self.analysis, self.power, self.verdict, self.rule.score, self.floor, self.references, self.test
        )

    @classmethod
    def load(cls, folder: PathLike) -> CapacityStudy:
        """Read a study that :meth:`save` wrote.

        Raises:
            ArgumentError: If the folder holds no such file.
            CheckpointError: If the file is damaged.
        """
        path = check_folder("folder", folder) / STUDY_FILE
        if not path.is_file():
            raise ArgumentError(f"Folder {path.parent} holds no capacity study: it has no {STUDY_FILE}.")
        content = parse_json(path.read_bytes(), f"File {path}")
        try:
            own = {name: content[name] for name in ("sizes", "floors", "images", "references", "test")}
            rule, plan = OptimalityRule(**content["rule"]), CapacityPlan(**content["plan"])
            return cls(content["trials"], rule=rule, plan=plan, **own)
        except (KeyError, TypeError) as error:
            raise CheckpointError(
                f"File {path} is damaged: {error}. The study's command regenerates it, without training."
            ) from error

    def _row(self, record: Mapping[str, Any]) -> dict[str, Any]:
        configuration = record["configuration"]
        name, width = generator_name(configuration), configuration["critic_width"]
        curves, starts = (record.get("result", {}).get(part, {}) for part in ("scores", "starts"))
        return {
            "digest": record["digest"],
            "generator": configuration["generator"],
            "name": name,
            "generator_parameters": self.sizes["generators"][name],
            "critic_width": width,
            "critic_parameters": self.sizes["critics"][str(width)],
            "seed": configuration["seed"],
            "status": record["status"],
            **asdict(judge_record(record, self.rule)),
            **{score: curves[score]["values"][-1] if score in curves else None for score in SCORES},
            **{f"start_{score}": starts.get(score) for score in SCORES},
        }
