"""All reproductions of the papers' tasks, and their pages in the documentation.

    python -m benchmarks.reproduce --data-dir DATA            (hours; resumable; NAME ... for some of them)
    python -m benchmarks.reproduce --pages                    (from the records, without training)

Each run is that of `qgen reproduce NAME`. Its record is kept in benchmarks/reproductions, its figures and page in docs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from qiskit_qgen.studies.reproductions.page import page_text
from qiskit_qgen.studies.reproductions.recipe import load_recipe, recipe_names
from qiskit_qgen.studies.tables import markdown_table

ROOT = Path(__file__).parents[1]
RECORDS, PAGES = ROOT / "benchmarks/reproductions", ROOT / "docs/reproductions"
FIGURES = "../static/reproductions/"
INTRODUCTION = """# Reproductions

The papers' own tasks, each run by one command: `qgen reproduce NAME`. A page shows what the paper claims, what is known
of its set-up and what is ours, the scores with baselines and intervals, and a verdict by a rule that was fixed before
the run: *reproduced*, *not reproduced*, or *cannot be told* from that run. `python -m benchmarks.reproduce` runs all of
them and regenerates these pages from their records.
"""


def record(name: str, folder: Path) -> None:
    """Keep the record of a run and its figures, which are named after it."""
    content = json.loads((folder / "reproduction.json").read_text())
    place = PAGES / FIGURES
    place.mkdir(parents=True, exist_ok=True)
    for part in content["parts"]:
        for caption, file in part["figures"].items():
            shutil.copyfile(folder / file, place / f"{name}-{file}")
            part["figures"][caption] = f"{name}-{file}"
    RECORDS.mkdir(exist_ok=True)
    (RECORDS / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")


def pages() -> dict[str, str]:
    """Return the pages by file name, from the records."""
    found, lines = {}, []
    for name in recipe_names():
        recipe, path = load_recipe(name), RECORDS / f"{name}.json"
        system = f"[{recipe.title}]({name}.md)" if path.exists() else recipe.title
        verdict = "not run yet"
        if path.exists():
            content = json.loads(path.read_text())
            found[f"{name}.md"] = page_text(content, figures=FIGURES)
            verdict = f"**{content['verdict']}**"
        lines.append((system, f"[{recipe.paper}](https://arxiv.org/abs/{recipe.paper})", f"`{name}`", verdict))
    table = markdown_table(("task", "paper", "`qgen reproduce`", "verdict"), lines)
    tree = "\n".join(["```{toctree}", ":hidden:", "", *(Path(each).stem for each in found), "```"])
    return found | {"index.md": f"{INTRODUCTION}\n{table}\n\n{tree}\n"}


def main():
    """Run what is asked for, then write all pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="those to run; all without a name")
    parser.add_argument("--data-dir", type=Path, help="folder of the data that cannot be downloaded")
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--pages", action="store_true", help="only regenerate the pages")
    options = parser.parse_args()
    for name in [] if options.pages else options.names or recipe_names():
        given = ["--data-dir", str(options.data_dir)] if options.data_dir else []
        command = [sys.executable, "-m", "qiskit_qgen", "reproduce", name, "--workers", str(options.workers), *given]
        subprocess.run([*command, "--out", str(options.out / name)], check=True)
        record(name, options.out / name)
    PAGES.mkdir(exist_ok=True)
    for file, text in pages().items():
        (PAGES / file).write_text(text)


if __name__ == "__main__":
    main()
