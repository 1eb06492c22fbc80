"""The power of a capacity study's design, by simulation: the growth it would show and the law it would name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from qiskit_qgen._settings import Settings, setting
from qiskit_qgen._typing import FloatArray
from qiskit_qgen.studies.capacity.growth import CRITIC, GENERATOR, find_growth
from qiskit_qgen.studies.capacity.laws import LAWS
from qiskit_qgen.studies.capacity.optima import ScoreTable, judged_table
from qiskit_qgen.studies.capacity.optimality import OptimalityRule
from qiskit_qgen.studies.tables import markdown_table, percent

_FALSE = 0.05  # largest fraction of studies that may show a false result
_LEAST = 0.01  # lower bound of slope and stability
_KINKS = 41  # candidate sizes for the kink of a measured curve


class CapacityPlan(Settings):
    """Assumptions about a capacity study, to predict what its design would show.

    For each generator, the logarithm of the score falls by ``slope`` per factor e of the critic's size up to the
    optimal size, and rises by ``rise`` per factor e beyond it, with a kink rounded over ``bend``. The optimal size lies
    in the middle of the critics' range and grows by ``growth`` between the smallest and the largest quantum generator,
    by each law in turn.
    """

    growth: float = setting("Factor by which the optimal size grows", default=30.0, above=1)
    noise: float = setting(
        "Standard deviation of the logarithm of a training's score, after the effects of its seed and its critic",
        default=0.1,
        minimum=0,
    )
    stable: float = setting("Fraction of the trainings that are stable", default=0.9, above=0, maximum=1)
    slope: float = setting(
        "Decrease of the score's logarithm with the logarithm of the critic's size, below the optimum",
        default=0.25,
        above=0,
    )
    rise: float = setting("Increase of the score's logarithm beyond the optimum", default=0.05, minimum=0)
    bend: float = setting("Width of the curve's kink, in the logarithm of the critic's size", default=0.5, minimum=0)
    num_studies: int = setting("Number of studies to simulate for each law", default=100, minimum=10)
    seed: int = setting("Seed of the simulation", default=0, minimum=0)
    min_power: float = setting(
        "Smallest fraction of the studies that must show the truth for a design to have power", default=0.8, above=0,
        maximum=1,
    )  # fmt: skip


@dataclass(frozen=True)
class Detection:
    """How often studies of one design detect a law that is true."""

    growth: float
    """Fraction of the studies that show growth."""
    named: float
    """Fraction of the studies that name the true law."""
    wrong: float
    """Fraction of the studies that name another law."""


@dataclass(frozen=True, eq=False)
class CapacityPower:
    """What a design would show, if the optimal sizes grew by a law."""

    detections: dict[str, dict[str, Detection]]
    """For the "critic", and the "classical generator" if there are any, by the true law."""
    plan: CapacityPlan
    """The simulated plan."""
    num_trials: int
    """Number of trainings in the design."""

    def sees_growth(self, target: str) -> bool:
        """Whether growth by each law would be shown, and no growth where there is none."""
        found = self.detections.get(target)
        if found is None:
            return False
        seen = min(found[law].growth for law in LAWS[1:])
        return seen >= self.plan.min_power and found["constant"].growth <= _FALSE

    def names_laws(self, target: str) -> bool:
        """Whether an exponential law, a power law and a constant size would be named, and wrong laws almost never."""
        found = self.detections.get(target)
        if found is None or not self.sees_growth(target):
            return False
        named = min(found[law].named for law in ("constant", "power", "exponential"))
        return named >= self.plan.min_power and max(each.wrong for each in found.values()) <= _FALSE

    def table(self) -> str:
        """Return the rates and the conclusion as Markdown."""
        lines = [
            (target, law, percent(each.growth), percent(each.named), percent(each.wrong))
            for target, found in self.detections.items()
            for law, each in found.items()
        ]
        titles = ("target", "true law", "growth shown", "law named", "another law named")
        return "\n\n".join([markdown_table(titles, lines), *map(self.sentence, self.detections)])

    def sentence(self, target: str) -> str:
        """Return in one sentence whether the design has power."""
        found, plan = self.detections[target], self.plan
        seen = min(found[law].growth for law in LAWS[1:])
        begin = (
            f"The {target}: with noise of {plan.noise:.2g} and {percent(plan.stable)} stable trainings, growth by a "
            f"factor of {plan.growth:g} is shown in {percent(seen)} of such studies or more, growth that is none in "
            f"{percent(found['constant'].growth)}; named are an exponential law in "
            f"{percent(found['exponential'].named)}, a power law in {percent(found['power'].named)}, a constant size "
            f"in {percent(found['constant'].named)}. "
        )
        if self.names_laws(target):
            return begin + "The design has the power to tell growth, and its law."
        if self.sees_growth(target):
            return begin + "The design has the power to tell growth, but not its law."
        return begin + "The design has no power: nothing can be concluded from it on growth or its law."

    def to_dict(self) -> dict[str, Any]:
        """Return everything in a form that JSON can store."""
        rates = {
            target: {law: asdict(each) for law, each in found.items()} for target, found in self.detections.items()
        }
        verdicts = {
            name: {target: getattr(self, name)(target) for target in rates} for name in ("sees_growth", "names_laws")
        }
        return {"rates": rates, "plan": self.plan.to_dict(), "num_trials": self.num_trials, **verdicts}


def simulate_power(
    quantum: Mapping[str, int],
    classical: Mapping[str, int],
    critics: Sequence[int],
    num_seeds: int,
    *,
    plan: CapacityPlan,
    rule: OptimalityRule,
) -> CapacityPower:
    """Simulate studies of one design with a known law of growth, and judge each like a real study.

    Args:
        quantum: Trainable parameters of the quantum generators, by name.
        classical: Trainable parameters of the classical generators.
        critics: Trainable parameters of the critics.
        num_seeds: Number of seeds for each pair of sizes.
        plan: The assumptions about the studies.
        rule: What is optimal, and when a law counts.
    """
    found: dict[str, dict[str, Detection]] = {CRITIC: {}, **({GENERATOR: {}} if classical else {})}
    generator = np.random.default_rng(plan.seed)
    sizes, rivals = np.sort(np.array(critics, float)), np.sort(np.array(list(classical.values()), float))
    for law in LAWS:
        studies = []
        for _ in range(plan.num_studies):
            optimal = _grow(law, quantum, sizes, plan, generator)
            equals = _grow(law, quantum, rivals, plan, generator) if classical else optimal
            levels = {name: -plan.slope * equals[name] for name in quantum}
            middle = float(np.log(sizes).mean())
            optimal |= dict.fromkeys(classical, middle)
            levels |= {name: -plan.slope * float(np.log(size)) for name, size in classical.items()}
            tables = {
                name: _table(sizes, optimal[name], levels[name], num_seeds, plan, rule, generator) for name in optimal
            }
            judged = {name: table for name, table in tables.items() if table is not None}
            studies.append(find_growth(judged, quantum, classical, rule).scaling)
        for target, rates in found.items():
            named = [study[target].law for study in studies]
            rates[law] = Detection(
                float(np.mean([study[target].growth_shown for study in studies])),
                float(np.mean([each == law for each in named])),
                float(np.mean([each not in (None, law) for each in named])),
            )
    return CapacityPower(found, plan, (len(quantum) + len(classical)) * len(critics) * num_seeds)


def _grow(
    law: str, quantum: Mapping[str, int], sizes: FloatArray, plan: CapacityPlan, generator: np.random.Generator
) -> dict[str, float]:
    """Return the logarithm of each quantum generator's optimal size, about the middle of a range of sizes.

    The middle is moved at random by up to half a spacing, so that no size has a favourable position on the grid.
    """
    logs = np.log(sizes)
    x = np.array(list(quantum.values()), float)
    part = (x - x.min()) / max(float(np.ptp(x)), 1.0)
    whole = np.log(plan.growth)
    rise = {
        "constant": 0 * part,
        "linear": np.log1p((plan.growth - 1) * part),
        "power": whole * np.log(x / x.min()) / max(float(np.log(x.max() / x.min())), 1e-9),
        "exponential": whole * part,
    }[law]
    spacing = float(logs[-1] - logs[0]) / max(1, len(logs) - 1)
    middle = (logs[0] + logs[-1]) / 2 + spacing * (generator.random() - 0.5)
    return dict(zip(quantum, (middle - rise.max() / 2 + rise).tolist(), strict=True))


def _table(
    sizes: FloatArray,
    optimal: float,
    level: float,
    num_seeds: int,
    plan: CapacityPlan,
    rule: OptimalityRule,
    generator: np.random.Generator,
) -> ScoreTable | None:
    """Return the scores of a generator with a known optimal size and best score, both as logarithms."""
    shape = (num_seeds, len(sizes))
    logs = level + curve(np.log(sizes) - optimal, plan) + plan.noise * generator.standard_normal(shape)
    logs[generator.random(shape) > plan.stable] = np.nan
    return judged_table(sizes, logs, np.full(len(sizes), num_seeds), rule)


def curve(beyond: FloatArray, plan: CapacityPlan) -> FloatArray:
    """Return the excess of the score's logarithm over its level, given the logarithm of size over the optimum."""
    if not plan.bend:
        return plan.slope * np.maximum(0, -beyond) + plan.rise * np.maximum(0, beyond)
    rounded: FloatArray = plan.bend * np.logaddexp(0, -beyond / plan.bend)
    return plan.slope * rounded + plan.rise * (beyond + rounded)


def measured_plan(tables: Mapping[str, ScoreTable], stable: float, plan: CapacityPlan) -> CapacityPlan:
    """Return the plan with the noise, stability and slopes of a study's scores instead of its own.

    The slopes are medians over generators. For each generator, two straight lines that meet are fitted to the critics'
    means.

    Args:
        tables: The study's scores, by generator; if there are none, the plan keeps its noise and slopes.
        stable: Fraction of its trainings that are stable.
        plan: The plan to change.
    """
    known: dict[str, Any] = {"stable": min(1.0, max(stable, _LEAST))}
    fitted = [_slopes(np.log(table.critics), table.effects[1]) for table in tables.values() if len(table.critics) > 3]
    if fitted:
        slope, rise = np.median(fitted, axis=0)
        variance = np.mean([table.noise**2 for table in tables.values()])
        known |= {
            "noise": float(np.sqrt(variance)),
            "slope": max(float(slope), _LEAST),
            "rise": float(rise),
            "bend": 0.0,
        }
    return replace(plan, **known)


def _slopes(sizes: FloatArray, means: FloatArray) -> tuple[float, float]:
    """Return the fall before and the rise after the kink of two lines fitted to means over sizes."""
    from scipy.optimize import nnls  # slow to import

    best = (np.inf, 0.0, 0.0)
    for kink in np.linspace(sizes[0], sizes[-1], _KINKS):
        ones = np.ones(len(sizes))
        columns = np.stack([ones, -ones, np.maximum(0, kink - sizes), np.maximum(0, sizes - kink)], axis=1)
        (_, _, fall, rise), left = nnls(columns, means)
        best = min(best, (float(left), float(fall), float(rise)))
    return best[1:]
