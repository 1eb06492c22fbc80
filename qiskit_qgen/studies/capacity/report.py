"""The text of a capacity study: first whether it allows any conclusion, then the results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qiskit_qgen.metrics import BASELINES, Verdict
from qiskit_qgen.studies.capacity.analysis import CapacityAnalysis
from qiskit_qgen.studies.capacity.growth import CRITIC, GENERATOR
from qiskit_qgen.studies.capacity.laws import FORMULAE
from qiskit_qgen.studies.capacity.power import CapacityPower
from qiskit_qgen.studies.capacity.scaling import ScalingResult
from qiskit_qgen.studies.capacity.scores import SCORE_NAMES
from qiskit_qgen.studies.intervals import interval_text
from qiskit_qgen.studies.tables import markdown_table

_VERDICT = (
    "*Verdict* by the rule, for this data set, latent, step budget and families of networks alone. A dash: nothing is "
    "concluded."
)
_POWER = (
    "*Power*: what this design shows where a law is known, by simulation with its own noise, stability and slopes of "
    "the score."
)
_SIZES = (
    "*Optimal sizes* in trainable parameters, with intervals of 95 % from leaving out one seed at a time; (edge): the "
    "best or the optimal size is at the edge of the grid, so that the optimum may lie beyond. *Above the best*: by how "
    "much the next larger critic of the grid scores above the best one, seed by seed."
)
_BASELINES = (
    "*Scores of baselines*, which take no training of a generator, against the same held-out images; the training "
    "latents are the floor."
)
_LAWS = "*Laws of growth* with the quantum generator's parameters x; growth is that between the ends of the range."
_CHANGES = (
    "*Other choices*: the optimal sizes of all quantum generators in order, and the law that is named, if one thing is "
    "changed in the rule."
)
_TEST = (
    "*Against the images for testing*, looked at once: the samples of each generator with its optimal critic, mean and "
    "interval of 95 % over seeds. Lower is better; the training latents are the floor, decoded where images are "
    "compared."
)


@dataclass(frozen=True, eq=False)
class Findings:
    """The contents of a study's text."""

    analysis: CapacityAnalysis
    power: CapacityPower
    verdict: Verdict | None
    score: str
    floor: float | None
    references: Mapping[str, Mapping[str, Any]]
    test: Mapping[str, Any]

    def may_conclude(self, target: str) -> dict[str, bool]:
        """Return whether the study's score and power allow conclusions about "growth" and its "law"."""
        ranks = self.verdict is None or self.verdict.can_rank
        return {
            "growth": ranks and self.power.sees_growth(target),
            "law": ranks and self.power.names_laws(target),
        }


def capacity_text(found: Findings) -> str:
    """Return a study as Markdown."""
    analysis = found.analysis
    parts = [*_conclusions(found), _trials(found), _VERDICT, _verdicts(found), _POWER, found.power.table()]
    parts += [_SIZES, _sizes(found)]
    if found.references:
        parts += [_BASELINES, _baselines(found)]
    if any(result.fits for result in analysis.scaling.values()):
        parts += [_LAWS, _laws(found)]
    parts += [_CHANGES, _changes(found)]
    if found.test:
        parts += [_TEST, _on_test(found.test)]
    return "\n\n".join(parts)


def _conclusions(found: Findings) -> list[str]:
    """Return what a reader must know first, one paragraph each."""
    said = []
    if found.verdict is not None and found.verdict.sentence:
        said.append(f"**{found.verdict.sentence}**")
    for target, result in found.analysis.scaling.items():
        if target not in found.power.detections:
            continue
        allowed = found.may_conclude(target)
        if not allowed["growth"]:
            said.append(f"**Nothing is concluded on the growth of the {target}.** {found.power.sentence(target)}")
        else:
            said.append(f"{_found(target, result, allowed['law'])} {found.power.sentence(target)}")
    if found.analysis.unlearned:
        said.append(
            f"No better than a trivial baseline with any critic, and left out: {', '.join(found.analysis.unlearned)}."
        )
    return said


def _found(target: str, result: ScalingResult, law: bool) -> str:
    used = sum(point["used"] for point in result.points)
    if not result.fits:
        return f"**Of the {target}, {used} of {len(result.points)} optima lie within the grid: too few for a law.**"
    shown = {"yes": "growth is shown", "no, decline": "decline is shown", "no": "no growth is shown"}[_shown(result)]
    factors = ", ".join(f"{low:.2g} to {high:.2g}" for _, low, high in result.growth.values())
    factor = f"a factor of {factors} over the range by the linear, power and exponential law"
    named = f"the law is named: {result.law}" if result.law else "no law is told from the others"
    return f"**Of the {target}: {shown} ({factor}); {named if law else 'its law cannot be told'}.**"


def _shown(result: ScalingResult) -> str:
    return "yes" if result.growth_shown else "no, decline" if result.decline_shown else "no"


def _trials(found: Findings) -> str:
    counts, optima = found.analysis.num_trials, found.analysis.optima
    best = min((optimum.best for optimum in optima.values()), default=None)
    scores = ["-" if score is None else f"{score:.3g}" for score in (best, found.floor)]
    titles = ("trials", *list(counts)[1:], "score", "lowest", "floor")
    return markdown_table(titles, [(*counts.values(), SCORE_NAMES[found.score], *scores)])


def _verdicts(found: Findings) -> str:
    lines = []
    for target, result in found.analysis.scaling.items():
        allowed = found.may_conclude(target)
        lines.append(
            {
                "target": target,
                "optima": f"{sum(point['used'] for point in result.points)} of {len(result.points)}",
                "noise of log y": f"{result.noise:.2f}" if result.fits else "-",
                "lowest AIC": result.best or "-",
                "constant behind": "-" if result.constant_behind is None else f"{result.constant_behind:.1f}",
                "growth shown": _shown(result) if allowed["growth"] else "-",
                "law": (result.law or "none told from the others") if allowed["law"] else "-",
            }
        )
    return markdown_table(list(lines[0]), [list(line.values()) for line in lines])


def _sizes(found: Findings) -> str:
    analysis = found.analysis
    critics, matches = (
        {each["name"]: each for each in analysis.scaling[target].points} for target in (CRITIC, GENERATOR)
    )
    lines = []
    for name in [*critics, *(each for each in analysis.generators if each not in critics)]:
        optimum = analysis.optima.get(name)
        critic = _point(critics[name]) if name in critics else "none" if optimum is None else str(optimum.critic)
        match = _point(matches[name]) if name in matches else ""
        if optimum is None:
            lines.append((name, analysis.generators[name], critic, match, "-", "-", "-"))
            continue
        floors = f"{optimum.best / found.floor:.3g}" if found.floor else "-"
        excess = interval_text(optimum.excess)
        lines.append((name, analysis.generators[name], critic, match, f"{optimum.best:.3g}", floors, excess))
    titles = ("generator", "parameters", "optimal critic", "classical generator as good", "best score", "in floors",
              "above the best")  # fmt: skip
    return markdown_table(titles, lines)


def _baselines(found: Findings) -> str:
    names = [name for name in BASELINES if any(name in each for each in found.references.values())]
    rows = [
        (SCORE_NAMES[score], *(f"{each[name]['mean']:.3g}" for name in names))
        for score, each in found.references.items()
    ]
    return markdown_table(("score", *(BASELINES[name].title for name in names)), rows)


def _laws(found: Findings) -> str:
    titles = ("target", "law", "coefficients", "growth", "AIC", "left out, RMS of log")
    lines = []
    for target, result in found.analysis.scaling.items():
        for law, fit in result.fits.items():
            values = ", ".join(f"{name} = {value:.3g}" for name, value in fit.coefficients.items())
            growth = "{:.3g} [{:.3g}, {:.3g}]".format(*result.growth[law]) if law in result.growth else "1"
            cells = (f"{law} {FORMULAE[law]}", values, growth, f"{fit.aic:.2f}", f"{fit.left_out:.2f}")
            lines.append((target, *cells))
    return markdown_table(titles, lines)


def _changes(found: Findings) -> str:
    lines = []
    for row in found.analysis.sensitivity:
        cells = [row["change"]]
        for target in found.analysis.scaling:
            moved = row[target]
            sizes = ", ".join("none" if size is None else str(size) for size in moved["sizes"])
            cells += [sizes, (moved["law"] or "none") + " (changed)" * moved["changed"]]
        lines.append(cells)
    return markdown_table(("changed", CRITIC, "law", GENERATOR, "law"), lines)


def _on_test(found: Mapping[str, Any]) -> str:
    scores = list(found)
    rows = [
        (
            BASELINES[name].title if kind == "baselines" else name,
            *(interval_text(found[score][kind][name]) for score in scores),
        )
        for kind in ("baselines", "models")
        for name in found[scores[0]][kind]
    ]
    titles = [SCORE_NAMES.get(score, score) for score in scores]
    said = [
        f"{title}: {found[score]['verdict']}"
        for title, score in zip(titles, scores, strict=True)
        if found[score]["verdict"]
    ]
    return "\n\n".join([markdown_table(("samples", *titles), rows), *said])


def _point(point: Mapping[str, Any]) -> str:
    if point["y"] is None:
        return "none"
    return f"{point['y']} [{point['low']:.0f}, {point['high']:.0f}]{' (edge)' * point['at_edge']}"
