"""The report of a study of arms in words and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qiskit_qgen.studies.arms.paired import PairedComparison, comparison_table
from qiskit_qgen.studies.arms.scores import SCORES
from qiskit_qgen.studies.arms.verdicts import (
    backbone_sentence,
    concluded_sentence,
    copies_sentence,
    independent,
    power_sentence,
    title,
)
from qiskit_qgen.studies.intervals import interval_text
from qiskit_qgen.studies.tables import done_text, markdown_table, percent


def study_text(study: Any) -> str:
    """Return the tables of an :class:`~qiskit_qgen.studies.ArmStudy`, and its conclusions."""
    parts = [_scores(study), _caption(study), backbone_sentence(study.extractors, study.backbone), _unfit(study)]
    parts += _differences(study, "Planned comparisons, over all sizes, as ratios of scores", study.pooled)
    if study.pooled:
        judges = independent(study.extractors, study.backbone)
        fit = [(each, study.is_fit(each.extractor, each.size)) for each in study.pooled]
        parts += [concluded_sentence(fit, judges), power_sentence(study.pooled)]
    parts += _differences(study, "Size by size, differences of scores", study.comparisons)
    if study.design.must_beat_copies and study.to_copies:
        parts += ["### Against the training images, repeated", comparison_table(study.to_copies)]
        parts += [copies_sentence(study.to_copies)]
    return "\n\n".join(part for part in parts if part)


def _scores(study: Any) -> str:
    titles = ["images", "arm", "seeds", "weights", "step", "copies", "nearer"]
    short = {"kernel_distance": "kernel", "frechet_distance": "Fréchet", "uncovered": "uncovered"}
    titles += [f"{short[score]}, {extractor}" for extractor in study.extractors for score in SCORES]
    lines: list[Sequence[object]] = []
    for size in study.sizes:
        own = [row for row in study.rows if row["size"] == size]
        for row in own:
            known = (row["size"], row["arm"], done_text(row), row["num_weights"], f"{row['step']['mean']:.0f}")
            shares = (percent(row[name]["mean"]) for name in ("copy_rate", "closer"))
            lines.append((*known, *shares, *_cells(study, row["scores"])))
        for baseline, scores in study.baselines.get(size, {}).items():
            lines.append((size, f"*{title(baseline)}*", "", "", "", "", "", *_cells(study, scores)))
    floors = [cell for name in study.extractors for cell in (f"{study.floors[name][each]:.4g}" for each in SCORES)]
    copied = {percent(row["held_out_copy_rate"]["mean"]) for row in study.rows}
    lines.append(("", "*other real images*", "", "", "", " to ".join(sorted(copied)), "50 %", *floors))
    return markdown_table(titles, lines)


def _cells(study: Any, scores: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [interval_text(scores[extractor][score]) for extractor in study.extractors for score in SCORES]


def _caption(study: Any) -> str:
    settings = study.settings
    chosen = (
        f"of the step, out of {len(settings.scored_steps)} up to {settings.steps}, whose samples came nearest to "
        f"{settings.images.validation} validation images by {study.extractors[0]}"
        if settings.score_every
        else f"of step {settings.steps}"
    )
    return (
        f"Mean [95 % interval] over seeds; {settings.samples} samples {chosen}, scored once against "
        f"{settings.images.held_out} other held-out images; baselines have as many samples. Of all scores less is "
        "better; *uncovered* is the part of held-out images whose five nearest held-out ones are all nearer than any "
        "sample. *Copies*: samples whose nearest training image is three times nearer than the second "
        f"nearest, in the {study.design.copies_in}. *Nearer*: how often a sample is nearer to a training "
        "image than a held-out image is."
    )


def _unfit(study: Any) -> str:
    """Return what scores are unfit for, size by size, and which sizes lack baselines."""
    lines = [
        f"- {size} images, {extractor}: {verdict.sentence}"
        for size, found in study.verdicts.items()
        for extractor, own in found.items()
        for verdict in own.values()
        if verdict.is_unfit
    ]
    lines += [
        f"- {size} images: the baselines are not scored yet, so nothing is concluded."
        for size in study.sizes
        if size not in study.verdicts
    ]
    return "\n".join(lines)


def _differences(study: Any, heading: str, comparisons: Sequence[PairedComparison]) -> list[str]:
    """Return the table of comparisons, with a verdict that counts those shown by a fit score."""
    if not comparisons:
        return []
    fit = [each for each in comparisons if study.is_fit(each.extractor, each.size)]
    names = [
        f"{each.arm} {'below' if each.difference['mean'] < 0 else 'above'} {each.baseline} "
        f"({each.extractor}{'' if each.size is None else f', {each.size} images'})"
        for each in fit
        if each.is_clear
    ]
    verdict = (
        f"Shown at 5 % for all comparisons by an extractor together, {comparisons[0].num_tests} (Holm): "
        f"{'; '.join(names) or 'none'}."
    )
    if len(fit) < len(comparisons):
        verdict += (
            f" {len(comparisons) - len(fit)} of {len(comparisons)} are by scores that are unfit and conclude nothing."
        )
    return [f"### {heading}", comparison_table(comparisons), verdict]
