"""The page of a reproduction: verdict and claim first, then images and table, the set-up folded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qiskit_qgen.cli.pages.embedding import markdown, write_page

_SETUP = {
    "known": "What is known of the paper's set-up",
    "ours": "Ours, where nothing is known",
    "deviations": "Where the run differs from what is known",
}


def write_reproduction_page(folder: Path, content: Mapping[str, Any]) -> Path:
    """Write ``report.html`` of what ``reproduction.json`` holds, and return its path."""
    parts = content["parts"]
    said = [f"**Verdict: {content['verdict']}.** {content['claim']}"]
    said += [f"{_prefix(part)}{part['reason']}" for part in parts]
    tables = [(f"{_prefix(part)}{title}", text) for part in parts for title, text in part["tables"].items()]
    folded = {title: markdown(text) for title, text in tables[1:]}
    folded |= {title: markdown("\n".join(f"- {line}" for line in content[key])) for key, title in _SETUP.items()}
    folded["Data"] = markdown("\n".join(f"- {_prefix(part)}{part['data']}" for part in parts))
    folded["When the claim counts as reproduced"] = markdown(content["rule"])
    return write_page(
        folder,
        "study.html",
        {
            "title": content["title"],
            "kind": f"Reproduction of arXiv {content['paper']}",
            "about": "A quick run, which concludes nothing." if content["size"] == "quick" else "",
            "conclusions": [markdown(each) for each in said],
            "figures": [],
            "more_figures": [],
            "images": [
                {"title": f"{_prefix(part)}{caption}", "path": folder / file}
                for part in parts
                for caption, file in part["figures"].items()
            ],
            "table": markdown(tables[0][1]),
            "folded": folded,
        },
    )


def _prefix(part: Mapping[str, Any]) -> str:
    return f"{part['title']}: " if part["title"] else ""
