"""The page of a reproduction, from what its run wrote as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from qiskit_qgen.studies.reproductions.outcome import joint
from qiskit_qgen.studies.reproductions.recipe import Recipe
from qiskit_qgen.studies.reproductions.run import PartResult

_QUICK = "**This is a quick run, which shows that everything works and concludes nothing.**"


def page_content(
    recipe: Recipe, results: Iterable[PartResult], figures: Mapping[str, Mapping[str, str]], machine: Mapping[str, Any]
) -> dict[str, Any]:
    """Return everything that a page shows, as JSON holds it.

    Args:
        recipe: What was run.
        results: What its parts found.
        figures: Files by caption, for each part by its title.
        machine: Versions and machine of the run.
    """
    found = list(results)
    parts = [
        {
            "title": each.part.title,
            "data": each.part.data,
            "exact": each.part.exact,
            "settings": each.part.settings,
            "verdict": each.outcome.verdict,
            "reason": each.outcome.reason,
            "tables": each.outcome.tables,
            "figures": dict(figures[each.part.title]),
            "core_seconds": each.core_seconds,
        }
        for each in found
    ]
    facts = {key: list(getattr(recipe, key)) for key in ("known", "ours", "deviations")}
    named = {key: getattr(recipe, key) for key in ("name", "title", "paper", "claim", "rule", "size")}
    verdict = joint([each.outcome.verdict for each in found])
    return {**named, **facts, "verdict": verdict, "parts": parts, "machine": dict(machine)}


def page_text(content: Mapping[str, Any], *, figures: str = "") -> str:
    """Return the page as Markdown: claim, verdict, tables and images, then what is known, ours and different.

    Args:
        content: What :func:`page_content` returned.
        figures: Where the figures lie from the page's folder, with a slash at the end.
    """
    size = {"default": "", "quick": " --quick", "full": " --full"}[content["size"]]
    blocks = [
        f"# {content['title']}",
        f"arXiv [{content['paper']}](https://arxiv.org/abs/{content['paper']}), run by "
        f"`qgen reproduce {content['name']}{size}`.",
        *([_QUICK] if content["size"] == "quick" else []),
        f"**The paper's claim.** {content['claim']}",
        f"**Verdict: {content['verdict']}.** {content['rule']}",
    ]
    for part in content["parts"]:
        blocks += _part_blocks(part, figures, several=len(content["parts"]) > 1)
    blocks += ["## Set-up", "What is known of the paper's:", _listed(content["known"])]
    blocks += ["Ours, where nothing is known:", _listed(content["ours"])]
    blocks += ["Where the run differs from what is known:", _listed(content["deviations"])]
    minutes = sum(part["core_seconds"] for part in content["parts"]) / 60
    machine = content["machine"]
    blocks += [
        "## Time and machine",
        f"{minutes:.0f} minutes of one core in all trials, on {machine['processor']}, {machine['cores']} cores; "
        f"qiskit_qgen {machine['qiskit_qgen']}, qiskit {machine['qiskit']}, torch {machine['torch']}.",
    ]
    return "\n\n".join(blocks) + "\n"


def _part_blocks(part: Mapping[str, Any], figures: str, *, several: bool) -> list[str]:
    exact = "the paper's exact data" if part["exact"] else "not the paper's exact data"
    blocks = [f"## {part['title']}: {part['verdict']}"] if several else []
    blocks += [f"**Why.** {part['reason']}", f"**Data** ({exact}). {part['data']}"]
    for title, table in part["tables"].items():
        blocks += [f"##{'#' if several else ''} {title}", table]
    blocks += [f"![{caption}]({figures}{file})\n\n*{caption}.*" for caption, file in part["figures"].items()]
    return blocks


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
