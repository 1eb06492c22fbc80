"""Writes results of studies as Markdown and to files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from qiskit_qgen._checks import check_path
from qiskit_qgen._typing import PathLike
from qiskit_qgen.persistence import atomic_write


def markdown_table(titles: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def percent(share: float) -> str:
    """Return a fraction as a percentage."""
    return f"{100 * share:.0f} %"


def done_text(row: Mapping[str, Any]) -> str:
    """Return how many trials of a row are finished, and the total if some are not."""
    done, planned = row["num_trials"], row["planned"]
    return str(done) if done == planned else f"{done} of {planned}"


def save_results(
    folder: PathLike,
    name: str,
    *,
    text: str,
    content: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """Write ``text`` (``.md``), numbers (``.json``) and, if there are any, rows (``.csv``) to ``folder``; return it.

    Rows are dictionaries with the same keys each, in the order of the columns.
    """
    target = check_path("folder", folder)
    target.mkdir(parents=True, exist_ok=True)
    if rows:
        lines = io.StringIO()
        writer = csv.DictWriter(lines, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        atomic_write(target / f"{name}.csv", lines.getvalue())
    atomic_write(target / f"{name}.md", text + "\n")
    atomic_write(target / f"{name}.json", json.dumps(content, indent=1) + "\n")
    return target
